"""What the projection of images onto models needs of a scene: faces, views, images to paint."""
