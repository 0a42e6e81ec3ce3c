"""Where calls are forwarded to."""
