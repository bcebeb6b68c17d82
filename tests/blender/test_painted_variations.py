"""Several answers to one request, stepped through on the objects; nothing is sent for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon.app import history, inpainting, results, session
from gpt_image_addon.app.painting.stored import read_stored
from gpt_image_addon.core.references.views import MOST_VIEWS
from gpt_image_addon.ui.request import quote
from gpt_image_addon.ui.results import card, chosen
from tests.api_server import ApiServer
from tests.blender import painted_scenes as scenes
from tests.blender.layouts import Layout
from tests.blender.test_udim_edits import NUMBERS, pixels_of
from tests.blender.test_udim_painting import tiled_plane

COUNT = 3
FLAGS = ("--quality", "low", "--provider", "openai", "--size", "816x816", "--views", "camera", "--n", COUNT)


@pytest.fixture
def server(online: ApiServer) -> Iterator[ApiServer]:
    """Each image of an answer is darker than the one before it."""
    shares = itertools.cycle((1.0, 0.7, 0.4))

    def darken(answer: Any, seen: Any) -> Any:
        return np.where(seen[..., None], answer * next(shares), answer)

    online.options.edits = scenes.painted(darken)
    yield online
    online.options.edits = None


def cubes() -> list[Any]:
    scenes.camera((2, -6, 2))
    found = []
    for number in range(2):
        bpy.ops.mesh.primitive_cube_add(location=(2.5 * number - 1.2, 0, 0))
        scenes.textured(bpy.context.object, f"Paint {number}", size=(96, 96))
        found.append(bpy.context.object)
    return found


def pixels() -> list[Any]:
    return [np.rint(scenes.pixels_of(bpy.data.images[f"Paint {at}"])).astype(int) for at in range(2)]


def is_equal(first: Any, second: Any) -> bool:
    return all(map(np.array_equal, first, second))


def paint(run: Any, *flags: object) -> dict[str, Any]:
    code, output = run("texture", "copper", *FLAGS, *flags)
    assert code == 0, output
    return output  # type: ignore[no-any-return]


def step(job: str, number: int) -> None:
    assert bpy.ops.gpt_image.use_variation(job=job, number=number) == {"FINISHED"}


def test_each_answer_is_shown_on_all_objects_and_the_way_back_is_exact(run: Any, server: ApiServer) -> None:
    names = ",".join(obj.name for obj in cubes())
    before = pixels()
    first = paint(run, "--objects", names, "--feather", 20)
    assert (first["variation"], first["variations"], len(first["images"])) == (1, COUNT, 2)
    painted = [pixels()]
    chosen.choose(first["job"], session.jobs(), ())
    assert len(chosen.current().images) == COUNT and chosen.current().used == 0
    for number in (1, 2):
        step(first["job"], number)
        assert chosen.current().used == results.received_number(first["job"]) == number
        assert results.shown_file(first["job"]).endswith(f"image-{number + 1}.png")
        painted.append(pixels())
    sums = [sum(int(one.sum()) for one in found) for found in painted]
    assert sums == sorted(sums, reverse=True) and len(set(sums)) == COUNT
    code, output = run("texture", "--again", first["job"], "--variation", 2, "--feather", 20)
    assert code == 0 and (output["variation"], output["variations"]) == (2, COUNT)
    assert is_equal(pixels(), painted[1]) and inpainting.image_of(first["job"]).name == "Paint 0"
    code, output = run("texture", "--again", first["job"])
    assert code == 0 and output["variation"] == 2 and is_equal(pixels(), painted[1])
    chosen.look_before()
    assert chosen.current().has_before and inpainting.can_revert(first["job"])
    inpainting.revert(first["job"])
    assert is_equal(pixels(), before)
    step(first["job"], 2)
    assert is_equal(pixels(), painted[2])
    layout, item = Layout(), history.history_item(first["job"])
    assert item is not None
    chosen.refresh([item])
    card._draw_actions(layout, chosen.current(), is_narrow=True)
    (again,) = (text for text in layout.said if text.startswith("Another One"))
    assert item.estimated_usd and again.endswith(quote.usd(item.estimated_usd)), "it is sent once more"
    inpainting.revert(first["job"])
    assert is_equal(pixels(), before) and len(server.image_requests) == 1


def test_another_session_goes_on_with_the_settings_of_before(
    run: Any, server: ApiServer, tmp_path: Path
) -> None:
    obj, _ = cubes()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    name = obj.name
    job = paint(run, "--objects", name)["job"]
    used = [True] * MOST_VIEWS
    blend = {"job": job, "feather": 30, "variation": 3, "used_views": used}
    assert bpy.ops.gpt_image.blend_again(**blend) == {"FINISHED"}
    assert read_stored(job).last.variation == COUNT == read_stored(job).variations
    third = pixels()
    session.close()  # as in another session
    step(job, 0)
    assert not is_equal(pixels(), third) and read_stored(job).projection.feather == 30
    step(job, 2)
    assert is_equal(pixels(), third)
    session.close()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    before = pixels()
    step(job, 1)  # nothing of it is in this file: it is only noted
    assert is_equal(pixels(), before) and results.shown_number(job) == 1
    code, output = run("recover", job)
    assert code == 0 and len(server.image_requests) == 1, output
    code, output = run("texture", "copper", "--objects", name, *FLAGS, "--reuse")
    assert code == 0 and output["variations"] == COUNT and len(server.image_requests) == 1
    for number in (0, COUNT + 1):
        code, output = run("texture", "--again", job, "--variation", number)
        assert (code, output["error"]["param"]) == (4, "variation")


def test_tiles_and_selected_faces_alone_change(run: Any, server: ApiServer, tmp_path: Path) -> None:
    scenes.camera((0, -6, 0))
    obj, image = tiled_plane(tmp_path, packed=True)
    before = pixels_of(image, tmp_path)
    for face in obj.data.polygons:
        face.select = face.index == 1
    job = paint(run, "--objects", "Strips", "--faces", "selected")["job"]
    first = pixels_of(bpy.data.images["rock"], tmp_path)
    step(job, 1)
    second = pixels_of(bpy.data.images["rock"], tmp_path)
    assert not np.array_equal(first[NUMBERS[1]], second[NUMBERS[1]])
    for number in (NUMBERS[0], NUMBERS[2]):
        assert np.array_equal(second[number], before[number])
    inpainting.revert(job)
    assert bpy.data.images["rock"] == image and len(server.image_requests) == 1
