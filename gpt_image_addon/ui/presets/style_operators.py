"""Operators that keep, share and delete styles of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ...core.request.parameters import STYLE_LIMIT
from ...core.text.message import message
from ..common import enum_items
from ..common.operator import CANCELLED, FINISHED, Returned, reporting
from ..common.translate import translate
from ..common.widgets import draw_sentence

LINE = 30  # characters of a line of the menu


class GPT_IMAGE_OT_add_style(bpy.types.Operator):
    """Keep words that join prompts as a style of your own"""

    bl_idname = "gpt_image.add_style"
    bl_label = "Add Style"
    bl_options = {"REGISTER"}  # noqa: RUF012

    label: StringProperty(name="Name", description="What the style is called")
    words: StringProperty(name="Words", description="What joins the prompt", maxlen=STYLE_LIMIT)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return context.window_manager.invoke_props_dialog(self)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        from ...core.request import styles

        style = styles.check_style(styles.name_from_label(self.label), self.label, self.words)
        styles.keep_styles({style.name: style})
        enum_items.refresh_styles()
        context.scene.gpt_image.style = style.name
        return FINISHED


class GPT_IMAGE_OT_delete_style(bpy.types.Operator):
    """Delete the chosen style, if it is one of your own"""

    bl_idname = "gpt_image.delete_style"
    bl_label = "Delete Style"
    bl_options = {"REGISTER"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not enum_items.is_own(context.scene.gpt_image.style):
            cls.poll_message_set("The chosen style is not one of your own.")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        from ...core.request import styles

        values = context.scene.gpt_image
        styles.drop_style(values.style)
        values.style = enum_items.NO_STYLE
        enum_items.refresh_styles()
        return FINISHED


class GPT_IMAGE_MT_styles(bpy.types.Menu):
    """Styles by what they are for, what the chosen one adds to the prompt, and your own ones"""

    bl_idname = "GPT_IMAGE_MT_styles"
    bl_label = "Styles"

    def draw(self, context: bpy.types.Context) -> None:
        values = context.scene.gpt_image
        # Blender takes what stands below columns of a menu for the last of them.
        columns = self.layout.row()
        first = columns.column()
        first.prop_enum(values, "style", enum_items.NO_STYLE)
        first.separator()
        words = enum_items.words_of(values.style)
        if words:
            draw_sentence(first, words, "ADD", LINE)
            first.separator()
        first.operator_context = "INVOKE_DEFAULT"
        for operator, icon in ACTIONS:
            first.operator(operator.bl_idname, icon=icon)
        _draw_groups(columns, values)


def _draw_groups(columns: Any, values: Any) -> None:
    """A column for each group, below its title."""
    column = columns
    for name, title, *_ in enum_items.style_items(None, None):
        if not name:
            column = columns.column()
            column.label(text=title)
            column.separator()
        elif name != enum_items.NO_STYLE:
            column.prop_enum(values, "style", name)


class GPT_IMAGE_OT_export_styles(bpy.types.Operator, ExportHelper):
    """Write your own styles, or all where there are none, into one file to share"""

    bl_idname = "gpt_image.export_styles"
    bl_label = "Export Styles"
    bl_options = {"REGISTER"}  # noqa: RUF012

    filename_ext = ".json"
    filter_glob: StringProperty(
        name="Filter", description="Files to show", default="*.json", options={"HIDDEN"}
    )

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        from ...core.request import styles

        found: Any = styles.user_styles() or styles.all_styles()
        styles.write_styles(Path(self.filepath), found.values())
        self.report({"INFO"}, translate(message("{count} styles were written.", count=len(found))))
        return FINISHED


class GPT_IMAGE_OT_import_styles(bpy.types.Operator, ImportHelper):
    """Add the styles of a file to your own"""

    bl_idname = "gpt_image.import_styles"
    bl_label = "Import Styles"
    bl_options = {"REGISTER"}  # noqa: RUF012

    filename_ext = ".json"
    filter_glob: StringProperty(
        name="Filter", description="Files to show", default="*.json", options={"HIDDEN"}
    )

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        from ...core.request import styles

        found = styles.read_styles(Path(self.filepath))
        if not found:
            self.report({"WARNING"}, translate("The file holds no styles."))
            return CANCELLED
        styles.keep_styles(found)
        enum_items.refresh_styles()
        self.report({"INFO"}, translate(message("{count} styles were added.", count=len(found))))
        return FINISHED


ACTIONS: tuple[tuple[Any, str], ...] = (
    (GPT_IMAGE_OT_add_style, "ADD"),
    (GPT_IMAGE_OT_delete_style, "REMOVE"),
    (GPT_IMAGE_OT_import_styles, "IMPORT"),
    (GPT_IMAGE_OT_export_styles, "EXPORT"),
)

CLASSES = (
    GPT_IMAGE_OT_add_style,
    GPT_IMAGE_OT_delete_style,
    GPT_IMAGE_OT_export_styles,
    GPT_IMAGE_OT_import_styles,
    GPT_IMAGE_MT_styles,
)
