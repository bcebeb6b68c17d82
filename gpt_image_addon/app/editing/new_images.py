"""Images of the .blend edited into new ones: extended, or their subjects cut out. Main thread only."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from ...core.common.files import read_file
from ...core.results.store import ImageFile
from ..apply_queue import push_undo
from .cutout import Cutting, begin_cut_out
from .extending import Extension, begin_extension
from .sequences import Ask, run_in_background, run_through

Begin = Callable[..., Extension | Cutting]


def extend_image(image: bpy.types.Image, ask: Ask | None = None, **parameters: Any) -> None:
    """`extending.extend` into a new data-block, while Blender goes on.

    :param ask: see `run_in_background`.
    :raises GptImageError: it can't be sent; nothing was.
    """
    _start(begin_extension, image, "{name} extended", ask, parameters)


def cut_out_image(image: bpy.types.Image, ask: Ask | None = None, **parameters: Any) -> None:
    """`cutout.cut_out` into a new data-block, while Blender goes on.

    :param ask: see `run_in_background`.
    :raises GptImageError: it can't be sent; nothing was.
    """
    _start(begin_cut_out, image, "{name} cut out", ask, parameters)


def _start(
    begin: Begin, image: bpy.types.Image, title: str, ask: Ask | None, parameters: dict[str, Any]
) -> None:
    folder = tempfile.TemporaryDirectory(prefix="gpt-image-edit-", ignore_cleanup_errors=True)
    name = title.format(name=Path(image.name).stem)
    output = Path(folder.name) / "image.png"
    sequence = begin(image, output, **parameters)

    def finish() -> object:
        result = sequence.result()
        _add(output, name, (result.width, result.height), result.file)
        folder.cleanup()
        return result

    if bpy.app.background:
        run_through(sequence)
        finish()
    else:
        run_in_background(sequence, name, finish, ask)


def _add(file: Path, name: str, size: tuple[int, int], source: str) -> None:
    from ...scene.display import show_image
    from ...scene.images import add_image

    made = ImageFile(name, read_file(file), source, "png", *size, has_alpha=True)
    show_image(add_image(made, {}))
    push_undo(name)
