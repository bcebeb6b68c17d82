"""What the interface stands on, without Blender: styles, strokes, previews, durations, errands, the queue."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.common import keychain
from gpt_image_addon.core.common.threads import BackgroundTasks
from gpt_image_addon.core.errors import ConfigurationError, GptImageError, InvalidRequestError
from gpt_image_addon.core.imaging.thumbnails import EDGE, make_preview
from gpt_image_addon.core.jobs.durations import Durations, name_kind
from gpt_image_addon.core.jobs.job import Emit, Job
from gpt_image_addon.core.jobs.queue import JobQueue
from gpt_image_addon.core.raster.drawing import Stroke, draw_strokes, fill_polygons
from gpt_image_addon.core.request import styles
from gpt_image_addon.core.request.prompt import compose
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.store import PreparedResult

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "state"))


def test_there_are_many_styles_and_each_says_something() -> None:
    found = styles.curated_styles()
    assert len(found) >= 24
    assert {"realistic", "anime", "cyberpunk", "oil_painting", "steampunk", "watercolour"} <= set(found)
    assert len({style.words for style in found.values()}) == len(found)
    assert len({style.label for style in found.values()}) == len(found)


def test_each_style_has_a_group_and_says_what_it_is_for() -> None:
    found = styles.curated_styles().values()
    groups = [style.group for style in found]
    assert set(groups) == {"Surfaces", "Rendering", "Painting", "Drawing", "Design and Genre"}
    assert groups == sorted(groups, key=groups.index), "the styles of a group stand together"
    assert all(style.tip and style.tip != style.words for style in found)
    assert styles.find_style("watercolour").label == "Watercolor"
    assert not any("colour" in text or "grey" in text for style in found for text in style[1:])


def test_a_file_of_styles_may_leave_groups_out(tmp_path: Path) -> None:
    path = tmp_path / "styles.json"
    mine = styles.check_style("moon", "Moon", "dust", group="Space", tip="Planets")
    styles.write_styles(path, [mine, styles.check_style("sun", "Sun", "fire")])
    assert list(styles.read_styles(path).values()) == [mine, styles.Style("sun", "Sun", "fire")]
    assert path.read_text("utf-8").count('"group"') == 1


def test_styles_of_ones_own_are_kept_shared_and_deleted(tmp_path: Path) -> None:
    mine = styles.check_style(styles.name_from_label("Moon Dust!"), "Moon Dust!", "Style: grey dust.")
    assert mine.name == "moon_dust"
    styles.keep_styles({mine.name: mine})
    assert compose(GenerationRequest(prompt="a wall", style="moon_dust")).endswith("grey dust.")
    shared = tmp_path / "shared.json"
    styles.write_styles(shared, styles.user_styles().values())
    styles.drop_style("moon_dust")
    with pytest.raises(InvalidRequestError, match="no style 'moon_dust'"):
        compose(GenerationRequest(prompt="a wall", style="moon_dust"))
    assert styles.read_styles(shared) == {"moon_dust": mine}


def test_a_style_of_ones_own_goes_before_a_curated_one() -> None:
    styles.keep_styles({"anime": styles.check_style("anime", "Anime", "Style: mine.")})
    assert compose(GenerationRequest(prompt="x", style="anime")).endswith("mine.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"schema": 2, "styles": []}',
        '{"schema": 1, "styles": [3]}',
        '{"schema": 1, "styles": [{"name": "A b", "label": "x", "words": "y"}]}',
        '{"schema": 1, "styles": [{"name": "a", "label": "x", "words": ""}]}',
        '{"schema": 1, "styles": [{"name": "a", "label": "x"}]}',
        '{"schema": 1, "styles": [{"name": "a", "label": "x", "words": "y", "group": 5}]}',
        '{"schema": 1, "styles": [{"name": "a", "label": "x", "words": "y", "tip": "one\\ntwo"}]}',
    ],
)
def test_a_broken_file_of_styles_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "styles.json"
    path.write_text(text)
    with pytest.raises(InvalidRequestError):
        styles.read_styles(path)


def test_labels_of_references_join_the_prompt() -> None:
    asked = GenerationRequest(prompt="a wall", references=("a", "b"), reference_labels=("", "the style"))
    assert compose(asked) == "Image 2 is the style.\na wall"


def test_strokes_are_drawn_where_they_are() -> None:
    pixels = draw_strokes([Stroke([(0.25, 0.75), (0.75, 0.75)], (1, 0, 0), 0.05)], 80, 40)
    assert pixels.shape == (40, 80, 4)
    assert tuple(pixels[10, 40]) == (255, 0, 0, 255)  # y = 0.75 from below is row 10
    assert pixels[30, 40, 3] == pixels[10, 5, 3] == 0


def test_polygons_are_white_inside() -> None:
    pixels = fill_polygons([[(0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)]], 40, 40)
    assert pixels.shape == (40, 40, 3)
    assert pixels[35, 5].tolist() == [255] * 3 and pixels[5, 35].tolist() == [0] * 3


def test_a_preview_is_small_upright_for_blender_and_complete() -> None:
    image = Image.new("RGB", (1024, 512), "blue")
    image.paste("red", (0, 0, 1024, 256))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    preview = make_preview(1, stream.getvalue())
    assert preview is not None and (preview.width, preview.height) == (EDGE, EDGE // 2)
    assert preview.pixels.dtype == np.float32 and preview.pixels.size == EDGE * EDGE // 2 * 4
    assert preview.pixels[:4].tolist() == [0, 0, 1, 1]  # the lower left corner comes first
    assert make_preview(1, b"no image") is None


def test_durations_are_learned_and_kept(tmp_path: Path) -> None:
    path, request = tmp_path / "durations.json", GenerationRequest(prompt="x", provider="openai", model="m")
    durations = Durations(path)
    assert durations.expected(request) == 40.0
    durations.note(name_kind(request), 10.0)
    durations.note(name_kind(request), 20.0)
    assert durations.expected(request) == pytest.approx(13.0)
    assert Durations(path).expected(request) == pytest.approx(13.0)
    path.write_text("broken")
    assert Durations(path).expected(request) == 40.0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with pipes in its folders")
def test_durations_are_read_of_a_file_alone(tmp_path: Path) -> None:
    path, request = tmp_path / "durations.json", GenerationRequest(prompt="x", provider="openai", model="m")
    Durations(path).note(name_kind(request), 7.0)
    text = path.read_text()
    path.unlink()
    os.mkfifo(path)
    writer = subprocess.Popen(["sh", "-c", 'printf %s "$1" > "$2"', "sh", text, str(path)])
    try:
        assert Durations(path).expected(request) == 40.0
    finally:
        writer.kill()
        writer.wait()


def test_progress_grows_and_never_is_at_the_end_too_early() -> None:
    job = Job(GenerationRequest(prompt="x"), Application(), expected_seconds=10.0)
    shown = []
    for seconds in (0, 5, 10, 100):
        job.started = time.monotonic() - seconds
        shown.append(job.shown_progress)
    assert shown == sorted(shown) and shown[0] < 0.01 and 0.5 < shown[1] < 0.9 and shown[-1] < 1
    job.progress = 0.95
    job.started = time.monotonic()
    assert job.shown_progress == 0.95


def test_errands_answer_on_the_thread_that_drains() -> None:
    errands, got = BackgroundTasks(), []
    main = threading.get_ident()

    def refuse() -> None:
        raise InvalidRequestError("No.")

    def done(answer: object, error: GptImageError | None) -> None:
        got.append((threading.get_ident() == main, answer, error and error.message))

    errands.start(lambda: threading.get_ident() != main, done)
    errands.start(refuse, done)
    deadline = time.monotonic() + 10
    while errands.pending and time.monotonic() < deadline:
        errands.drain()
    assert sorted(got, key=str) == [(True, None, "No."), (True, True, None)]


def test_waiting_jobs_can_be_moved_and_withdrawn() -> None:
    queue, gate, order = JobQueue(1), threading.Event(), []

    def work(job: Job, emit: Emit) -> PreparedResult:
        gate.wait(10)
        order.append(job.request.prompt)
        return PreparedResult(job.id, ())

    jobs = [Job(GenerationRequest(prompt=name), Application()) for name in "abcd"]
    for job in jobs:
        queue.submit(job, work)
    deadline = time.monotonic() + 10
    while len(queue.waiting()) != 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert queue.move(jobs[3], -2) and not queue.move(jobs[0], 1)
    assert queue.withdraw(jobs[1]) and not queue.withdraw(jobs[0])
    assert [job.request.prompt for job in queue.waiting()] == ["d", "c"]
    gate.set()
    while len(order) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert order == ["a", "d", "c"]
    queue.close(1)


SECRET_TOOL = """#!/bin/sh
printf '%s\\n' "$@" >> "$LOG"
case $1 in store) cat > "$VAULT";; lookup) cat "$VAULT";; clear) rm "$VAULT";; esac
"""


@pytest.mark.skipif(sys.platform != "linux", reason="stands in for the keychain tool of Linux desktops")
def test_the_keychain_gets_the_secret_on_stdin_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bin" / "secret-tool"
    tool.parent.mkdir()
    tool.write_text(SECRET_TOOL)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "arguments"))
    monkeypatch.setenv("VAULT", str(tmp_path / "vault"))
    assert keychain.is_available()
    keychain.store("sk-secret")
    assert keychain.read() == "sk-secret"
    keychain.forget()
    assert keychain.read() == ""
    assert "sk-secret" not in (tmp_path / "arguments").read_text()
    tool.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(ConfigurationError, match="could not be used"):
        keychain.store("sk-secret")


def test_all_texts_are_translated_and_no_translation_is_left_over() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "messages.py"), "de_DE"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout[-2000:]


def test_a_missing_translation_is_seen(tmp_path: Path) -> None:
    table = json.loads((ROOT / "gpt_image_addon/ui/common/translations/de_DE.json").read_text("utf-8"))
    for text in ("Prompt", "There is no API key.", "Oil Painting", "{count} styles were written."):
        table.pop(text)
    table["Nobody says this"] = "Das sagt niemand"
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import messages, pathlib\n"
        f"messages.TRANSLATIONS = pathlib.Path({str(tmp_path)!r})\n"
        "print('\\n'.join(messages.problems('de_DE')))"
    )
    (tmp_path / "de_DE.json").write_text(json.dumps(table))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "missing, in" in run.stdout and ": Prompt" in run.stdout
    assert "missing, in settings.py: There is no API key." in run.stdout
    assert "missing, in styles.json: Oil Painting" in run.stdout
    assert "missing, in style_operators.py: {count} styles were written." in run.stdout
    assert "left over: Nobody says this" in run.stdout


def test_a_sentence_that_nobody_can_translate_is_seen(tmp_path: Path) -> None:
    (tmp_path / "scene").mkdir()
    (tmp_path / "scene" / "any.py").write_text(
        'a = f"There is no job {job}."\nb = f"{job}: {reason}"\nlog.info(f"Job {job} is done.")\n'
        'c = message("Job {job} is done.", job=f"{job:04}")\nd = message("{a}: {b}.", a=1, b=2)\n'
    )
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import messages, pathlib\n"
        f"messages.PACKAGE = pathlib.Path({str(tmp_path)!r})\n"
        "print(messages.finished_sentences(), 'Job {job} is done.' in messages.messages())\n"
        "print('{a}: {b}.' in messages.messages())\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "{\"f'There is no job {job}.'\": 'any.py'} True\nFalse\n"


def test_placeholders_survive_translation() -> None:
    table = json.loads((ROOT / "gpt_image_addon/ui/common/translations/de_DE.json").read_text("utf-8"))
    for text, said in table.items():
        assert sorted(re.findall("{.*?}", text)) == sorted(re.findall("{.*?}", said)), text
