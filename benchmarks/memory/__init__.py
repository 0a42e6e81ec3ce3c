"""Benchmarks of memory: extraction, echoes, the whole loop, dialogues."""
