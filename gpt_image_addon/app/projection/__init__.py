"""Requests whose answers are projected onto models. Main thread only."""
