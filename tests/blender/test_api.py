"""The Python face in a real Blender: jobs, waiting, cancelling, and files that change meanwhile."""

from __future__ import annotations

import inspect
import pydoc
import threading
from pathlib import Path

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import session, settings
from gpt_image_addon.core.errors import (
    GptImageError,
    InvalidRequestError,
    JobCancelled,
    MissingApiKeyError,
    SceneError,
)
from gpt_image_addon.core.imaging.formats import encode_png
from gpt_image_addon.core.jobs.job import Job
from gpt_image_addon.core.journal.states import JobState
from tests.api_server import ApiServer, faults

SMALL = {"provider": "offline", "size": "64x64"}


@pytest.fixture(autouse=True)
def closed(factory_file: None) -> None:
    """The journal of the test before is not this one's."""
    api.close()


def workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("gpt-image")]


def test_generate_blocks_and_returns_the_result() -> None:
    result = api.generate("oak", target="image", n=2, **SMALL)
    assert [image.name for image in result.images] == ["oak 1", "oak 2"]
    assert all(Path(path).is_file() for path in result.files)
    assert {image.name for image in result.images} <= set(bpy.data.images.keys())
    assert bpy.data.images["oak 1"].use_fake_user


def test_submit_returns_at_once(online: ApiServer) -> None:
    online.script(faults.stall("processing"))
    job = api.submit("oak", target="image", quality="low")
    assert (job.state, job.wait(0.05), job.done) == (JobState.QUEUED, False, False)
    assert online.wait_until(lambda server: bool(server.stalled))
    job.wait(0.2)
    assert job.state is JobState.SENDING and 0 < job.progress < 1
    online.release()
    assert job.wait(10)
    assert job.state is JobState.APPLIED
    assert api.result_of(job).images[0].name == "oak"


def test_many_jobs_are_all_applied() -> None:
    jobs = [api.submit(f"oak {number}", target="image", **SMALL) for number in range(12)]
    for job in jobs:
        assert job.wait(20)
    assert {job.state for job in jobs} == {JobState.APPLIED}
    assert len(bpy.data.images) >= 12


def test_cancel_is_told_and_billed_truly(online: ApiServer) -> None:
    online.script(faults.stall("processing"))
    job = api.submit("oak", target="image", quality="low")
    assert online.wait_until(lambda server: bool(server.stalled))
    job.cancel()
    assert job.wait(5)
    assert job.state is JobState.CANCELLED
    with pytest.raises(JobCancelled) as caught:
        api.result_of(job)
    assert caught.value.billed == "maybe"
    assert not bpy.data.images.get("oak")


def test_a_waiting_job_is_cancelled_unbilled(online: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    online.script(*[faults.stall("processing")] * 4)
    running = [api.submit(f"oak {n}", target="image", quality="low") for n in range(4)]
    assert online.wait_until(lambda server: len(server.stalled) == 4)
    waiting = api.submit("late", target="image", quality="low")
    waiting.cancel()
    online.release()
    for job in (*running, waiting):
        assert job.wait(10)
    assert waiting.error is not None and waiting.error.billed == "no"
    assert len(online.requests) == 4
    row = session.entry(waiting.id)
    assert row is not None and row.state is JobState.CANCELLED
    assert session.journal(settings.load()).reserved_usd() == 0


def test_closing_stops_everything(online: ApiServer) -> None:
    online.script(faults.stall("processing"))
    job = api.submit("oak", target="image", quality="low")
    assert online.wait_until(lambda server: bool(server.stalled))
    assert workers()
    api.close()
    assert workers() == [] and job.cancelled
    assert api.jobs() == ()


def test_a_closed_file_keeps_its_results_for_later() -> None:
    uid = bpy.context.scene.session_uid
    job = api.submit("oak", target="image", scene_uid=uid, **SMALL)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert job.wait(10)
    assert job.state is JobState.RECEIVED
    with pytest.raises(SceneError, match="closed"):
        api.result_of(job)
    assert not bpy.data.images.get("oak")
    row = session.entry(job.id)
    assert row is not None and row.state is JobState.RECEIVED and row.folder is not None
    assert (row.folder / "image-1.png").is_file()


def test_a_renamed_object_is_still_found() -> None:
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.active_object
    job = api.submit("oak", target="texture", object_uid=cube.session_uid, **SMALL)
    cube.name = "Renamed"
    bpy.ops.object.select_all(action="DESELECT")
    assert job.wait(10)
    assert api.result_of(job).object == "Renamed"


def test_linked_data_is_not_touched(tmp_path: Path) -> None:
    library = tmp_path / "library.blend"
    bpy.ops.mesh.primitive_cube_add()
    bpy.data.libraries.write(str(library), {bpy.context.active_object})
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (source, target):
        target.objects = source.objects
    linked = target.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    with pytest.raises(InvalidRequestError, match="linked") as caught:
        api.generate("oak", object_name=linked.name, **SMALL)
    assert caught.value.billed == "no" and api.jobs() == ()


@pytest.mark.parametrize("parameters", [{"seed": 1}, {"target": "cube"}, {"n": 11}, {"size": "1x1"}])
def test_wrong_parameters_are_typed_errors(parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError):
        api.submit("oak", **{**SMALL, **parameters})
    assert api.jobs() == ()


def test_a_missing_key_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MissingApiKeyError, match="no API key"):
        api.submit("oak")


def test_an_estimate_sends_nothing(online: ApiServer) -> None:
    price = api.estimate("oak", model="gpt-image-2.5-sunburst", quality="medium")
    assert price.exact and price.high_usd == pytest.approx(0.0133, abs=2e-4)
    assert online.requests == []


def test_every_public_function_explains_itself() -> None:
    public = [getattr(api, name) for name in api.__all__]
    functions = [found for found in public if inspect.isfunction(found)]
    assert len(functions) > 50
    assert [function.__name__ for function in functions if not function.__doc__] == []


def test_an_unexpected_failure_is_still_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt_image_addon.core.providers.offline.provider.paint", lambda *_, **__: 1 / 0)
    with pytest.raises(GptImageError, match="ZeroDivisionError"):
        api.generate("oak", **SMALL)


def test_jobs_come_as_they_are_done() -> None:
    jobs = [api.submit(f"oak {n}", target="image", provider="offline", size="128x128") for n in range(3)]
    done = list(api.as_completed(jobs))
    assert sorted(job.id for job in done) == sorted(job.id for job in jobs)
    assert all(api.result_of(job).images for job in done)


def test_not_done_in_time() -> None:
    job = api.submit("oak", target="image", provider="offline", size="128x128")
    with pytest.raises(TimeoutError):
        list(api.as_completed([job], timeout=0.0))
    job.wait()


def test_progress_is_told_on_the_main_thread() -> None:
    told: list[tuple[str, float]] = []

    def on_progress(job: Job) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append((job.state.value, job.progress))
        raise ValueError("a callback's own fault spoils nothing")

    result = api.generate("oak", target="image", provider="offline", size="128x128", on_progress=on_progress)
    assert result.images and told[-1] == ("APPLIED", 1.0) and len(told) > 2
    assert [share for _, share in told] == sorted(share for _, share in told)


def test_settings_for_a_while(tmp_path: Path) -> None:
    with api.using(provider="offline", state_folder=tmp_path / "elsewhere"):
        with api.using(provider="openai"):
            assert settings.load().provider == "openai"
        assert api.generate("oak", target="image", size="128x128").provider == "offline"
    assert (tmp_path / "elsewhere" / "journal.sqlite3").exists()
    assert settings.load().state_folder == tmp_path / "state"
    with pytest.raises(InvalidRequestError), api.using(colour="red"):
        raise AssertionError("unreachable")


def test_help_shows_everything_that_can_be_called() -> None:
    shown = pydoc.plain(pydoc.render_doc(api))
    called = {
        name
        for name, value in vars(api).items()
        if inspect.isfunction(value) and not name.startswith("_") and value.__module__.startswith("gpt_image")
    }
    assert called <= set(api.__all__)
    for name in called:
        assert f"    {name}" in shown, name
        assert inspect.getdoc(getattr(api, name)), name


PUBLIC = [name for name in api.__all__ if inspect.isfunction(getattr(api, name))]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_function_checks_its_arguments(name: str) -> None:
    function = getattr(api, name)
    assert function.__wrapped__.__name__ == function.__name__
    first = next(iter(inspect.signature(function).parameters.values()), None)
    if first is None or first.kind is first.VAR_KEYWORD:
        return
    given = [] if first.kind is first.KEYWORD_ONLY else [object()]
    with pytest.raises(InvalidRequestError) as caught:
        function(*given, **({first.name: object()} if not given else {}))
    assert caught.value.param == first.name or caught.value.code == "missing_parameter"


WRONG: list[tuple[str, dict[str, object], str]] = [
    ("submit", {"prompt": 5}, "prompt"),
    ("submit", {"prompt": b"oak"}, "prompt"),
    ("submit", {"n": "2"}, "n"),
    ("submit", {"n": 2.5}, "n"),
    ("submit", {"n": True}, "n"),
    ("submit", {"seamless": "no"}, "seamless"),
    ("submit", {"composite": "false"}, "composite"),
    ("submit", {"reuse": "no"}, "reuse"),
    ("submit", {"retry_unknown": "false"}, "retry_unknown"),
    ("submit", {"max_cost": "1"}, "max_cost"),
    ("submit", {"max_cost": float("nan")}, "max_cost"),
    ("submit", {"max_cost": -1}, "max_cost"),
    ("submit", {"references": 5}, "references"),
    ("submit", {"references": [b"a.png"]}, "references"),
    ("submit", {"references": [None]}, "references"),
    ("submit", {"mask": 1}, "mask"),
    ("submit", {"maps": 3}, "maps"),
    ("submit", {"maps": "base"}, "maps"),
    ("submit", {"size": (64, 64)}, "size"),
    ("submit", {"normal_strength": "strong"}, "normal_strength"),
    ("submit", {"texture_size": float("inf")}, "texture_size"),
    ("submit", {"view_matrix": [1, 2]}, "view_matrix"),
    ("submit", {"object_uid": "7"}, "object_uid"),
    ("submit", {"picture": -1}, "picture"),
    ("submit", {"on_progress": "print"}, "on_progress"),
    ("submit", {"textures_dir": b"/tmp"}, "textures_dir"),
    ("submit", {"promt": "oak"}, "promt"),
    ("generate", {"reuse": "no"}, "reuse"),
    ("generate", {"seamless": "no"}, "seamless"),
    ("estimate", {"n": "2"}, "n"),
    ("plan", {"picture_sizes": [1]}, "picture_sizes"),
    ("earlier", {"seamless": "yes"}, "seamless"),
]


@pytest.mark.parametrize(("name", "parameters", "param"), WRONG, ids=range(len(WRONG)))
def test_wrong_types_are_named_before_anything_is_sent(
    online: ApiServer, name: str, parameters: dict[str, object], param: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        getattr(api, name)(**{"prompt": "oak", "quality": "low", **parameters})
    assert (caught.value.param, caught.value.billed) == (param, "no")
    assert online.requests == [] and api.jobs() == ()


def test_wrong_types_of_other_functions(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8)))
    calls: list[tuple[str, tuple[object, ...], dict[str, object], str]] = [
        ("make_maps", (image, tmp_path), {"seamless": "no"}, "seamless"),
        ("make_maps", (image, tmp_path), {"bits": "16"}, "bits"),
        ("make_maps", (image, tmp_path), {"normal_strength": "1"}, "normal_strength"),
        ("make_maps", (image, tmp_path), {"maps": 5}, "maps"),
        ("make_maps", (image, tmp_path), {"strength": 1}, "strength"),
        ("make_maps", (5, tmp_path), {}, "picture"),
        ("make_maps", (image, 5), {}, "output_dir"),
        ("make_tile", (image, tmp_path / "t.png"), {"repair_seams": "no"}, "repair_seams"),
        ("make_tile", (image, tmp_path / "t.png"), {"repair_seams": True, "max_cost": "1"}, "max_cost"),
        ("make_tile", (image, tmp_path / "t.png"), {"size": 64}, "size"),
        ("estimate_tile", (image,), {"retry_unknown": "no"}, "retry_unknown"),
        ("history", (), {"limit": "5"}, "limit"),
        ("history", (), {"state": "GONE"}, "state"),
        ("history", (), {"month": 5}, "month"),
        ("recover", (5,), {}, "job"),
        ("recover", ("nothing",), {}, "job"),
        ("cancel", (5,), {}, "job"),
        ("move", ("a", "1"), {}, "step"),
        ("set_favourite", ("a", "no"), {}, "favourite"),
        ("clean_results", ("90",), {}, "older_than_days"),
        ("clean_results", (-1,), {}, "older_than_days"),
        ("export_result", ("a", b"folder"), {}, "folder"),
        ("merge_journal", (5,), {}, "source"),
        ("batch", (5,), {}, "manifest"),
        ("batch", ("rows.jsonl",), {"concurrency": "4"}, "concurrency"),
        ("batch", ("rows.jsonl",), {"concurency": 4}, "concurency"),
        ("batch", ("rows.jsonl",), {"blend_per_row": "no"}, "blend_per_row"),
        ("batch", ("rows.jsonl",), {"part": (1, 2, 3)}, "part"),
        ("run_batch", ("rows.jsonl",), {}, "batch"),
        ("result_of", ("a",), {}, "job"),
        ("save_blend", (5,), {}, "path"),
        ("using", (), {"concurrency": "2"}, "concurrency"),
        ("using", (), {"online_access": "no"}, "online_access"),
        ("remake_material", ("oak",), {"normal_strength": "2"}, "normal_strength"),
    ]
    for name, args, parameters, param in calls:
        with pytest.raises(InvalidRequestError) as caught, getattr(api, name)(*args, **parameters):
            pass
        assert caught.value.param == param, (name, args, parameters, caught.value)
    assert not list(tmp_path.glob("*.png"))[1:]


def test_what_numpy_and_pathlib_give_is_taken(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(encode_png(np.full((64, 64, 3), 90, np.uint8)))
    plan = api.plan(
        np.str_("oak"),
        n=np.int64(2),
        seamless=np.bool_(False),
        references=image,
        maps="normal",
        normal_strength=np.float32(0.5),
        model="gpt-image-2.5-flare",
    )
    request = plan.request
    assert (request.n, request.seamless, request.references) == (2, False, (str(image),))
    assert type(request.n) is int and type(request.prompt) is str
