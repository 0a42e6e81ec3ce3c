"""Figures read from the log, and from the tables of memory."""
