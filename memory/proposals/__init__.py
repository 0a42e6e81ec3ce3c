"""What sessions that have ended teach: proposals for a person to decide on, and who may be asked for them how often."""
