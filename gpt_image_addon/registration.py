"""What Blender is told about: one flat list of classes, and its mirror image."""

from __future__ import annotations

import atexit
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .lazy import defer, is_loaded

defer(
    *("api", "app.apply_queue", "app.inpainting", "app.models", "app.references", "app.results"),
    *("app.editing.cutout", "app.editing.extending", "app.editing.new_images"),
    *("app.editing.further_edits", "app.editing.photo_material", "app.editing.shown_versions"),
    *("app.editing.versions", "app.exporting.materials", "app.exporting.objects"),
    *("app.importing.curves", "app.importing.sprites"),
    *("app.painting.coverage", "app.painting.masks", "app.painting.prepared", "app.painting.stored"),
    "app.projection.plan",
    *("app.materials.relief", "app.settings", "app.submission"),
    *("app.worlds.pole_repair", "app.worlds.relighting"),
    *("app.decals.baking", "app.decals.moving"),
    *("core.common.credentials", "core.common.keychain"),
    *("mcp.window.agents", "ui.editing.corner_handles", "ui.painting.sides_overlay"),
    *("ui.painting.mask_painting", "ui.painting.mask_surface", "ui.painting.view_labels"),
    *("ui.points.marked_thumbnail", "ui.points.overlay", "ui.points.values"),
    *("ui.preferences.connection_test", "ui.references.images", "ui.references.inpaint"),
    *("ui.references.image_shader", "ui.references.kinds"),
    *("ui.references.mask_check", "ui.references.mask_overlay", "ui.references.paint_editor"),
    *("ui.request.confirm", "ui.request.from_job"),
    *("ui.request.model_notice", "ui.request.quote", "ui.request.to_parameters"),
    *("ui.results.chosen", "ui.results.disk_usage", "ui.results.failure_table", "ui.results.failures"),
    "ui.results.history_view",
    "ui.workflows.known",
)

from . import api  # noqa: E402
from .app import listeners  # noqa: E402
from .app.diagnostics import requirements  # noqa: E402
from .mcp.window import agents  # noqa: E402
from .ui import main_panel, menus  # noqa: E402
from .ui.agents import operators as agent_operators  # noqa: E402
from .ui.agents import panel as agents_panel  # noqa: E402
from .ui.common import sidebar, state, thumbnails, translations  # noqa: E402
from .ui.decals import baking as baking_decals  # noqa: E402
from .ui.decals import placing as placing_decals  # noqa: E402
from .ui.editing import (  # noqa: E402
    bake_out,
    blend_again,
    corner_handles,
    correct_world,
    export_material,
    export_object,
    new_images,
    photo_material,
    repair_poles,
    show_sides,
    upscaling,
)
from .ui.importing import curves as import_curves  # noqa: E402
from .ui.importing import sprites as import_sprites  # noqa: E402
from .ui.materials import tuning  # noqa: E402
from .ui.painting import mask_operators, mask_painting, sides_overlay  # noqa: E402
from .ui.points import events as point_events  # noqa: E402
from .ui.points import operators as point_operators  # noqa: E402
from .ui.points import placing  # noqa: E402
from .ui.preferences import keys, new_file, preferences  # noqa: E402
from .ui.presets import presets, style_operators  # noqa: E402
from .ui.references import compare_overlay, mask_events, mask_rectangle, operators  # noqa: E402
from .ui.request import generate, job_operators, long_prompt, maps, place, properties, subpanels  # noqa: E402
from .ui.results import (  # noqa: E402
    chosen,
    history_view,
    operators_failures,
    operators_history,
    operators_results,
    operators_versions,
    outcomes,
    result_menu,
    results_panel,
)
from .ui.workflows import operators as workflow_operators  # noqa: E402
from .ui.workflows import properties as workflow_properties  # noqa: E402

CLASSES: tuple[type, ...] = (
    *workflow_properties.CLASSES,
    *workflow_operators.CLASSES,
    *properties.CLASSES,
    *generate.CLASSES,
    *job_operators.CLASSES,
    *operators.CLASSES,
    *mask_rectangle.CLASSES,
    *placing.CLASSES,
    *point_operators.CLASSES,
    *operators_results.CLASSES,
    result_menu.GPT_IMAGE_MT_result,
    *operators_versions.CLASSES,
    *operators_failures.CLASSES,
    *maps.CLASSES,
    *tuning.CLASSES,
    *photo_material.CLASSES,
    *new_images.CLASSES,
    *upscaling.CLASSES,
    *export_material.CLASSES,
    *export_object.CLASSES,
    *import_curves.CLASSES,
    *import_sprites.CLASSES,
    *bake_out.CLASSES,
    *blend_again.CLASSES,
    *correct_world.CLASSES,
    *repair_poles.CLASSES,
    *placing_decals.CLASSES,
    *baking_decals.CLASSES,
    *show_sides.CLASSES,
    *mask_operators.CLASSES,
    *long_prompt.CLASSES,
    *place.CLASSES,
    *operators_history.CLASSES,
    *keys.CLASSES,
    *agent_operators.CLASSES,
    *style_operators.CLASSES,
    *presets.CLASSES,
    preferences.GPT_IMAGE_AP_preferences,
    subpanels.GPT_IMAGE_UL_references,
    main_panel.GPT_IMAGE_PT_provider,
    main_panel.GPT_IMAGE_MT_quality,
    *main_panel.PANELS,
    results_panel.GPT_IMAGE_MT_results,
    *results_panel.PANELS,
    *agents_panel.PANELS,
)

COMMAND = "gpt_image"
_command_handle: Any = None
_registered = False


def _jobs_changed() -> None:
    jobs = api.jobs()
    if history_view.changed(jobs):
        chosen.follow(jobs, outcomes.tell(jobs))
        sidebar.redraw_status()
    sidebar.redraw()


@persistent  # type: ignore[untyped-decorator]
def _file_loaded(*_: Any) -> None:
    if is_loaded(chosen):
        chosen.look_before()  # another file has other images
    if is_loaded(sides_overlay):
        sides_overlay.hide()
    if is_loaded(mask_painting):
        mask_painting.forget()


def _command(argv: list[str]) -> int:
    from . import cli

    return cli.run(argv)


def register() -> None:
    """Make the add-on known to Blender; a second call changes nothing."""
    global _command_handle, _registered
    if _registered:
        return
    state.make()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    properties.attach()
    workflow_properties.attach()
    presets.attach()
    mask_events.attach()
    point_events.attach()
    menus.append()
    new_file.attach()
    bpy.app.handlers.load_post.append(_file_loaded)
    bpy.app.translations.register(__package__, translations.load())
    listeners.append(_jobs_changed)
    _command_handle = bpy.utils.register_cli_command(COMMAND, _command)
    if not bpy.app.binary_path:  # leaving the bpy module with classes registered crashes 4.2 and hangs 4.5
        atexit.register(unregister)
    _registered = True
    missing = requirements.missing_modules()
    if missing:
        print(f"GPT Image: {missing}")


def unregister() -> None:
    """The mirror image of `register`; a second call changes nothing."""
    global _command_handle, _registered
    if not _registered:
        return
    _registered = False
    atexit.unregister(unregister)
    bpy.utils.unregister_cli_command(_command_handle)
    _command_handle = None
    listeners.remove(_jobs_changed)
    if is_loaded(agents):
        agents.send_away()
    if is_loaded(api):
        api.close()
    bpy.app.translations.unregister(__package__)
    bpy.app.handlers.load_post.remove(_file_loaded)
    new_file.detach()
    menus.remove()
    point_events.detach()
    mask_events.detach()
    compare_overlay.remove()
    if is_loaded(corner_handles):
        corner_handles.remove()
    if is_loaded(sides_overlay):
        sides_overlay.hide()
    if is_loaded(mask_painting):
        mask_painting.finish()
    thumbnails.close()
    presets.detach()
    workflow_properties.detach()
    properties.detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    state.drop()
