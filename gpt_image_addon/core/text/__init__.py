"""Plain text and JSON: what may be shown, stored and logged."""
