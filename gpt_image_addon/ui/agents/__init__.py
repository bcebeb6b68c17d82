"""Agents in this window: letting them in, and who is in."""
