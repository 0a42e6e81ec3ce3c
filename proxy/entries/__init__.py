"""Stored answers that leave service: by an operator, for room, or because their model changed."""
