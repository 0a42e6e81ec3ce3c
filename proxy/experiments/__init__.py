"""Policies tried side by side: who is on which arm, and what the arms brought."""
