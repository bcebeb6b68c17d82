"""The scene as references: views, guides and marked areas."""
