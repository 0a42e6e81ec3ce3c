"""How well the bypass classes tell what must not be served from a cache, on labelled streams."""
