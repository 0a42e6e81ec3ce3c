"""Statistics that lead to action: near misses, estimated errors, advice."""
