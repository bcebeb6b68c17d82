"""Operators that keep, choose and forget workflows, and ask the server anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ... import api
from ..common.operator import FINISHED, Returned, reporting
from . import known


class _OnWorkflow:
    """Only where a workflow is named."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None or not context.scene.gpt_image.workflow:
            cls.poll_message_set("Name a workflow first.")  # type: ignore[attr-defined]
            return False
        return True


class GPT_IMAGE_OT_use_workflow(bpy.types.Operator):
    """Use this workflow"""

    bl_idname = "gpt_image.use_workflow"
    bl_label = "Use Workflow"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    name: StringProperty(name="Name", description="Of a workflow that is kept; empty for none")

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        values: Any = context.scene.gpt_image
        values.workflow, values.workflow_values, values.workflow_places = self.name, "", ""
        known.ask_again()
        return FINISHED


class GPT_IMAGE_OT_keep_workflow(_OnWorkflow, bpy.types.Operator):
    """Keep the workflow by a name, with what goes where in it"""

    bl_idname = "gpt_image.keep_workflow"
    bl_label = "Keep Workflow"
    bl_options = {"REGISTER"}  # noqa: RUF012

    label: StringProperty(name="Name", description="What the workflow is called")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        self.label = Path(context.scene.gpt_image.workflow).stem
        return context.window_manager.invoke_props_dialog(self)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        from ...core.workflows.library import make_name
        from ...core.workflows.values import split_values

        values: Any = context.scene.gpt_image
        name = make_name(self.label)
        api.keep_workflow(values.workflow, name, split_values(values.workflow_places))
        values.workflow, values.workflow_places = name, ""
        known.ask_again()
        return FINISHED


class GPT_IMAGE_OT_forget_workflow(_OnWorkflow, bpy.types.Operator):
    """Forget the workflow that is kept by this name"""

    bl_idname = "gpt_image.forget_workflow"
    bl_label = "Forget Workflow"
    bl_options = {"REGISTER"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if context.scene.gpt_image.workflow not in api.workflows():
            cls.poll_message_set("This workflow is a file of its own.")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        values: Any = context.scene.gpt_image
        api.drop_workflow(values.workflow)
        values.workflow, values.workflow_values, values.workflow_places = "", "", ""
        return FINISHED


class GPT_IMAGE_OT_reset_workflow(_OnWorkflow, bpy.types.Operator):
    """Read the workflow again, ask the server again, and set nothing in it"""

    bl_idname = "gpt_image.reset_workflow"
    bl_label = "Reset Workflow"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        values: Any = context.scene.gpt_image
        values.workflow_values, values.workflow_places = "", ""
        known.ask_again()
        return FINISHED


class GPT_IMAGE_OT_ask_workflow(_OnWorkflow, bpy.types.Operator):
    """Read the workflow again, and ask the server again what it takes"""

    bl_idname = "gpt_image.ask_workflow"
    bl_label = "Ask Again"
    bl_options = {"REGISTER"}  # noqa: RUF012

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        known.ask_again()
        return FINISHED


class GPT_IMAGE_MT_workflows(bpy.types.Menu):
    """Workflows that are kept"""

    bl_idname = "GPT_IMAGE_MT_workflows"
    bl_label = "Workflows"

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout
        layout.operator(GPT_IMAGE_OT_use_workflow.bl_idname, text="None").name = ""
        for name in api.workflows():
            layout.operator(GPT_IMAGE_OT_use_workflow.bl_idname, text=name, translate=False).name = name
        layout.separator()
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator(GPT_IMAGE_OT_keep_workflow.bl_idname, icon="ADD")
        layout.operator(GPT_IMAGE_OT_forget_workflow.bl_idname, icon="REMOVE")


CLASSES = (
    GPT_IMAGE_OT_use_workflow,
    GPT_IMAGE_OT_keep_workflow,
    GPT_IMAGE_OT_forget_workflow,
    GPT_IMAGE_OT_reset_workflow,
    GPT_IMAGE_OT_ask_workflow,
    GPT_IMAGE_MT_workflows,
)
