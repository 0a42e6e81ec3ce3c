"""Memories: what they are, and every change that is made to them."""
