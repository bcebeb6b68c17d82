"""GPT Image: textures, images and materials from a prompt."""

from __future__ import annotations


def register() -> None:
    """Called by Blender when the extension is enabled."""
    import gc

    # What is loaded here stays: looking through all of Blender for garbage meanwhile doubles the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        from . import registration

        registration.register()
    finally:
        if collects:
            gc.enable()


def unregister() -> None:
    """Called by Blender when the extension is disabled, and at exit."""
    from . import registration

    registration.unregister()
