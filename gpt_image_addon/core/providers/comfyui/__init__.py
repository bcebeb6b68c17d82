"""ComfyUI: GPT Image by its nodes, through a Comfy account."""
