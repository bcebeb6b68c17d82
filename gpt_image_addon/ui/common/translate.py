"""Sentences in the user's language, also those that were made elsewhere with names and numbers in them."""

from __future__ import annotations

import bpy

from ...core.text.message import Message


def translate(text: str) -> str:
    """A text as the user's Blender says it; as it is where nobody translated it. Quick enough for drawing.

    Only a `Message` knows what was filled in. A sentence that comes back from a file or the journal is a
    plain text: with names or numbers in it, it stays English.
    """
    return Message.of(text).say(bpy.app.translations.pgettext_iface)
