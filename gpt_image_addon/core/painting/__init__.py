"""Answers that are painted onto models: from stored files to painted ones."""
