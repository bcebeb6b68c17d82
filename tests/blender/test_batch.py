"""The verb `batch`: what it makes, what it says, what it refuses."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from tests.api_server import ApiServer, faults

KEYS = {
    "schema",
    "state",
    "rows",
    "succeeded",
    "failed",
    "unknown",
    "skipped",
    "running",
    "unfinished",
    "cost_usd",
    "unknown_usd",
    "report",
    "results_file",
    "problems",
    "results",
}
OFFLINE = ("--provider", "offline", "--size", "128x128")


@pytest.fixture
def run(run: Any) -> Any:
    return functools.partial(run, "batch")


def manifest(folder: Path, *rows: Any) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_files_are_the_default(run: Any, online: ApiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": ["oak", "ash"], "id": "a"}, {"prompt": "pine", "n": 2})
    code, output = run(path, "--quality", "low")
    assert code == 0 and set(output) == KEYS
    assert (output["state"], output["rows"], output["succeeded"]) == ("succeeded", 3, 3)
    assert output["cost_usd"] == pytest.approx(online.bill_usd) and output["report"] is None
    named = {Path(file).name for row in output["results"] for file in row["files"]}
    assert {"a-1.png", "a-2.png"} < named and len(named) == 4
    contents = {(tmp_path / "rows-pictures" / name).read_bytes() for name in named}
    assert contents == set(online.answers.values())
    assert not list(tmp_path.glob("**/*.part"))


def test_a_second_run_makes_only_what_is_missing(run: Any, online: ApiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": "oak"}, {"prompt": "ash"})
    run(path, "--quality", "low")
    gone = next((tmp_path / "rows-pictures").glob("oak *"))
    gone.unlink()
    manifest(tmp_path, {"prompt": "new"}, {"prompt": "ash", "target": "plane"}, {"prompt": "oak"})
    code, output = run(path, "--quality", "low")
    assert (code, output["succeeded"], output["skipped"]) == (0, 1, 2)
    assert gone.exists() and len(online.image_requests) == 3
    assert output["cost_usd"] == pytest.approx(online.bill_usd / 3, rel=0.2)


@pytest.mark.parametrize(
    ("broken", "billed"), [("no_data", "maybe"), ("not_an_image", "yes"), ("bomb", "yes")]
)
def test_what_was_billed_and_failed_is_sent_again_only_on_wish(
    run: Any, online: ApiServer, tmp_path: Path, broken: str, billed: str
) -> None:
    online.script(faults.answer(broken))
    path = manifest(tmp_path, {"prompt": "a", "id": "a"})
    for _ in range(3):
        code, output = run(path, "--quality", "low")
        (row,) = output["results"]
        assert (code, output["succeeded"], row["error"]["billed"]) == (7, 0, billed)
        assert len(online.image_requests) == 1
    code, output = run(path, "--quality", "low", "--retry-unknown")
    assert (code, output["succeeded"]) == (0, 1) and len(online.image_requests) == 2


def test_what_fails_is_reported_and_tried_again(run: Any, online: ApiServer, tmp_path: Path) -> None:
    online.script(faults.error("moderation_blocked"), faults.reset("processing"))
    rows = [{"prompt": name, "id": name} for name in ("a", "b", "c")]
    path = manifest(tmp_path, *rows, {"prompt": "d", "id": "d", "size": "7x7"})
    report = tmp_path / "wrong.jsonl"
    code, output = run(path, "--concurrency", "1", "--report", str(report), "--quality", "low")
    assert (code, output["state"]) == (7, "incomplete")
    assert (output["succeeded"], output["failed"], output["unknown"]) == (1, 2, 1)
    assert output["unknown_usd"] > 0
    found = {line["row"]: line for line in map(json.loads, report.read_text().splitlines())}
    assert {row: line["error"]["type"] for row, line in found.items()} == {
        "a": "ModerationError",
        "b": "APIConnectionError",
        "d": "InvalidRequestError",
    }
    assert found["b"]["state"] == "unknown" and found["b"]["request"]["prompt"] == "b"
    assert found["d"]["line"] == 4
    code, output = run(path, "--concurrency", "1", "--report", str(report), "--quality", "low")
    assert (code, output["skipped"], output["succeeded"], output["unknown"]) == (7, 1, 1, 1)
    manifest(tmp_path, *rows)
    code, output = run(path, "--retry-unknown", "--report", str(report), "--quality", "low")
    assert (code, output["skipped"], output["succeeded"]) == (0, 2, 1)
    assert not report.exists()


def test_a_dry_run_sends_nothing(run: Any, online: ApiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": "oak planks", "quality": ["low", "high"], "n": 2}, {"prompt": "ash"})
    model = ("--model", "gpt-image-2.5-flare", "--quality", "low")
    code, output = run(path, "--dry-run", *model)
    assert (code, output["state"], output["rows"], output["invalid"]) == (0, "dry_run", 3, 0)
    assert [(group["quality"], group["rows"], group["pictures"]) for group in output["groups"]] == [
        ("low", 2, 3),
        ("high", 1, 2),
    ]
    assert output["estimated_usd"] == pytest.approx(sum(g["high_usd"] for g in output["groups"]))
    assert online.requests == []
    code, ended = run(path, *model)
    assert code == 0 and 0 < ended["cost_usd"] <= output["high_usd"]
    manifest(tmp_path, {"prompt": "a", "size": "7x7"})
    code, output = run(path, "--dry-run")
    assert (code, output["invalid"], output["errors"][0]["line"]) == (7, 1, 1)


def test_the_whole_run_has_a_limit(run: Any, online: ApiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, *({"prompt": f"oak {number}"} for number in range(10)))
    flags = ("--quality", "low", "--model", "gpt-image-2.5-flare")
    price = run(path, "--dry-run", *flags)[1]["high_usd"]
    code, output = run(path, *flags, "--max-cost", str(price * 0.55))
    assert (code, output["succeeded"], output["failed"]) == (7, 5, 5)
    assert output["cost_usd"] == pytest.approx(online.bill_usd) and online.bill_usd <= price * 0.55
    assert {row["error"]["code"] for row in output["results"] if row["error"]} == {"max_cost_exceeded"}
    assert run(path, *flags)[1]["succeeded"] == 5


def test_the_monthly_budget_holds(
    run: Any, online: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", "0.03")
    path = manifest(tmp_path, *({"prompt": f"oak {number}"} for number in range(10)))
    code, output = run(path, "--quality", "low", "--model", "gpt-image-2.5-flare")
    assert code == 7 and 0 < output["succeeded"] < 10
    assert online.bill_usd <= 0.03


def test_a_wrong_manifest_sends_nothing(run: Any, online: ApiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": "a"}, {"prompt": "b", "colour": "red"})
    code, output = run(path)
    assert code == 4 and "line 2" in output["error"]["message"] and "colour" in output["error"]["message"]
    assert online.requests == []


def test_no_key(run: Any, tmp_path: Path) -> None:
    code, output = run(manifest(tmp_path, {"prompt": "a"}))
    assert (code, output["error"]["type"]) == (3, "MissingApiKeyError")


@pytest.mark.parametrize(
    "flags",
    [
        ("--concurrency", "0"),
        ("--images-per-minute", "x"),
        ("--part", "4/3"),
        ("--max-cost", "nan"),
        ("--contact-sheet", "x.gif"),
        ("--asset-library", "x.txt"),
        ("--asset-library", "x.blend", "--blend-per-row"),
    ],
)
def test_usage_errors(run: Any, tmp_path: Path, flags: tuple[str, ...]) -> None:
    code, output = run(manifest(tmp_path, {"prompt": "a"}), *flags)
    assert (code, output["error"]["type"]) == (2, "UsageError")


def test_parts_make_the_whole(run: Any, tmp_path: Path) -> None:
    path = manifest(tmp_path, *({"prompt": f"brick {number}"} for number in range(5)))
    assert [run(path, *OFFLINE, "--part", f"{part}/3")[1]["succeeded"] for part in (1, 2, 3)] == [2, 2, 1]
    assert run(path, *OFFLINE)[1]["skipped"] == 5


def test_only_what_was_made_is_put_together(run: Any, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": "brick"}, {"prompt": "moss"})
    run(path, *OFFLINE, "--part", "1/2")
    code, output = run(path, *OFFLINE, "--send-nothing", "--output-dir", str(tmp_path / "elsewhere"))
    assert (code, output["skipped"], output["failed"]) == (7, 1, 1)
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1


def test_an_asset_library(run: Any, tmp_path: Path) -> None:
    library = tmp_path / "library" / "woods.blend"
    rows = [
        {"prompt": "oak planks", "tags": ["wood"], "catalog": "Wood/Planks", "target": "material"},
        {"prompt": "red brick", "catalog": "Wall", "target": "texture"},
        {"prompt": "a leaf", "target": "plane"},
    ]
    path = manifest(tmp_path, *rows[:2])
    flags = (*OFFLINE, "--asset-library", str(library))
    assert run(path, *flags)[:1] == (0,)
    manifest(tmp_path, *rows)
    code, output = run(path, *flags)
    assert (code, output["succeeded"], output["skipped"]) == (0, 1, 2)
    bpy.ops.wm.open_mainfile(filepath=str(library))
    assets = {block.name: block for block in (*bpy.data.materials, *bpy.data.objects) if block.asset_data}
    assert set(assets) == {"oak planks", "red brick", "a leaf"}
    oak = assets["oak planks"]
    assert {tag.name for tag in oak.asset_data.tags} == {"GPT Image", "wood"}
    assert oak.asset_data.description == "oak planks"
    lines = (library.parent / "blender_assets.cats.txt").read_text().splitlines()
    catalogs = {line.split(":")[1]: line.split(":")[0] for line in lines if line.count(":") == 2}
    assert catalogs["Wood/Planks"] == oak.asset_data.catalog_id
    assert assets["red brick"].asset_data.catalog_id == catalogs["Wall"]
    assert oak.preview is not None and tuple(oak.preview.image_size) == (256, 256)
    pixels = np.zeros(256 * 256 * 4, np.float32)
    oak.preview.image_pixels_float.foreach_get(pixels)
    ball = pixels.reshape(256, 256, 4)  # lit from the side, with nothing around it
    assert ball[64:192, 64:192, :3].std() > 0.01 and (ball[64:192, 64:192, 3] == 1).all()
    assert ball[0, 0, 3] == 0
    assert not list((tmp_path).glob("rows-pictures"))


def test_an_image_is_no_asset(run: Any, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": "oak", "target": "image"})
    code, output = run(path, *OFFLINE, "--asset-library", str(tmp_path / "x.blend"))
    assert (code, output["failed"]) == (7, 1)


def test_a_blend_for_each_row(run: Any, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": "oak", "id": "a", "target": "plane"}, {"prompt": "moss", "id": "b"})
    code, _output = run(path, *OFFLINE, "--blend-per-row")
    folder = tmp_path / "rows-pictures"
    assert code == 0
    assert {file.name for file in folder.iterdir()} == {"a.png", "b.png", "a.blend", "b.blend"}
    bpy.ops.wm.open_mainfile(filepath=str(folder / "a.blend"))
    assert [obj.name for obj in bpy.data.objects] == ["oak"]
    assert run(path, *OFFLINE, "--blend-per-row")[1]["skipped"] == 2


def test_contact_sheets(run: Any, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": ["oak", "red brick", "<moss>"]}, {"prompt": "x", "size": "7"})
    sheet, page = tmp_path / "sheet.png", tmp_path / "page.html"
    run(path, *OFFLINE[:2], "--contact-sheet", str(sheet))
    with Image.open(sheet) as made:
        assert made.size == (512, 512)
        assert len(made.crop((0, 0, 256, 256)).getcolors(10**6)) > 100
        assert made.crop((256, 256, 512, 512)).getcolors(10) == [(65536, (40, 40, 40))]
    assert run(path, *OFFLINE[:2], "--contact-sheet", str(page))[1]["skipped"] == 3
    text = page.read_text()
    assert text.count("<img") == 3 and 'src="rows-pictures/oak%20' in text and 'class="failed"' in text
