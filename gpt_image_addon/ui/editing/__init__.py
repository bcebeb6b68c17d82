"""What is done with an image in its editor without a request."""
