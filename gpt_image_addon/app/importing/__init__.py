"""Files that are there already into the scene, as the results of requests go there."""
