"""Materials that are in the scene, while they are tuned."""
