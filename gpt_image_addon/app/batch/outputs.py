"""Where a batch's results go in Blender: a file for each row, or an asset library. Main thread only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import bpy

from ...core.batch.manifest import Row
from ...core.batch.runner import owner_of
from ...core.common.asset_catalogs import catalog_path
from ...core.common.files import storage_errors
from ...core.errors import GptImageError, InvalidRequestError, SceneError, StorageError
from ...core.journal.journal import Entry
from ...core.request.request import Application
from ...core.request.targets import TARGETS, find_target
from ...core.results.output_files import Delivery, Outputs, renamed_warning
from ...core.results.output_folders import make_folder, sync_file
from ...core.results.store import ImageFile, PreparedResult
from ...scene import assets
from ...scene.blend_files import save_copy
from ...scene.targets.base import Applied, Deferred
from ...scene.targets.registry import apply
from .painted_rows import RowPlanner, paints

ROW_PROPERTY = "gpt_image_row"
ROW_JOB_PROPERTY = "gpt_image_row_job"
SAVE_EVERY = 200  # assets


def check_background() -> None:
    """:raises InvalidRequestError: somebody's scene is open in a window, and would be replaced."""
    if not bpy.app.background:
        raise InvalidRequestError(
            "Files are written by a batch only in background.", next_step="Use `blender -b` or files."
        )


def _empty_file() -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def _apply(prepared: PreparedResult, application: Application) -> Applied:
    """Into the scene, but onto no object that was not named.

    :raises SceneError: it can't go there.
    """
    try:
        return apply(prepared, application.without_active_object())
    except Deferred as waiting:  # for what nobody will do here
        raise SceneError(waiting.reason) from waiting


class BlendPerRow:
    """A .blend for each row."""

    def __init__(self, folder: Path, outputs: Outputs, manifest: Path, planner: RowPlanner) -> None:
        """
        :param planner: knows the scene of rows that paint objects.
        """
        check_background()
        self.folder, self.outputs, self.manifest, self.planner = folder, outputs, manifest, planner

    def _path(self, row: Row) -> Path:
        return self.folder / f"{row.stem}.blend"

    def deliver(self, row: Row, prepared: PreparedResult) -> Delivery:
        """Make and save it: a new file, or the scene whose objects are painted.

        :raises StorageError: it can't be saved.
        """
        if paints(row):
            self.planner.open_scene(anew=True)
        else:
            _empty_file()
        applied = _apply(prepared, row.application)
        owner, wanted = owner_of(row, self.manifest), self._path(row)
        found = save_copy(wanted, self.outputs, owner, renames=True, compress=True)
        return Delivery((str(found),), (*applied.messages, *renamed_warning(found, wanted)))

    def present(self, row: Row, stored: Entry) -> tuple[str, ...]:
        """The file, where it is there."""
        found = self.outputs.find(self._path(row), owner_of(row, self.manifest))
        return (str(found),) if found is not None else ()

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
            with storage_errors(f"{self.path.parent} could not be made"):
                make_folder(self.path.parent)
            _empty_file()
        self._stamp = self._file_stamp()
        blocks = (*bpy.data.materials, *bpy.data.objects)
        self._rows = {
            (block[ROW_PROPERTY], block.get(ROW_JOB_PROPERTY)) for block in blocks if ROW_PROPERTY in block
        }

    def deliver(self, row: Row, prepared: PreparedResult) -> Delivery:
        """Add a row's assets: one for each image where the target makes one of each.

        :raises InvalidRequestError: its target is no asset, or its catalog can't be one.
        """
        check_asset(row)
        warnings: list[str] = []
        catalog = self._catalog(row, warnings)
        for block, image_file in _make_assets(prepared, row.application, warnings):
            block[ROW_PROPERTY], block[ROW_JOB_PROPERTY] = row.id, prepared.job
            assets.mark(block, image_file, prepared.facts, catalog=catalog, tags=row.tags)
        self._rows.add((row.id, prepared.job))
        self._unsaved += 1
        if self._unsaved >= SAVE_EVERY:
            self.close()
        return Delivery((str(self.path),), tuple(dict.fromkeys(warnings)))

    def _catalog(self, row: Row, warnings: list[str]) -> str:
        """Its id; an asset is one without it, too."""
        if not row.catalog:
            return ""
        try:
            return assets.add_catalog(self.path.parent, row.catalog)
        except GptImageError as error:
            warnings.append(f"{error.message} The asset is in no catalog.")
            return ""

    def present(self, row: Row, stored: Entry) -> tuple[str, ...]:
        """The library, where the row is in it."""
        is_there = not self._rows.isdisjoint({(row.id, stored.id), (row.id, None)})
        return (str(self.path),) if is_there else ()

    def close(self) -> None:
        """Save it.

        :raises StorageError: that fails, or another program has changed it meanwhile.
        """
        if self._unsaved or not self.path.exists():
            if self._file_stamp() != self._stamp:
                raise StorageError(
                    f"{self.path} was changed by another program meanwhile; the new assets are not in it.",
                    next_step="Run the batch again: nothing is paid for twice.",
                )
            with storage_errors(f"{self.path} could not be saved"):
                try:
                    bpy.ops.wm.save_as_mainfile(filepath=str(self.path), check_existing=False, compress=True)
                except RuntimeError as error:
                    raise StorageError(f"{self.path} could not be saved: {str(error).strip()}") from error
                sync_file(self.path)
            self._stamp = self._file_stamp()
        self._unsaved = 0

    def _file_stamp(self) -> tuple[int, int] | None:
        """What changes when somebody writes the file; None where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns


def check_asset(row: Row) -> None:
    """Find out before anything is paid whether a row's result can be an asset.

    :raises InvalidRequestError: it can't.
    """
    drawn = row.request.output_format == "svg"
    if drawn or not find_target(row.application.target).asset:
        fitting = " or ".join(name for name, info in TARGETS.items() if info.asset)
        raise InvalidRequestError(
            "A drawing can't be an asset." if drawn else f"The target {row.application.target} is no asset.",
            param="output_format" if drawn else "target",
            next_step="Use another format." if drawn else f"Use {fitting}.",
        )
    if row.catalog:
        catalog_path(row.catalog)


def _make_assets(
    prepared: PreparedResult, application: Application, warnings: list[str]
) -> Iterator[tuple[bpy.types.ID, ImageFile]]:
    """What becomes an asset, with the image that it shows: a plane or a texture of each.

    Of a material there is one, because maps are made of the first image alone; the others stay in the file.
    """
    info = find_target(application.target)
    for part in _parts(prepared) if info.asset_each else (prepared,):
        before = set(bpy.data.objects)
        applied = _apply(part, application)
        warnings += applied.messages
        if info.asset == "object":
            yield from _planes(set(bpy.data.objects) - before, applied, prepared)
        else:
            yield bpy.data.materials[applied.material], part.images[0]


def _parts(prepared: PreparedResult) -> Iterator[PreparedResult]:
    for image_file in prepared.images:
        yield dataclasses.replace(prepared, images=(image_file,))


def _planes(
    objects: set[bpy.types.Object], applied: Applied, prepared: PreparedResult
) -> Iterator[tuple[bpy.types.Object, ImageFile]]:
    shown = {
        node.image.name: obj
        for obj in objects
        for node in obj.active_material.node_tree.nodes
        if node.bl_idname == "ShaderNodeTexImage"
    }
    for name, image_file in zip(applied.images, prepared.images, strict=True):
        yield shown[name], image_file
