"""A stored answer painted again from the panel, and the views that it was painted from."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import session
from gpt_image_addon.app.painting.coverage import mark_coverage
from gpt_image_addon.app.painting.stored import read_stored
from gpt_image_addon.core.painting import reports
from gpt_image_addon.core.references.views import MOST_VIEWS
from gpt_image_addon.ui.painting import sides_overlay, view_labels
from tests.blender import painted_scenes as scenes
from tests.blender.scene_fixtures import description

FLAGS = ("--views", "auto", "--provider", "offline", "--texture-size", 64, "--size", "256x256")


def paint(run: Any) -> Any:
    bpy.ops.mesh.primitive_cube_add()
    scenes.textured(bpy.context.object, size=(96, 96))
    code, output = run("texture", "rust", "--objects", bpy.context.object.name, *FLAGS)
    assert code == 0, output
    return output


def pixels() -> Any:
    return np.rint(scenes.pixels_of(bpy.data.images["Paint"])).astype(int)


def test_other_settings_are_one_step_of_undo(run: Any) -> None:
    output = paint(run)
    session.close()  # as in another session
    bpy.ops.ed.undo_push(message="painted")
    before, images = pixels(), len(bpy.data.images)
    chosen = [view["name"] == "top" for view in output["views"]]
    used = [*chosen, *[True] * (MOST_VIEWS - len(chosen))]
    assert bpy.ops.gpt_image.blend_again(
        job=output["job"], used_views=used, fill_gaps=False, replace_all=False, feather=4, steepest=60
    ) == {"FINISHED"}
    after = pixels()
    assert (after != before).any(axis=-1).mean() > 0.05 and len(bpy.data.images) == images + 1
    (entry,) = api.history().jobs
    found = read_stored(entry.id)
    assert found.projection.used_views == ("top",) and not found.projection.fill_gaps
    assert (found.projection.feather, found.projection.steepest) == (4, 60)
    assert {name for name, one in found.reports.items() if one.used} == {"top"}
    bpy.ops.ed.undo_push(message="again")
    assert bpy.ops.ed.undo() == {"FINISHED"}
    assert np.array_equal(pixels(), before)
    with pytest.raises(RuntimeError, match="No view is chosen"):
        bpy.ops.gpt_image.blend_again(job=output["job"], used_views=[False] * MOST_VIEWS)


def test_what_is_not_given_stays_as_it_was_last(run: Any) -> None:
    """In the panel, on the command line and in Python."""
    job = paint(run)["job"]
    used = [number == 0 for number in range(MOST_VIEWS)]
    blend = bpy.ops.gpt_image.blend_again
    assert blend(job=job, used_views=used, fill_gaps=False, feather=4, steepest=60) == {"FINISHED"}
    code, output = run("texture", "--again", job, "--erosion", 3)
    assert code == 0, output
    assert [view["used"] for view in output["views"]].count(True) == 1
    found = read_stored(job).projection
    assert (found.feather, found.steepest, found.erosion, found.fill_gaps) == (4, 60, 3, False)
    api.texture_again(job, used_views=()).finish_waiting()
    found = read_stored(job).projection
    assert found.used_views == () and (found.erosion, found.fill_gaps) == (3, False)
    assert blend(job=job, fill_gaps=True) == {"FINISHED"}
    assert read_stored(job).projection.fill_gaps and read_stored(job).projection.feather == 4


def test_views_are_shown_with_what_became_of_them(run: Any) -> None:
    output = paint(run)
    session.close()
    show = bpy.ops.gpt_image.show_painted_views
    assert show(job=output["job"]) == {"FINISHED"}
    assert sides_overlay.shows_job(output["job"]) and sides_overlay.find_shown() is None
    marks = sides_overlay.find_marks()
    assert marks is not None and marks.is_filled and len(marks.painted) > 20 * len(marks.others)
    lines = view_labels.describe_views(read_stored(output["job"]))
    for view, line in zip(output["views"], lines, strict=True):
        assert line.startswith(view["name"]) and f"{view['coverage']:.0%}" in line
        assert f"{view['score']:.0%}" in line
    bpy.context.scene.objects[output["objects"][0]].location.x += 1
    bpy.context.view_layer.update()
    assert not sides_overlay.shows_job(output["job"])
    assert show(job=output["job"]) == show(job=output["job"]) == {"FINISHED"}
    sides_overlay.hide()
    left_out = reports.ViewReport("top", 0.1, (1.0, 0.0), 1.0, 0.4, used=False)
    assert "40%" in view_labels.describe("top", left_out) and "left out" in view_labels.describe(
        "top", left_out
    )
    (entry,) = api.history().jobs
    (entry.folder / "processed" / reports.FILE).write_text('{"views": [{"name": 3}]}')
    assert not read_stored(output["job"]).reports
    with pytest.raises(RuntimeError, match="no job"):
        show(job="20260101-000000-00000000")


def test_the_surface_is_marked_where_used_views_show_it(run: Any) -> None:
    job = paint(run)["job"]
    api.texture_again(job, used_views=("top",), fill_gaps=False).finish_waiting()
    obj = bpy.context.object
    before = description()
    marks = mark_coverage(read_stored(job), bpy.context.scene)
    assert marks is not None and not marks.is_filled and description() == before
    height = obj.matrix_world.translation.z + 1
    assert np.abs(marks.painted[..., 2] - height).max() < 0.05  # the top of a cube
    assert len(marks.painted) / (len(marks.painted) + len(marks.others)) == pytest.approx(1 / 6, abs=0.02)
