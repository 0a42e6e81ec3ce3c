"""Conversations: which call belongs to which, what each step of one was, and how it ended."""
