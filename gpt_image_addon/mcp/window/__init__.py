"""Agents in an open window: HTTP on this machine alone, and the way to it from standard input and output."""
