"""HTTP: wire formats, auth, upstreams, streaming, routes, CLI, configuration."""
