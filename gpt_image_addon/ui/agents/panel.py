"""Who works in this window beside the user. Drawing only reads; nothing moves under the mouse."""

from __future__ import annotations

from typing import Any

import bpy

from ..common.sidebar import Sidebar, in_every_sidebar
from ..common.widgets import sidebar_width
from .operators import (
    GPT_IMAGE_OT_copy_agent_address,
    GPT_IMAGE_OT_let_agents_in,
    GPT_IMAGE_OT_stop_agents,
    current,
)

SHOWN_CLIENTS = 3
NAMELESS = "?"


class GPT_IMAGE_PT_agents(Sidebar):
    """Assistants that work in this window"""

    bl_label = "Agents"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        layout.label(text="", icon="BLANK1" if current() is None else "LINKED")

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        found = current()
        if found is None:
            layout.operator(GPT_IMAGE_OT_let_agents_in.bl_idname, icon="LINKED")
        else:
            layout.operator(GPT_IMAGE_OT_stop_agents.bl_idname, icon="UNLINKED")
        layout.operator(GPT_IMAGE_OT_copy_agent_address.bl_idname, icon="COPYDOWN")
        clients = found.clients() if found is not None else ()
        column = layout.column(align=True)
        for number in range(SHOWN_CLIENTS):
            if number < len(clients):
                client = clients[number]
                _draw_client(column, client.name or NAMELESS, client.calls, sidebar_width(context))
            elif number == 0:
                column.label(text="No agent is let in" if found is None else "No agent has come yet")
                column.label(text="")
            else:
                column.label(text="")
                column.label(text="")


PANELS = in_every_sidebar(GPT_IMAGE_PT_agents)


def _draw_client(layout: Any, name: str, calls: tuple[str, ...], width: int) -> None:
    """Its name, and what it waits for."""
    layout.label(text=_cut(name, width), icon="USER", translate=False)
    row = layout.row()
    row.active = bool(calls)
    if not calls:
        row.label(text="Asks nothing now", icon="BLANK1")
        return
    more = f" +{len(calls) - 1}" if len(calls) > 1 else ""
    row.label(text=_cut(calls[0], width - len(more)) + more, icon="BLANK1", translate=False)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
