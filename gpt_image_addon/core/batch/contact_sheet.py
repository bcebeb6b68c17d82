"""All images of a run on one sheet: a .png, or a .html that shows the files where they are."""

from __future__ import annotations

import html
import io
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..common.files import read_file
from ..text.plain_text import repair

SHEET_EDGE = 8192  # pixels at most
TILE_EDGE = 256  # pixels at most, with its margin
MARGIN = 4  # pixels
BACKDROP = (40, 40, 40)
SHOWN = (".png", ".jpg", ".webp", ".gif", ".svg")

_HEAD = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ background: #282828; color: #ddd; font: 14px sans-serif; margin: 16px; }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 12px; }}
figure {{ margin: 0; }} img {{ width: 100%; display: block; background: #444; }}
figcaption {{ padding: 4px 0; overflow-wrap: anywhere; }} .failed, .unknown {{ color: #f99; }}
</style>
<h1>{title}</h1><main>
"""


def first_image(result: Mapping[str, Any]) -> str | None:
    """The file of a row that stands for it; None where it has none."""
    return next((file for file in result["files"] if file.lower().endswith(SHOWN)), None)


def html_sheet(results: Iterable[Mapping[str, Any]], path: Path, title: str) -> bytes:
    """A page with every row; images are linked, so it is small and moves with them.

    :param path: where it will be.
    """
    parts = [_HEAD.format(title=html.escape(repair(title)))]
    for result in results:
        parts.append(f"<figure>{_image(result, path)}<figcaption>{_caption(result)}</figcaption></figure>\n")
    parts.append("</main></html>\n")
    return "".join(parts).encode()


def _image(result: Mapping[str, Any], path: Path) -> str:
    file = first_image(result)
    if file is None:
        return ""
    try:
        address = quote(os.fsencode(Path(os.path.relpath(file, path.absolute().parent)).as_posix()))
    except ValueError:  # another drive
        address = Path(file).as_uri()
    return f'<a href="{address}"><img loading="lazy" src="{address}" alt="{html.escape(result["row"])}"></a>'


def _caption(result: Mapping[str, Any]) -> str:
    text = html.escape(result["row"])
    if result["error"] is not None:
        text += f'<br><span class="{result["state"]}">{html.escape(result["error"]["message"])}</span>'
    elif result["cost_usd"]:
        text += f"<br>${result['cost_usd']:.4f}"
    return text


def png_sheet(results: Iterable[Mapping[str, Any]]) -> bytes:
    """A sheet of thumbnails in the order of the manifest; rows without an image are left out.

    The place of an image that can't be read, or is gone, stays empty.
    """
    from PIL import Image

    from ..imaging.decoding import UnusableImageError, decode_small

    found = sorted((result["line"], file) for result in results if (file := first_image(result)))
    files = [file for _, file in found if not file.lower().endswith(".svg")]
    columns = max(1, math.ceil(math.sqrt(len(files))))
    tile = min(TILE_EDGE, SHEET_EDGE // columns)
    rows = max(1, math.ceil(len(files) / columns))
    sheet = Image.new("RGB", (columns * tile, rows * tile), BACKDROP)
    for index, file in enumerate(files):
        try:
            small = Image.fromarray(decode_small(read_file(Path(file)), tile - MARGIN))
        except (OSError, UnusableImageError):
            continue
        x, y = index % columns * tile, index // columns * tile
        at = (x + (tile - small.width) // 2, y + (tile - small.height) // 2)
        sheet.paste(small, at, small)
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()
