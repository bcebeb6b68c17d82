"""Materials that are there: their relief and size."""
