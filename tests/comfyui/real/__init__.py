"""The real ComfyUI on the CPU, with a stand-in for what its paid nodes call."""
