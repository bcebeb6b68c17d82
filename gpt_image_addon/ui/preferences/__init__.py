"""The add-on's preferences, the key and the connection."""
