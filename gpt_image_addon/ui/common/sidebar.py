"""The editors whose sidebars hold the panels, and the class of a panel in each of them."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

CATEGORY = "GPT Image"
TRANSLATIONS = "GPT Image"
"""Context of labels that Blender itself has and translates for something else."""
SIDEBARS = {"view3d": "VIEW_3D", "image": "IMAGE_EDITOR", "node": "NODE_EDITOR"}


class Sidebar:
    """What all panels share."""

    bl_region_type = "UI"
    bl_category = CATEGORY

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Everywhere but in node editors that show no shader."""
        space = context.space_data
        return context.scene is not None and getattr(space, "tree_type", "ShaderNodeTree") == "ShaderNodeTree"


def in_every_sidebar(shared: type) -> tuple[type, ...]:
    """Panel classes that draw alike, one for each sidebar: ``GPT_IMAGE_PT_jobs`` and ``view3d`` make
    ``GPT_IMAGE_PT_jobs_view3d``."""
    return tuple(
        type(
            f"{shared.__name__}_{suffix}",
            (shared, bpy.types.Panel),
            {"bl_space_type": space, "__doc__": shared.__doc__},
        )
        for suffix, space in SIDEBARS.items()
    )


def redraw() -> None:
    """Draw the sidebars and the preferences again."""
    for region in _regions():
        region.tag_redraw()


def is_visible() -> bool:
    """Whether the panels are to be seen in some window."""
    return any(
        region.type == "UI" and region.width > 1 and region.active_panel_category == CATEGORY
        for region in _regions()
    )


def redraw_status() -> None:
    """Draw the status bar again; a text that a tool shows there goes, so not more often than needed."""
    for window in bpy.context.window_manager.windows:
        # Without a window in its context, as just after a file was loaded, Blender crashes here.
        with bpy.context.temp_override(window=window):
            window.workspace.status_text_set(None)


def _regions() -> Iterator[bpy.types.Region]:
    kinds = {**dict.fromkeys(SIDEBARS.values(), "UI"), "PREFERENCES": "WINDOW"}
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            yield from (region for region in area.regions if region.type == kinds.get(area.type))
