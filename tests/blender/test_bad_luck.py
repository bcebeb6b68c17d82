"""What must not keep a result from the scene, or the rest of a run from its end: other people's faults."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.app import apply_queue, references, results, scheduler, session, settings
from gpt_image_addon.core.common import streams
from gpt_image_addon.core.errors import GptImageError, InvalidRequestError, StorageError
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.textures import writer
from gpt_image_addon.scene.targets import previews
from tests.api_server import ApiServer
from tests.blender.conftest import Command
from tests.blender.scene_fixtures import cube
from tests.blender.test_seam_repair import planks

OFFLINE: dict[str, Any] = {"provider": "offline", "size": "64x64", "target": "image"}


@pytest.fixture(autouse=True)
def alone(factory_file: None) -> Iterator[None]:
    """The journal of the test before is not this one's."""
    api.close()
    yield
    api.close()


def undelivered(monkeypatch: pytest.MonkeyPatch, *prompts: str) -> list[str]:
    """Jobs whose results reached no scene."""
    with monkeypatch.context() as patch:
        patch.setattr(apply_queue.Applier, "add", lambda self, job: job.finish())
        jobs = [api.submit(prompt, **OFFLINE) for prompt in prompts]
        for job in jobs:
            job.wait()
    return [job.id for job in jobs]


def raise_storage_error(*given: Any, **named: Any) -> Any:
    raise StorageError("The disk is full.")


def test_whoever_listens_to_changes_keeps_no_result_from_the_scene() -> None:
    def broken() -> None:
        raise ReferenceError("StructRNA of type Area has been removed")

    api.on_change(broken)
    try:
        assert api.generate("oak", **OFFLINE).images[0].name in bpy.data.images
    finally:
        api.on_change(broken, remove=True)


def test_a_preview_that_breaks_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any) -> None:
        raise KeyError("Base Color")

    monkeypatch.setattr(previews, "show", broken)
    job = api.submit("oak", **OFFLINE)
    job.preview = object()
    assert session._session is not None
    session._session.scheduler.applier.preview(job)
    assert job.wait(60) and job.state is JobState.APPLIED


def test_a_waiting_job_is_cancelled_though_the_journal_can_not_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert session.open_session(settings.load()).scheduler.queue.concurrency
    large = {**OFFLINE, "size": "2048x2048"}  # none of them is done before the last one is submitted
    jobs = [api.submit(f"oak {number}", **large) for number in range(8)]
    last = api.waiting()[-1]
    monkeypatch.setattr(type(session.journal(settings.load())), "failed", raise_storage_error)
    api.cancel(last.id)
    assert last.done and last.state is JobState.CANCELLED and last in jobs
    api.cancel()


def test_a_price_opens_no_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is worked out in a thread: a session of its own would take the jobs of the other away, and closing
    one that stands belongs to the main thread."""
    session.close()
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "state"))
    plans: list[Any] = []
    for _ in range(2):
        work = api.planner("oak", provider="openai", quality="low")
        thread = threading.Thread(target=lambda work=work: plans.append(work()))
        thread.start()
        thread.join()
        assert session._session is None and not (tmp_path / "state").exists()
    assert plans[0].estimate == plans[1].estimate and plans[0].estimate.high_usd > 0
    opened = session.open_session(settings.load())
    work()
    assert session.open_session(settings.load()) is opened


def test_a_price_learns_from_a_journal_that_is_closed(online: ApiServer) -> None:
    request = {"provider": "openai", "quality": "auto", "size": "816x816", "target": "image"}
    before = api.estimate("oak", **{key: request[key] for key in ("provider", "quality", "size")})
    for number in range(3):
        api.generate(f"oak {number}", **request)
    session.close()
    after = api.estimate("oak", **{key: request[key] for key in ("provider", "quality", "size")})
    assert session._session is None and after.likely_usd != before.likely_usd


def test_in_background_a_task_ends_with_an_error_of_ours() -> None:
    found: list[Any] = []
    scheduler.errand(lambda: 1 / 0, lambda answer, error: found.append(error))
    assert isinstance(found[0], GptImageError)


def test_a_result_whose_files_are_gone_keeps_no_other_back(monkeypatch: pytest.MonkeyPatch) -> None:
    older, newer = undelivered(monkeypatch, "oak", "ash")
    folder = results.entry(newer).folder
    assert folder is not None
    shutil.rmtree(folder)
    bpy.ops.gpt_image.recover_all()
    for job in api.jobs():
        job.wait()
    assert older not in [entry.id for entry in api.unapplied()]


def test_a_mistyped_object_leaves_the_result_waiting(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    cube()
    (job,) = undelivered(monkeypatch, "oak")
    with session.journal(settings.load()).transaction() as connection:
        connection.execute("UPDATE jobs SET application = json_set(application, '$.target', 'texture')")
    code, output = run("recover", job, "--object", "Cubee")
    assert (code, output["error"]["code"]) == (4, "no_such_object")
    assert [entry.id for entry in api.unapplied()] == [job]
    assert run("recover", job, "--object", "Cube")[0] == 0


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"part": (0, 1)}, "part"),
        ({"part": (5, 3)}, "part"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": -2}, "concurrency"),
        ({"images_per_minute": 0}, "images_per_minute"),
        ({"input_images_per_minute": -1.0}, "input_images_per_minute"),
        ({"max_cost_usd": -1.0}, "max_cost_usd"),
        ({"contact_sheet": "sheet.jpg"}, "contact_sheet"),
        ({"asset_library": "library.txt"}, "asset_library"),
        ({"merge_from": "nowhere"}, "merge_from"),
        ({"report": "rows.results.jsonl"}, None),
        ({"contact_sheet": "a.html", "report": "a.html"}, None),
    ],
)
def test_options_of_a_batch_that_can_not_be(
    online: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any, param: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text(json.dumps({"prompt": "oak", "quality": "low", "target": "image"}) + "\n")
    with pytest.raises(InvalidRequestError) as caught:
        api.run_batch(api.batch(manifest, **options))
    assert caught.value.param == param and not online.requests


def test_a_batch_tells_the_rows_that_a_merge_leaves_out(
    online: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api.using(state_folder=tmp_path / "all" / "worker"):
        api.generate("oak", **OFFLINE)
        with session.journal(settings.load()).transaction() as connection:
            connection.execute("UPDATE jobs SET id = '../../evil'")
        api.close()
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text(json.dumps({"prompt": "ash", **OFFLINE}) + "\n")
    api.run_batch(api.batch(manifest, merge_from=tmp_path / "all", sends=False))
    assert "were left out" in caplog.text


LONG = "x" * 5000


@pytest.mark.parametrize(
    "call",
    [
        lambda folder: api.make_maps(LONG, folder),
        lambda folder: api.make_tile(folder / "a.png", folder / f"{LONG}.png"),
        lambda folder: api.generate("oak", references=[LONG], provider="offline"),
        lambda folder: api.merge_journal(LONG),
        lambda folder: api.save_blend(folder / f"{LONG}.blend"),
        lambda folder: api.batch(LONG),
    ],
)
def test_a_path_that_no_system_takes(tmp_path: Path, call: Any) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    with pytest.raises(InvalidRequestError, match="too long"):
        call(tmp_path)


@pytest.mark.parametrize("flag", ["--json-file", "--output"])
def test_a_flag_that_no_system_takes_as_a_path(run: Command, flag: str) -> None:
    assert run("generate", "oak", "--provider", "offline", flag, f"/tmp/{LONG}.blend")[0] == 4


@pytest.mark.parametrize(
    "flags", [("batch", "rows.jsonl", "--state-dir", "//state"), ("history", "--merge", "//state")]
)
def test_paths_relative_to_a_blend_do_not_lead_to_the_root(run: Command, flags: Any) -> None:
    code, output = run(*flags)
    assert (code, output["error"]["code"]) == (4, "unsaved_blend")


def test_parameters_of_our_own_are_none_of_the_callers() -> None:
    for call in (api.generate, api.submit):
        with pytest.raises(InvalidRequestError, match="no parameter 'at_once'"):
            call("oak", at_once=False, **OFFLINE)


def test_the_price_of_a_repair_does_not_depend_on_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.effect_noise((128, 128), 80).convert("RGB").save("tile.png")
    assert api.estimate_tile("tile.png", provider="offline").high_usd == 0


def test_a_tile_that_can_not_be_encoded_is_not_sent(
    online: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planks().save(tmp_path / "planks.png")
    monkeypatch.setattr(writer, "encode_tile", raise_storage_error)
    with pytest.raises(StorageError):
        api.make_tile(tmp_path / "planks.png", tmp_path / "out.webp", repair_seams=True, quality="low")
    assert not online.requests and not api.jobs()


def test_what_is_wrong_with_the_settings_gets_into_the_report(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPT_IMAGE_MAX_COST_USD", "plenty")
    monkeypatch.setenv("OPENAI_API_KEY", "odd key of mine 1234")
    assert run("doctor", "--report", tmp_path / "report.zip")[0] == 3
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        text = archive.read("report.json").decode()
    assert "is no amount" in text or "not a valid amount" in text
    assert "odd key of mine" not in text


def test_a_user_without_a_home_can_report(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    run("doctor", "--report", tmp_path / "report.zip")
    assert zipfile.is_zipfile(tmp_path / "report.zip")


@pytest.mark.parametrize("operator", ["again", "make_seamless", "recover"])
def test_in_background_operators_come_back_when_it_is_done(operator: str) -> None:
    made = api.generate("oak", **OFFLINE)
    getattr(bpy.ops.gpt_image, operator)(job=made.job)
    assert all(job.done for job in api.jobs()) and len(api.jobs()) == 2


def test_a_handler_of_signals_may_write_while_something_is_written() -> None:
    class Busy(io.StringIO):
        def write(self, text: str) -> int:
            raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")

    assert "reentrant" in streams.write(Busy(), ("Stopping",))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_captures_are_private_before_any_journal_is_opened(tmp_path: Path) -> None:
    scene = bpy.context.scene
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    before = os.umask(0o022)
    try:
        captured = [references.camera((64, 64)), references.image(bpy.data.images.new("Painted", 8, 8))]
    finally:
        os.umask(before)
    folders = (tmp_path / "state", tmp_path / "state" / references.FOLDER)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert {stat.S_IMODE(Path(path).stat().st_mode) for path in captured} == {0o600}
