"""Runs of tools that clients report, found again by what they were given."""
