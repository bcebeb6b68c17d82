"""What is made from images that are there already."""
