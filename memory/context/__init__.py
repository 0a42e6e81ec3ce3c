"""What of the active memories goes into a prompt."""
