"""ComfyUI: a stand-in for `make test`, and the real one where it is installed."""
