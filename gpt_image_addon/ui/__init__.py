"""What people see in Blender: preferences, properties, operators and panels."""
