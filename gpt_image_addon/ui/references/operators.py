"""Operators for references and masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import CollectionProperty, EnumProperty, IntProperty, StringProperty

from ...core.request.parameters import REFERENCE_LIMIT
from ...core.text.message import message
from ..common import enum_items
from ..common.operator import CANCELLED, FINISHED, Returned, reporting
from ..common.sidebar import CATEGORY
from ..common.translate import translate
from . import images

IMAGE_FILES = ".png;.jpg;.jpeg;.webp"


def _values(context: bpy.types.Context) -> Any:
    return context.scene.gpt_image


def _chosen(context: bpy.types.Context) -> Any:
    values = _values(context)
    found = values.references
    return found[values.reference_index] if 0 <= values.reference_index < len(found) else None


class _OnReferences:
    """Only where there is a scene."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            cls.poll_message_set("There is no scene.")  # type: ignore[attr-defined]
            return False
        return True


class _OnChosen(_OnReferences):
    """Only where a reference is chosen."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if _chosen(context) is None:
            cls.poll_message_set("There are no references.")  # type: ignore[attr-defined]
            return False
        return True


class GPT_IMAGE_OT_add_reference(_OnReferences, bpy.types.Operator):
    """Show the model one more image"""

    bl_idname = "gpt_image.add_reference"
    bl_label = "Add Reference"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    kind: EnumProperty(name="Kind", description="Where the image comes from", items=enum_items.REFERENCES)
    file: StringProperty(name="File", description="Image file", subtype="FILE_PATH", options={"SKIP_SAVE"})
    image: StringProperty(name="Image", description="Name of an image of this file", options={"SKIP_SAVE"})
    label: StringProperty(name="Label", description="What the image is", options={"SKIP_SAVE"})
    edit_of: StringProperty(
        name="Edit of",
        description="Result that the file is an image of: as the first reference it is edited",
        options={"SKIP_SAVE"},
    )
    reference_kind: EnumProperty(
        name="Kind of Reference",
        description="What the image is, said in the prompt",
        items=enum_items.KINDS,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """The button's own tooltip: what this kind of image shows."""
        item = next(item for item in enum_items.REFERENCES if item[0] == properties.kind)
        return bpy.app.translations.pgettext_tip(item[2])

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        values = _values(context)
        if len(values.references) >= REFERENCE_LIMIT:
            self.report(
                {"ERROR"}, translate(message("{limit} references are the limit.", limit=REFERENCE_LIMIT))
            )
            return CANCELLED
        item = values.references.add()
        item.kind, item.file, item.label = self.kind, self.file, self.label
        item.edit_of = self.edit_of
        item.reference_kind = self.reference_kind
        item.image = bpy.data.images.get(self.image) or (
            _shown_image(context) if self.kind == "image" else None
        )
        values.reference_index = len(values.references) - 1
        if self.kind not in ("image", "file") and not bpy.app.background:
            images.capture(item)
        return FINISHED


def _shown_image(context: bpy.types.Context) -> bpy.types.Image | None:
    """The image of the editor that the mouse is in."""
    return getattr(context.space_data, "image", None)


class GPT_IMAGE_OT_use_view(_OnReferences, bpy.types.Operator):
    """Show the model what this editor shows, or show it no longer"""

    bl_idname = "gpt_image.use_view"
    bl_label = "Use This View"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    kind: EnumProperty(name="Kind", description="Where the image comes from", items=enum_items.REFERENCES)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        values = _values(context)
        found = find_view(values, self.kind, context)
        if found is None:
            return bpy.ops.gpt_image.add_reference(kind=self.kind)
        _take_off(values, found)
        return FINISHED


def _take_off(values: Any, number: int) -> None:
    """Remove a reference; with the first one go the points, which are on it."""
    values.references.remove(number)
    if number == 0:
        values.points.clear()
    values.reference_index = max(0, min(values.reference_index, len(values.references) - 1))


def find_view(values: Any, kind: str, context: bpy.types.Context) -> int | None:
    """Index of the reference that shows what an editor shows; None where there is none."""
    image = _shown_image(context) if kind == "image" else None
    numbered = enumerate(values.references)
    return next((number for number, item in numbered if item.kind == kind and item.image == image), None)


class GPT_IMAGE_OT_clear_references(_OnReferences, bpy.types.Operator):
    """Send no references, no mask, no points and no annotations"""

    bl_idname = "gpt_image.clear_references"
    bl_label = "Clear References and Mask"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        values = _values(context)
        values.references.clear()
        values.points.clear()
        values.reference_index = 0
        values.mask, values.use_markup = "none", False
        return FINISHED


class GPT_IMAGE_MT_add_reference(bpy.types.Menu):
    """Images to show the model"""

    bl_idname = "GPT_IMAGE_MT_add_reference"
    bl_label = "Add Reference"

    def draw(self, context: bpy.types.Context) -> None:
        for kind, label, _, icon, _ in enum_items.REFERENCES:
            button = self.layout.operator(GPT_IMAGE_OT_add_reference.bl_idname, text=label, icon=icon)
            button.kind = kind


class GPT_IMAGE_OT_remove_reference(_OnChosen, bpy.types.Operator):
    """Take the chosen reference off the list"""

    bl_idname = "gpt_image.remove_reference"
    bl_label = "Remove Reference"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        values = _values(context)
        _take_off(values, values.reference_index)
        return FINISHED


class GPT_IMAGE_OT_move_reference(_OnChosen, bpy.types.Operator):
    """Change the order in which references are sent; a mask belongs to the first"""

    bl_idname = "gpt_image.move_reference"
    bl_label = "Move Reference"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    step: IntProperty(name="Step", description="-1 is up, 1 is down", default=-1, min=-1, max=1)

    def execute(self, context: bpy.types.Context) -> Returned:
        values = _values(context)
        goal = values.reference_index + self.step
        if not 0 <= goal < len(values.references):
            return CANCELLED
        if 0 in (values.reference_index, goal):
            values.points.clear()  # on another image they would mark other things
        values.references.move(values.reference_index, goal)
        values.reference_index = goal
        return FINISHED


class GPT_IMAGE_OT_capture_reference(_OnChosen, bpy.types.Operator):
    """Take the image of the chosen reference anew"""

    bl_idname = "gpt_image.capture_reference"
    bl_label = "Capture Again"
    bl_options = {"REGISTER"}  # noqa: RUF012

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        images.capture(_chosen(context))
        return FINISHED


class GPT_IMAGE_OT_drop_pictures(_OnReferences, bpy.types.Operator):
    """Use image files as references"""

    bl_idname = "gpt_image.drop_pictures"
    bl_label = "GPT Image: Use as Reference"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    directory: StringProperty(
        name="Folder", description="Folder of the files", subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"}
    )
    files: CollectionProperty(
        name="Files",
        description="Names of the files",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def execute(self, context: bpy.types.Context) -> Returned:
        for file in self.files:
            bpy.ops.gpt_image.add_reference(kind="file", file=str(Path(self.directory, file.name)))
        return FINISHED


class GPT_IMAGE_FH_pictures(bpy.types.FileHandler):
    """Images dropped onto the sidebar become references"""

    bl_idname = "GPT_IMAGE_FH_pictures"
    bl_label = "GPT Image Reference"
    bl_import_operator = GPT_IMAGE_OT_drop_pictures.bl_idname
    bl_file_extensions = IMAGE_FILES

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        region = context.region
        if region is None or region.type != "UI" or context.scene is None:
            return False
        return getattr(region, "active_panel_category", CATEGORY) == CATEGORY


CLASSES = (
    GPT_IMAGE_OT_add_reference,
    GPT_IMAGE_OT_use_view,
    GPT_IMAGE_OT_clear_references,
    GPT_IMAGE_MT_add_reference,
    GPT_IMAGE_OT_remove_reference,
    GPT_IMAGE_OT_move_reference,
    GPT_IMAGE_OT_capture_reference,
    GPT_IMAGE_OT_drop_pictures,
    GPT_IMAGE_FH_pictures,
)
