"""Image files: reading, checking, writing, and what goes up to a server."""
