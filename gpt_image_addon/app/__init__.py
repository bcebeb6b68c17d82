"""What the add-on does, between the user's wish and the scene. Main thread only."""
