"""Parts of image files: cut out, and laid back in so that every other pixel stays bit for bit."""
