"""Ground floor: SQL engine and tables, the vector index, the embedder. Knows nothing of policy."""
