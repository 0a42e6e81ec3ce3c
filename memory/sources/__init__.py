"""Documents of configured folders: read, cut into pieces, found by meaning."""
