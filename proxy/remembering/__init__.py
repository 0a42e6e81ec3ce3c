"""Memory at work: what happens behind the answers, and what is put into prompts."""
