"""Objects painted one view after another, headless, against the local server."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.app import results
from gpt_image_addon.core.errors import InvalidRequestError, JobCancelled
from gpt_image_addon.core.painting.guides import make_view
from gpt_image_addon.core.painting.projection import ProjectedView
from gpt_image_addon.core.projection.depth import draw_depth
from gpt_image_addon.core.projection.guides import BACKGROUND
from gpt_image_addon.scene.targets import replacement
from gpt_image_addon.ui.request import from_job, generate, quote
from tests.api_server import ApiServer, faults
from tests.blender import painted_scenes as scenes
from tests.blender.test_all_around import errors, truth

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ("--quality", "low", "--provider", "openai", "--size", "816x816", "--texture-size", 512)
FLAGS = (*FLAGS, "--views", 4, "--in-sequence")


@pytest.fixture
def server(online: ApiServer) -> Iterator[ApiServer]:
    yield online
    online.options.edits = None


def as_view(values: Any) -> ProjectedView:
    names = ("name", "matrix_world", "projection", "size", "rectangle")
    return ProjectedView(**{name: tuple(values[name]) if name != "name" else values[name] for name in names})


def corners_of(objects: Sequence[Any]) -> Any:
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    found = []
    for obj in objects:
        shown = obj.evaluated_get(depsgraph)
        mesh = shown.to_mesh()
        mesh.calc_loop_triangles()
        places = np.array([obj.matrix_world @ vertex.co for vertex in mesh.vertices])
        found.append(places[np.array([triangle.vertices for triangle in mesh.loop_triangles])])
        shown.to_mesh_clear()
    return np.concatenate(found)


class Painter:
    """Answers each view with the truth, and keeps what it was shown."""

    def __init__(self, views: Sequence[Any], objects: Sequence[Any]) -> None:
        self.views, self.corners = views, corners_of(objects)
        self.guides: list[Any] = []
        self.masks: list[Any] = []
        """Of each where it may change; None where everything may."""
        self.wrong: set[int] = set()
        """Numbers of requests that are answered by something else."""

    def __call__(self, first: bytes, mask: bytes | None) -> Image.Image:
        number = min(len(self.guides), len(self.views) - 1)
        guide = np.array(Image.open(io.BytesIO(first)).convert("RGB"))
        self.guides.append(guide)
        self.masks.append(None if mask is None else np.array(Image.open(io.BytesIO(mask)))[..., 3] == 0)
        if number in self.wrong:
            stripes = (np.indices(guide.shape[:2]).sum(0) % 90 < 45)[..., None] * 170 + 30
            return Image.fromarray(stripes.astype(np.uint8).repeat(3, axis=2))
        pixel, colors = self.look(number)
        answer = np.full_like(guide, BACKGROUND)
        answer.reshape(-1, 3)[pixel] = np.clip(np.rint(colors), 0, 255)
        return Image.fromarray(answer)

    def look(self, number: int) -> tuple[Any, Any]:
        """The pixels of a view that show something, and the right colors there."""
        view = make_view(as_view(self.views[number]))
        depth = draw_depth(self.corners, view)
        pixel = np.flatnonzero(depth.is_filled)
        return pixel, truth(view.locate(pixel, depth.nearness.reshape(-1)[pixel])[:, :3])


def call(run: Any, obj: Any, *flags: object) -> tuple[int, dict[str, Any]]:
    return run("texture", "copper", "--objects", obj.name, *FLAGS, *flags)  # type: ignore[no-any-return]


def paint(run: Any, obj: Any, *flags: object) -> dict[str, Any]:
    code, output = call(run, obj, *flags)
    assert code == 0, output
    return output


def painter_of(run: Any, server: ApiServer, obj: Any, *flags: object) -> tuple[Painter, dict[str, Any]]:
    """What answers all requests, and what they would be."""
    planned = paint(run, obj, *flags, "--dry-run")
    assert not server.image_requests
    server.options.edits = painter = Painter(planned["views"], [obj])
    return painter, planned


def pixels(name: str) -> Any:
    return np.rint(scenes.pixels_of(bpy.data.images[name])).astype(int)


def ball(name: str = "Ball") -> Any:
    bpy.ops.mesh.primitive_uv_sphere_add(segments=24, ring_count=12)
    bpy.context.object.name = name
    return bpy.context.object


def test_each_view_sees_what_is_painted_and_paints_the_rest(run: Any, server: ApiServer) -> None:
    obj = scenes.suzanne()
    painter, planned = painter_of(run, server, obj, "--views", 3)
    output = paint(run, obj, "--views", 3)
    first, *others = server.image_requests
    assert len(others) == 2 and len(set(output["jobs"])) == 3 and output["job"] == output["jobs"][-1]
    assert [file.field for file in first.files] == ["image"]
    for view, request in zip(output["views"][1:], others, strict=True):
        assert [file.field for file in request.files][:2] == ["image[]", "image[]"]
        assert f"seen from: {view['name']}" in request.fields["prompt"]
        assert "Image 2 is the same model" in request.fields["prompt"]
        assert request.files[1].sha256 == others[0].files[1].sha256  # the first answer is the style of all
    assert all(
        view["used"] and view["job"] == job for view, job in zip(output["views"], output["jobs"], strict=True)
    )
    assert painter.masks[:2] == [None, None]  # the second shows nothing of the first
    pixel, colors = painter.look(2)
    guide, mask = painter.guides[2].reshape(-1, 3), painter.masks[2].reshape(-1)
    is_kept = ~mask[pixel]
    assert 0.02 < is_kept.mean() < 0.9
    assert np.abs(guide[pixel] - colors)[is_kept].mean() < 3
    assert np.abs(guide[pixel].astype(int) - np.array(BACKGROUND)).max(axis=1).min() >= 24
    assert mask[pixel].sum() == mask.sum()  # the background stays
    away = errors(obj, bpy.data.images[output["images"][0]["name"]])
    assert scenes.decibels(away, 0 * away) > 45 and np.abs(away).max() < 40
    assert output["cost_usd"] == pytest.approx(server.bill_usd) and output["usage"]["total_tokens"] > 4000
    assert output["cost_usd"] <= output["estimated_usd"] == pytest.approx(planned["estimated_usd"], rel=0.2)
    assert {row["state"] for row in run("history")[1]["jobs"]} == {"APPLIED"}
    shown = [image.name for image in bpy.data.images if image.users]
    assert len(shown) == 4 and {name.rpartition("_")[2] for name in shown[1:]} == {
        "ao",
        "normal",
        "roughness",
    }
    code, again = run("texture", "--again", output["job"], "--use-views", output["views"][0]["name"])
    assert code == 0 and again["coverage"] < output["coverage"] / 2 and len(server.image_requests) == 3
    values = bpy.context.scene.gpt_image
    from_job.fill_panel(values, api.history().jobs[0])
    assert values.in_sequence and values.mask == "none" and not len(values.references)


def test_what_is_stopped_is_gone_on_with_and_not_paid_twice(run: Any, server: ApiServer) -> None:
    obj = ball()
    scenes.textured(obj)
    before = pixels("Paint")
    painter_of(run, server, obj, "--views", 2)
    server.script(faults.ok(), faults.error("moderation_blocked"))
    code, failed = call(run, obj, "--views", 2)
    assert code == 4 and "1 of 2 views" in failed["error"]["message"], failed
    paid = server.bill_usd
    changed = (pixels("Paint") != before).any(axis=-1)
    assert changed.mean() > 0.1 and paid > 0
    made = paint(run, obj, "--views", 2)
    assert made["cost_usd"] == pytest.approx(server.bill_usd - paid) and len(made["views"]) == 2
    assert len(server.image_requests) == 3 and all(view["used"] for view in made["views"])
    replacement.revert(made["job"])
    assert np.array_equal(pixels("Paint"), before)
    server.options.edits = Painter(made["views"], [obj])
    paint(run, obj, "--views", 2)  # that one came to its end: another one is paid
    assert len(server.image_requests) == 5


@pytest.mark.bpy_module
def test_a_killed_sequence_is_taken_up_again(run: Any, server: ApiServer, tmp_path: Path) -> None:
    obj = ball()
    painter_of(run, server, obj, "--views", 2)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "ball.blend"))
    server.script(faults.ok(), faults.stall("processing"))
    flags = ("texture", "copper", "--objects", "Ball", *FLAGS, "--views", 2)
    command = (sys.executable, "-m", "gpt_image_addon", "--blend", tmp_path / "ball.blend", *flags)
    process = subprocess.Popen(
        [str(word) for word in command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert server.wait_until(lambda server: bool(server.stalled) and server.bill_usd > 0, 120)
    finally:
        process.kill()
        process.wait()
    paid = server.bill_usd
    code, lost = call(run, obj, "--views", 2)
    assert (code, lost["error"]["code"], server.bill_usd) == (6, "outcome_unknown", paid), lost
    made = paint(run, obj, "--views", 2, "--retry-unknown")
    assert made["cost_usd"] == pytest.approx(server.bill_usd - paid) and len(made["jobs"]) == 2
    assert len(server.image_requests) == 3


def test_a_view_that_does_not_match_is_left_out_and_the_others_go_on(run: Any, server: ApiServer) -> None:
    obj = ball()
    painter, _ = painter_of(run, server, obj, "--views", 3)
    painter.wrong = {0, 1}
    output = paint(run, obj, "--views", 3, "--new-image")
    assert [view["used"] for view in output["views"]] == [False, False, True]
    assert all(
        any(f"'{view['name']}'" in text for text in output["warnings"]) for view in output["views"][:2]
    )
    assert len(output["images"]) == 1 and 0.1 < output["coverage"] < 0.6
    assert [file.field for file in server.image_requests[1].files] == ["image"]  # nothing to take a style of
    code, all_used = run("texture", "--again", output["job"], "--accept")
    assert code == 0 and all(view["used"] for view in all_used["views"])


def test_what_all_views_cost_is_within_the_limits_before_the_first(run: Any, server: ApiServer) -> None:
    obj = ball()
    _, planned = painter_of(run, server, obj)
    code, refused = call(run, obj, "--max-cost", planned["estimated_usd"] - 0.001)
    assert code == 5 and refused["error"]["code"] == "max_cost_exceeded", refused
    code, refused = call(run, obj, "--provider", "offline", "--size", "320x320")
    assert code == 0 and len(refused["views"]) == 6  # a draft lies on all sides at once
    with pytest.raises(InvalidRequestError, match="several requests"):
        api.submit(
            "copper", target="model", objects=("Ball",), views="2", in_sequence=True, provider="openai"
        )
    assert not server.image_requests


def test_cancelled_or_closed_in_mid_sequence_nothing_is_lost(run: Any, server: ApiServer) -> None:
    obj = ball()
    _, planned = painter_of(run, server, obj, "--views", 3)
    wanted = {"views": 3, "in_sequence": True, "quality": "low", "size": "816x816", "texture_size": 256}
    told: list[str] = []

    def cancel(task: Any) -> None:
        told.append(str(task.message))
        if len(task.jobs) == 2 and not task.done:
            api.cancel(task.id)

    task = api.submit_model_texture(obj, "copper", **wanted, on_progress=cancel)
    task.wait()
    assert isinstance(task.error, JobCancelled) and task.error.next_step is not None
    assert "views are answered and stored" in task.error.next_step
    assert any(text.startswith(f"View 2 of 3 ({planned['views'][1]['name']})") for text in told)
    assert obj.active_material is not None  # what came is painted
    assert results.unfinished(task.id) is task and results.unfinished(task.jobs[-1].id) is task.jobs[-1]
    results.resume(task.jobs[-1], retry_unknown=True)
    *_, task = (job for job in api.jobs() if not isinstance(job, api.Job))
    while len(task.jobs) < 3:
        task.wait(0.05)
    bpy.ops.wm.read_homefile(use_empty=True)
    other = ball()
    task.wait()
    assert task.error is not None and task.error.code == "file_closed"
    assert other.active_material is None and not bpy.data.images
    made = api.recover(api.history().jobs[0].id, object_name="Ball")
    made.finish_waiting()
    assert len(api.texture_of(made).views) == 3 and other.active_material is not None


def test_the_panel_shows_the_price_of_all_requests(run: Any, server: ApiServer) -> None:
    ball()
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.target, values.quality = "copper", "openai", "model", "low"
    values.views, values.image_size, values.in_sequence = "auto", 256, True
    shown = quote.price_now(bpy.context.scene)
    prepared = generate.prepare_request(bpy.context, {})
    assert len(prepared.views.plan.views) == 6 and prepared.checked.price.high_usd > 0.1
    assert shown.request.reference_kinds == ("guide",) and not shown.problem
    assert prepared.checked.price.high_usd == pytest.approx(shown.high_usd, rel=0.02)
