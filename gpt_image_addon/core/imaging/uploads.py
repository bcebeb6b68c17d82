"""Images on their way to a server, of which it learns nothing but what they show."""

from __future__ import annotations

from dataclasses import replace

from .formats import Upload, decode, encode_png
from .image_metadata import strip_metadata


def make_neutral(upload: Upload, name: str) -> Upload:
    """The same image under a name that tells nothing, and without what its file says about it.

    :param name: without an ending.
    """
    ending, mime = upload.mime.partition("/")[2], upload.mime
    data = strip_metadata(upload.data)
    if data is None:
        data, ending, mime = encode_png(decode(upload.data)), "png", "image/png"
    return replace(upload, name=f"{name}.{ending}", data=data, mime=mime)
