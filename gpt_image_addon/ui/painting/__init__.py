"""What the panel shows of a model that is to be painted."""
