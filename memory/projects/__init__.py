"""Projects: what each goes by, what people say of it, and rows that were stored under another of its names."""
