"""The configuration in force, and how an edit of its file becomes the next one."""
