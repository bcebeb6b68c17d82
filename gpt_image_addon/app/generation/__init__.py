"""Requests as scripts make them: their parameters, what they would cost, and what they brought."""
