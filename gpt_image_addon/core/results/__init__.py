"""The folders where results are kept."""
