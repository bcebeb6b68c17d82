"""Long prompts: in a text of the file, written in the Text Editor."""

from __future__ import annotations

from typing import Any

import bpy

from ..common.operator import FINISHED, Returned

TEXT_NAME = "GPT Image Prompt"


class GPT_IMAGE_OT_edit_prompt(bpy.types.Operator):
    """Write the prompt in the Text Editor, on as many lines as it takes"""

    bl_idname = "gpt_image.edit_prompt"
    bl_label = "Edit in Text Editor"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            cls.poll_message_set("There is no scene.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Returned:
        values: Any = context.scene.gpt_image
        if values.prompt_text is None:
            values.prompt_text = bpy.data.texts.new(TEXT_NAME)
            values.prompt_text.write(values.prompt)
        if not bpy.app.background:
            _text_editor(context).text = values.prompt_text
        return FINISHED


def _text_editor(context: bpy.types.Context) -> Any:
    """The space of a Text Editor: of one that is open, else of a new window."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "TEXT_EDITOR":
                return area.spaces.active
    bpy.ops.wm.window_new()
    area = context.window_manager.windows[-1].screen.areas[0]
    area.ui_type = "TEXT_EDITOR"
    area.spaces.active.show_word_wrap = True
    return area.spaces.active


CLASSES = (GPT_IMAGE_OT_edit_prompt,)
