"""The engines and pipelines that files are written for."""
