"""Images extended and subjects cut out, headless, against the local server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.core.editing import crops
from gpt_image_addon.core.imaging import decoding, formats, image_reader, pillow_settings
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.imaging.stored_pixels import read_png
from tests.api_server import ApiServer
from tests.blender.test_region_edits import follow, texture
from tests.core.editing import simulated, subjects

QUALITY = ("--provider", "openai", "--quality", "low")


@pytest.fixture
def extend(run: Any, online: ApiServer, tmp_path: Path) -> Iterator[Any]:
    online.options.edits = follow(simulated.wrong(3, hard=True))

    def command(image: Path, *flags: object) -> tuple[int, dict[str, Any]]:
        return run("extend", image, tmp_path / "out.png", *QUALITY, *flags)  # type: ignore[no-any-return]

    yield command
    online.options.edits = None


@pytest.fixture
def easy(extend: Any, online: ApiServer) -> Any:
    """`extend`, with answers that take less time: for what is no matter of their mistakes."""
    online.options.edits = follow(simulated.wrong(3, hard=False))
    return extend


@pytest.mark.parametrize(("channels", "dtype"), [(3, np.uint8), (4, np.uint8), (3, np.uint16), (1, np.uint8)])
def test_what_was_there_stays(
    extend: Any, online: ApiServer, tmp_path: Path, channels: int, dtype: Any
) -> None:
    before = texture((900, 700), channels, dtype)
    (tmp_path / "a.png").write_bytes(encode_png(before))
    price = extend(tmp_path / "a.png", "--side", "right", 300, "--dry-run")[1]
    assert not online.image_requests and not (tmp_path / "out.png").exists()
    code, output = extend(tmp_path / "a.png", "--side", "right", 300)
    assert code == 0, output
    (request,) = online.image_requests
    assert request.fields["size"] == price["sizes"][0] and price["high_usd"] >= online.bill_usd > 0
    after = read_png((tmp_path / "out.png").read_bytes(), (1200, 700))
    assert after.dtype == before.dtype and after.shape == (700, 1200, channels)
    assert np.array_equal(after[:, :900], before)
    assert after[:, 920:].std() > np.iinfo(dtype).max / 30
    assert (output["left"], output["top"], output["cost_usd"] > 0) == (0, 0, True)


@pytest.mark.parametrize("ending", ["tif", "tga", "webp", "bmp", "jpg"])
def test_what_was_there_stays_in_other_formats(
    run: Any, easy: Any, online: ApiServer, tmp_path: Path, ending: str
) -> None:
    before = texture((300, 200), 3 if ending in ("bmp", "jpg") else 4)
    Image.fromarray(before).save(tmp_path / "a.png")
    out = tmp_path / f"out.{ending}"
    code, output = run("extend", tmp_path / "a.png", out, *QUALITY, "--side", "right", 100)
    assert code == 0 and len(online.image_requests) == 1, output
    made = Image.open(out)
    after = np.asarray(made)
    assert made.size == (400, 200) and after.shape[2] == before.shape[2]
    told = any("JPEG" in warning for warning in output["warnings"])
    assert told == (ending == "jpg") != np.array_equal(after[:, :300], before)


def test_what_a_format_would_lose_is_refused_before(run: Any, online: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode_png(texture((300, 200), 3, np.uint16)))
    code, output = run("extend", tmp_path / "a.png", tmp_path / "out.tif", *QUALITY, "--side", "right", 50)
    assert code == 4 and "16 bits" in output["error"]["message"], output
    Image.fromarray(texture((300, 200))).save(tmp_path / "a.png")
    code, output = run("cutout", tmp_path / "a.png", tmp_path / "out.jpg", *QUALITY)
    assert code == 4 and "transparency" in output["error"]["message"], output
    assert not online.image_requests and [path.name for path in tmp_path.glob("out.*")] == []


def other(first: bytes, mask: bytes | None) -> Image.Image:
    """An answer that shows something else."""
    return Image.fromarray(texture((900, 700))[::-1, ::-1])


def test_several_steps_are_priced_together_and_sent_one_after_another(
    easy: Any, online: ApiServer, tmp_path: Path
) -> None:
    before = texture((512, 384))
    Image.fromarray(before).save(tmp_path / "a.png")
    plan = easy(tmp_path / "a.png", "--size", "1000x384", "--dry-run")[1]
    assert (plan["width"], plan["height"], plan["left"], len(plan["sizes"])) == (1000, 384, 244, 2)
    code, output = easy(tmp_path / "a.png", "--size", "1000x384", "--max-cost", plan["high_usd"] - 0.001)
    assert (code, output["error"]["code"]) == (5, "max_cost_exceeded") and not online.image_requests
    code, output = easy(tmp_path / "a.png", "--size", "1000x384")
    assert code == 0, output
    assert [request.fields["size"] for request in online.image_requests] == plan["sizes"]
    assert plan["high_usd"] >= online.bill_usd and len(output["jobs"]) == 2
    after = np.asarray(Image.open(tmp_path / "out.png"))
    assert after.shape == (384, 1000, 3) and np.array_equal(after[:, 244:756], before)
    states = {entry.id: entry.state.name for entry in api.history().jobs}
    assert states == dict.fromkeys(output["jobs"], "APPLIED")


def test_a_step_that_fails_pays_nothing_twice(easy: Any, online: ApiServer, tmp_path: Path) -> None:
    Image.fromarray(texture((512, 384))).save(tmp_path / "a.png")
    good, count = online.options.edits, iter(range(9))
    assert good is not None
    online.options.edits = lambda first, mask: (good, other)[next(count)](first, mask)
    code, output = easy(tmp_path / "a.png", "--size", "1000x384")
    error = output["error"]
    assert (code, error["code"], error["billed"]) == (6, "edit_mismatch", "yes")
    assert "--reuse --accept" in error["message"] and not (tmp_path / "out.png").exists()
    code, output = easy(tmp_path / "a.png", "--size", "1000x384", "--reuse", "--accept")
    assert code == 0, output
    assert len(online.image_requests) == 2 and output["cost_usd"] == 0
    after = np.asarray(Image.open(tmp_path / "out.png"))
    assert np.array_equal(after[:, 244:756], texture((512, 384)))


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--side", "right"), 2),
        (("--side", "up", 5), 2),
        (("--side", "right", "-5"), 2),
        (("--side", "right", 5, "--side", "right", 6), 2),
        ((), 4),
        (("--side", "right", 5, "--aspect", "2:1"), 4),
        (("--aspect", "wide"), 4),
        (("--aspect", "0:1"), 4),
        (("--size", "100x100"), 4),
        (("--side", "right", 5, "--provider", "offline"), 4),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    extend: Any, online: ApiServer, tmp_path: Path, flags: tuple[object, ...], code: int
) -> None:
    Image.fromarray(texture((300, 200))).save(tmp_path / "a.png")
    assert extend(tmp_path / "a.png", *flags)[0] == code
    assert not online.image_requests and not (tmp_path / "out.png").exists()


def test_files_that_are_not_ours_stay(extend: Any, online: ApiServer, tmp_path: Path) -> None:
    Image.fromarray(texture((300, 200))).save(tmp_path / "a.png")
    (tmp_path / "out.png").write_bytes(b"mine")
    assert extend(tmp_path / "a.png", "--side", "right", 50)[0] == 4
    assert (tmp_path / "out.png").read_bytes() == b"mine" and not online.image_requests


def cut(online: ApiServer, found: subjects.Subject) -> None:
    """Have the server answer with the subject on transparent ground."""
    made = Image.fromarray(subjects.cut(found))
    online.options.edits = lambda first, mask: made


@pytest.fixture
def subject(online: ApiServer, tmp_path: Path) -> Iterator[subjects.Subject]:
    found = subjects.subject(512, 1)
    Image.fromarray(found.image).save(tmp_path / "a.png")
    cut(online, found)
    yield found
    online.options.edits = None


def test_a_subject_is_cut_out(run: Any, online: ApiServer, tmp_path: Path, subject: subjects.Subject) -> None:
    arguments = ("cutout", tmp_path / "a.png", tmp_path / "out.png", *QUALITY)
    price = run(*arguments, "--dry-run")[1]
    assert not online.image_requests
    code, output = run(*arguments)
    assert code == 0, output
    (request,) = online.image_requests
    assert request.fields["background"] == "transparent" and request.fields["size"] == price["size"]
    assert price["high_usd"] >= online.bill_usd > 0
    after = np.asarray(Image.open(tmp_path / "out.png"))
    solid = after[..., 3] == 255
    assert after.shape == (512, 512, 4) and output["share"] == pytest.approx(subject.alpha.mean(), abs=0.02)
    assert solid.mean() > 0.19 and np.array_equal(after[solid][:, :3], subject.image[solid])


def test_a_large_image_is_cut_out_by_a_smaller_copy(
    run: Any,
    online: ApiServer,
    tmp_path: Path,
    subject: subjects.Subject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither the bytes of the file nor its pixels are limited by what others may send."""
    for module in (decoding, formats, pillow_settings):
        monkeypatch.setattr(module, "MAX_PIXELS", 1_200_000)
    monkeypatch.setattr(image_reader, "MAX_FILE_BYTES", 1_000_000)
    large = np.kron(subject.image, np.ones((3, 3, 1), np.uint8))
    Image.fromarray(large).save(tmp_path / "a.png", compress_level=0)
    monkeypatch.setattr(crops, "MOST_PIXELS", 512 * 512)
    code, output = run("cutout", tmp_path / "a.png", tmp_path / "out.tif", *QUALITY)
    assert code == 0, output
    after = np.asarray(Image.open(tmp_path / "out.tif"))
    solid = after[..., 3] == 255
    assert after.shape == (1536, 1536, 4) and solid.mean() > 0.19
    assert np.array_equal(after[solid][:, :3], large[solid])


def test_another_subject_is_refused_and_kept(
    run: Any, online: ApiServer, tmp_path: Path, subject: subjects.Subject
) -> None:
    cut(online, subjects.subject(512, 9))
    arguments = ("cutout", tmp_path / "a.png", tmp_path / "out.png", *QUALITY)
    code, output = run(*arguments)
    assert (code, output["error"]["code"], output["error"]["billed"]) == (6, "edit_mismatch", "yes")
    assert not (tmp_path / "out.png").exists()
    assert run(*arguments, "--reuse", "--accept")[0] == 0
    assert len(online.image_requests) == 1 and (tmp_path / "out.png").exists()


def test_an_opaque_answer_is_refused(
    run: Any, online: ApiServer, tmp_path: Path, subject: subjects.Subject
) -> None:
    online.options.edits = lambda first, mask: Image.fromarray(subject.image)
    code, output = run("cutout", tmp_path / "a.png", tmp_path / "out.png", *QUALITY)
    assert (code, output["error"]["code"]) == (6, "no_transparency")


def test_an_answer_without_a_subject_is_refused(
    run: Any, online: ApiServer, tmp_path: Path, subject: subjects.Subject
) -> None:
    online.options.edits = lambda first, mask: Image.new("RGBA", (512, 512), (0, 0, 0, 0))
    code, output = run("cutout", tmp_path / "a.png", tmp_path / "out.png", *QUALITY)
    assert (code, output["error"]["code"]) == (6, "no_subject") and not (tmp_path / "out.png").exists()


def test_a_model_without_transparency_is_not_asked(
    run: Any, online: ApiServer, tmp_path: Path, subject: subjects.Subject
) -> None:
    flags = ("--model", "dall-e-2", "--provider", "openai")
    assert run("cutout", tmp_path / "a.png", tmp_path / "out.png", *flags)[0] == 4
    assert not online.image_requests


def test_from_the_image_editor(online: ApiServer, tmp_path: Path, subject: subjects.Subject) -> None:
    image = bpy.data.images.load(str(tmp_path / "a.png"))
    bpy.context.scene.gpt_image.provider = "openai"
    assert bpy.ops.gpt_image.cut_out(image=image.name) == {"FINISHED"}
    assert len(online.image_requests) == 1
    (made,) = (found for found in bpy.data.images if "cut out" in found.name)
    assert tuple(made.size) == (512, 512) and made.packed_file
    online.options.edits = follow(simulated.wrong(3, hard=False))
    assert bpy.ops.gpt_image.extend(image=image.name, right=128) == {"FINISHED"}
    (made,) = (found for found in bpy.data.images if "extended" in found.name)
    assert tuple(made.size) == (640, 512) and image.size[0] == 512
