"""Results put to use: images, textures, planes and materials."""
