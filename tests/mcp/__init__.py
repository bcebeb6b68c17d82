"""MCP: the core with tools of its own, the whole process through a pipe, and the official client."""
