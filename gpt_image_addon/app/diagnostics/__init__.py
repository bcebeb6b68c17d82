"""What is wrong with an installation, and what to send with a bug report."""
