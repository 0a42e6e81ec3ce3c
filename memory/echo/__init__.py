"""Does a text say what a memory says, and did an answer use it? What that does to confidence."""
