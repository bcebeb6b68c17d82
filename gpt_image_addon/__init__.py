"""GPT Image: textures, pictures and materials from a prompt."""

from __future__ import annotations


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled, and at exit."""
    from . import registration

    registration.unregister()
