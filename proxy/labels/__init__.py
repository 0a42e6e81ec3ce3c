"""Where labels come from and what is learned of them: audits and misses, a judging model, feedback, the next turn."""
