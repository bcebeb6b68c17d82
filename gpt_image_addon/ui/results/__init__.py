"""Jobs, results and the history."""
