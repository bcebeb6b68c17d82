"""The images that are shown to the model: what each is, and what is said of it."""
