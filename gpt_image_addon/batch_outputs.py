"""Where a batch's results go in Blender: a file for each row, or an asset library. Main thread only."""

from __future__ import annotations

from pathlib import Path

import bpy

from .core.errors import InvalidRequestError, StorageError
from .core.manifest import Row
from .core.request import GenerationRequest
from .core.results import Prepared
from .scene import assets
from .scene.targets import Applied, apply

ROW_PROPERTY = "gpt_image_row"
SAVE_EVERY = 200  # assets


def check_background() -> None:
    """:raises InvalidRequestError: somebody's scene is open in a window, and would be replaced."""
    if not bpy.app.background:
        raise InvalidRequestError(
            "Files are written by a batch only in background.", next_step="Use `blender -b` or files."
        )


def _empty_file() -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def _save(path: Path) -> None:
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False, compress=True)
    except RuntimeError as error:
        raise StorageError(f"{path} could not be saved: {str(error).strip()}") from error


class BlendPerRow:
    """A .blend for each row."""

    def __init__(self, folder: Path) -> None:
        check_background()
        self.folder = folder

    def _path(self, row: Row) -> Path:
        return self.folder / f"{row.stem}.blend"

    def deliver(self, row: Row, prepared: Prepared) -> tuple[str, ...]:
        """Make and save it.

        :raises StorageError: it can't be saved.
        """
        _empty_file()
        apply(prepared, row.application)
        _save(self._path(row))
        return (str(self._path(row)),)

    def present(self, row: Row, request: GenerationRequest) -> tuple[str, ...]:
        """The file, where it is there."""
        path = self._path(row)
        return (str(path),) if path.exists() else ()

    def close(self) -> None:
        """Every file is saved already."""


class AssetLibrary:
    """A .blend that holds a material, or for planes an object, for each row."""

    def __init__(self, path: Path) -> None:
        """
        :param path: made where it is missing; otherwise what is in it stays.
        :raises StorageError: it can't be opened.
        """
        check_background()
        self.path = path.absolute()
        self._unsaved = 0
        if self.path.exists():
            try:
                bpy.ops.wm.open_mainfile(filepath=str(self.path))
            except RuntimeError as error:
                raise StorageError(f"{self.path} could not be opened: {str(error).strip()}") from error
        else:
            _empty_file()
            with_folder = self.path.parent
            with_folder.mkdir(parents=True, exist_ok=True)
        blocks = (*bpy.data.materials, *bpy.data.objects)
        self._rows = {block[ROW_PROPERTY] for block in blocks if ROW_PROPERTY in block}

    def deliver(self, row: Row, prepared: Prepared) -> tuple[str, ...]:
        """Add a row's asset.

        :raises InvalidRequestError: its target is no asset, or its catalog can't be one.
        """
        if row.application.target == "image":
            raise InvalidRequestError(
                "An image can't be an asset.", param="target", next_step="Use texture, material or plane."
            )
        catalog = assets.add_catalog(self.path.parent, row.catalog) if row.catalog else ""
        block = _block(apply(prepared, row.application))
        block[ROW_PROPERTY] = row.id
        assets.mark(block, prepared.pictures[0], prepared.facts, catalog=catalog, tags=row.tags)
        self._rows.add(row.id)
        self._unsaved += 1
        if self._unsaved >= SAVE_EVERY:
            self.close()
        return (str(self.path),)

    def present(self, row: Row, request: GenerationRequest) -> tuple[str, ...]:
        """The library, where the row is in it."""
        return (str(self.path),) if row.id in self._rows else ()

    def close(self) -> None:
        """Save it.

        :raises StorageError: that fails.
        """
        if self._unsaved or not self.path.exists():
            _save(self.path)
        self._unsaved = 0


def _block(applied: Applied) -> bpy.types.ID:
    if applied.object is not None:
        return bpy.data.objects[applied.object]
    return bpy.data.materials[applied.material]
