"""The ways by which people are told: webhook, Slack, e-mail, and the courier that goes them."""
