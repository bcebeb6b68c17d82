"""What Godot makes of the files for it."""
