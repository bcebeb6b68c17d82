"""HTTP exchanges that can be stopped at any moment, and whose cost is known."""
