"""Everything that needs no Blender: requests, providers, jobs, the journal, images and maps.

Runs and is tested in plain Python; the standard library, numpy, Pillow and requests are all it needs;
websocket-client tells it more of ComfyUI's runs.
"""
