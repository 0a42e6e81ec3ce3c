"""What time does to memories: they fade, expire, repeat and contradict each other."""
