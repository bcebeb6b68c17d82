"""An answer painted into image files, here and in a process of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt_image_addon.core.common.threads import FairLock
from gpt_image_addon.core.errors import EditMismatchError
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.painting.answers import paint_answer
from gpt_image_addon.core.painting.canvas_files import CanvasFile
from gpt_image_addon.core.painting.guides import draw_guides
from gpt_image_addon.core.painting.projection import ProjectedView, Projection, Receiver
from gpt_image_addon.core.painting.view_answers import cut_view
from gpt_image_addon.core.processes.subprocess_worker import SUBPROCESS
from gpt_image_addon.core.results.store import ImageFile, PreparedResult
from tests.core.projection.test_painting import answer_for, box, mesh, view_from

SIZE = (320, 240)
VIEW = view_from((2, -4, 1.5), size=SIZE)
TRIANGLES = mesh(*box((-0.6, -0.5, -0.4), (0.6, 0.5, 0.4)))
FACTS = {"image": "", "objects": ["Box"], "slots": [0]}


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As with a window, where a process of its own does heavy work."""
    monkeypatch.setattr(FairLock, "enabled", True)
    yield
    SUBPROCESS.close()


def projection(**values: Any) -> Projection:
    rows = [
        tuple(float(value) for value in np.ravel(matrix)) for matrix in (VIEW.matrix_world, VIEW.projection)
    ]
    view = ProjectedView("camera", rows[0], rows[1], SIZE, (0, 0, *SIZE))
    return Projection((view,), SIZE, (Receiver("Box", rows[0]),), **values)


def result(folder: Path, pixels: Any) -> PreparedResult:
    folder.mkdir(exist_ok=True)
    data, file = encode_png(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)), folder / "image-1.png"
    file.write_bytes(data)
    height, width = pixels.shape[:2]
    return PreparedResult("job", (ImageFile("box", data, str(file), "png", width, height),))


def canvas() -> CanvasFile:
    return CanvasFile("box", (128, 128), None, (0.1, 0.1, 0.1), FACTS)


def test_a_process_of_its_own_paints_the_same(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    prepared = result(tmp_path / "a", answer_for(VIEW, TRIANGLES))
    here = paint_answer(prepared, projection(), TRIANGLES, [canvas()])
    request.getfixturevalue("window")
    there = paint_answer(prepared, projection(), TRIANGLES, [canvas()])
    assert SUBPROCESS.open and there.report == here.report and there.images[0].data == here.images[0].data
    (image,) = there.images
    assert image.source == prepared.images[0].file and Path(image.file).read_bytes() == image.data
    assert here.report["views"][0]["used"] and here.report["coverage"] > 0.2
    assert here.report["images"] == [FACTS]


def test_a_mismatch_comes_out_of_the_process(tmp_path: Path, window: None) -> None:
    other = np.roll(answer_for(VIEW, TRIANGLES), 90, 1)
    prepared = result(tmp_path / "a", other)
    with pytest.raises(EditMismatchError):
        paint_answer(prepared, projection(), TRIANGLES, [canvas()])
    assert paint_answer(prepared, projection(), TRIANGLES, [canvas()], accept=True).report["coverage"] > 0.2


def test_an_answer_of_another_size_is_fitted(tmp_path: Path) -> None:
    pixels = answer_for(VIEW, TRIANGLES)
    twice = pixels.repeat(2, 0).repeat(2, 1)
    found = paint_answer(result(tmp_path / "a", twice), projection(), TRIANGLES, [canvas()])
    assert found.report["views"][0]["score"] > 0.99
    part = cut_view(twice.astype(np.uint8), SIZE, (160, 0, 160, 120), (160, 120))
    assert np.abs(part.astype(int) - pixels[:120, 160:].astype(int)).mean() < 2


def test_guides_show_what_is_painted_in_front_of_one_color() -> None:
    hidden = dataclasses.replace(TRIANGLES, shown=np.zeros(len(TRIANGLES.shown), bool))
    drawn = draw_guides(TRIANGLES, projection(), ("normal", "depth"))
    assert [image.shape for image in drawn.images] == [(240, 320, 3)] * 3 and drawn.painted_pixels[0] > 1000
    for image in drawn.images:
        away = np.abs(image.astype(int) - image[0, 0].astype(int)).max(axis=-1)
        assert away[away > 0].min() >= 24
    (empty,) = draw_guides(hidden, projection(), ()).images
    assert (empty == empty[0, 0]).all()


@pytest.mark.parametrize("prompt", ["weathered copper", "black leather", "eine schwarze Katze"])
def test_the_background_differs_from_what_is_to_be_painted(prompt: str) -> None:
    for guide in draw_guides(TRIANGLES, projection(), ("normal", "depth", "lines"), prompt=prompt).images:
        levels = np.abs(guide.astype(int) - guide[0, 0].astype(int)).max(axis=-1)
        shape = levels > 0
        assert 0.05 < shape.mean() < 0.95 and levels[shape].min() >= 24
    dark = np.abs(guide[0, 0].astype(int) - 25).max()
    assert (dark > 100) == (prompt != "weathered copper")
