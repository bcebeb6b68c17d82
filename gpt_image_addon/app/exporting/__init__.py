"""Materials as files for game engines and pipelines."""
