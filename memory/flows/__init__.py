"""Flows: the ways that led to solutions before, kept as trees."""
