"""One job from its price to a result that Blender can take."""
