"""Operators that let agents in and send them away."""

from __future__ import annotations

import json

import bpy

from ...core.errors import InvalidRequestError
from ...lazy import is_loaded
from ...mcp.window import agents
from ..common import sidebar
from ..common.operator import reporting
from ..common.translate import translate


def current() -> agents.Agents | None:
    """The server of this window; None while nobody is let in. Quick enough for drawing."""
    return agents.current() if is_loaded(agents) else None


class GPT_IMAGE_OT_let_agents_in(bpy.types.Operator):
    """Let assistants on this computer use the add-on's tools here, within your limits and folders"""

    bl_idname = "gpt_image.let_agents_in"
    bl_label = "Let Agents In"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @reporting
    def execute(self, context: bpy.types.Context) -> None:
        agents.let_in()
        sidebar.redraw()


class GPT_IMAGE_OT_stop_agents(bpy.types.Operator):
    """Let no agent in any more; images that are paid for still arrive"""

    bl_idname = "gpt_image.stop_agents"
    bl_label = "Stop Agents"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @reporting
    def execute(self, context: bpy.types.Context) -> None:
        agents.send_away()
        sidebar.redraw()


class GPT_IMAGE_OT_copy_agent_address(bpy.types.Operator):
    """Copy an entry for an agent's settings: the address of this window, and a token for this time"""

    bl_idname = "gpt_image.copy_agent_address"
    bl_label = "Copy Address and Token"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only while somebody could come in."""
        return current() is not None

    @reporting
    def execute(self, context: bpy.types.Context) -> None:
        found = current()
        if found is None:
            raise InvalidRequestError("No agent is let in.", next_step="Click Let Agents In first.")
        headers = {"Authorization": f"Bearer {found.token}"}
        entry = {"gpt-image": {"type": "http", "url": found.address, "headers": headers}}
        context.window_manager.clipboard = json.dumps({"mcpServers": entry}, indent=2)
        self.report({"INFO"}, translate("Address and token are in the clipboard."))


CLASSES = (GPT_IMAGE_OT_let_agents_in, GPT_IMAGE_OT_stop_agents, GPT_IMAGE_OT_copy_agent_address)
