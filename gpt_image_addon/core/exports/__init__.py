"""Materials as the files that game engines and pipelines open by themselves. Knows no Blender."""
