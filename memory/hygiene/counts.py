"""What a run of hygiene did, by name."""

from __future__ import annotations

Counts = dict[str, int]
