"""Job bundles for render farms, checked and run by Open Job Description's own command line."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.api_server import ApiServer, faults

ROOT = Path(__file__).resolve().parents[2]
OPENJD = ROOT / ".cache" / "venv-openjd" / "bin" / "openjd"
CHUNKS = 3

needs_openjd = pytest.mark.skipif(
    not OPENJD.exists(), reason="openjd-cli is missing: `make .cache/venv-openjd/.stamp` installs it"
)


def command(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Seven rows with all that is hard to carry over: an image, braces, combinations, defaults."""
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    rows = [
        {"prompt": "{age} {wood} planks", "age": ["old", "new"], "wood": ["oak", "ash"], "catalog": "Wood"},
        {"prompt": "a sign that says {{hello}}", "id": "sign"},
        {"prompt": "like this", "id": "edit", "references": ["red.png"]},
        {"prompt": "two", "id": "two", "n": 2},
    ]
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = tmp_path / "bundle"
    python = shlex.join([sys.executable, "-m", "gpt_image_addon"])
    made = command(
        *(sys.executable, "-m", "gpt_image_addon", "batch", str(manifest), "--quality", "low"),
        *("--model", "gpt-image-2.5-flare", "--size", "816x816", "--farm", "openjd", str(folder)),
        *("--chunks", str(CHUNKS), "--concurrency", "2", "--farm-command", python),
        *("--contact-sheet", "sheet.html", "--asset-library", "woods.blend", "--json"),
        GPT_IMAGE_DATA_DIR=str(tmp_path / "own"),
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout.splitlines()[-1])["rows"] == 7
    (tmp_path / "red.png").unlink()
    manifest.unlink()
    return folder


def run_step(bundle: Path, server: ApiServer, step: str) -> subprocess.CompletedProcess[str]:
    return command(
        *(str(OPENJD), "run", str(bundle / "template.json"), "--step", step),
        cwd=bundle,
        PYTHONPATH=str(ROOT),
        OPENAI_BASE_URL=server.base_url,
        OPENAI_API_KEY=server.api_key,
        GPT_IMAGE_DATA_DIR=str(bundle / "must-not-be-used"),
    )


def prompts(server: ApiServer) -> list[str]:
    return sorted(str(record.fields["prompt"]) for record in server.image_requests)


EXPECTED = sorted(
    (
        "old oak planks",
        "old ash planks",
        "new oak planks",
        "new ash planks",
        "like this",
        "two",
        "a sign that says {hello}",
    )
)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@needs_openjd
def test_the_bundle_is_valid_and_holds_no_key(bundle: Path) -> None:
    checked = command(str(OPENJD), "check", str(bundle / "template.json"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    summary = command(str(OPENJD), "summary", str(bundle / "template.json"))
    assert "Total steps: 2" in summary.stdout and f"Total tasks: {CHUNKS + 1}" in summary.stdout
    template = json.loads((bundle / "template.json").read_text())
    template["steps"][0]["parameterSpace"]["taskParameterDefinitions"][0]["type"] = "COLOUR"
    (bundle / "wrong.json").write_text(json.dumps(template))
    assert command(str(OPENJD), "check", str(bundle / "wrong.json")).returncode != 0


@needs_openjd
def test_a_farm_makes_every_row_once_and_merges(bundle: Path, api_server: ApiServer) -> None:
    made = run_step(bundle, api_server, "Make")
    assert made.returncode == 0, made.stdout + made.stderr
    assert prompts(api_server) == EXPECTED
    output = bundle / "output"
    images = {path.name: path.read_bytes() for path in (output / "pictures").iterdir()}
    assert {"sign.png", "edit.png", "two 1.png", "two 2.png"} < set(images) and len(images) == 8
    assert set(images.values()) == set(api_server.answers.values())
    assert len(list((output / "state").iterdir())) == CHUNKS

    again = run_step(bundle, api_server, "Make")
    assert again.returncode == 0 and prompts(api_server) == EXPECTED

    merged = run_step(bundle, api_server, "Merge")
    assert merged.returncode == 0, merged.stdout + merged.stderr
    assert prompts(api_server) == EXPECTED
    assert (output / "sheet.html").read_text().count("<img") == 7
    assert (output / "woods.blend").exists() and "Wood" in (output / "blender_assets.cats.txt").read_text()
    assert len(read(output / "rows.results.jsonl")) == 7
    history = command(
        *(sys.executable, "-m", "gpt_image_addon", "history", "--json"),
        GPT_IMAGE_DATA_DIR=str(output / "merged"),
    )
    spent = json.loads(history.stdout.splitlines()[-1])["spent_usd"]
    assert spent == pytest.approx(api_server.bill_usd)
    assert not (bundle / "must-not-be-used").exists()


@needs_openjd
def test_a_row_without_an_answer_fails_its_task_and_is_not_sent_again(
    bundle: Path, api_server: ApiServer
) -> None:
    api_server.script(faults.reset("processing"))
    for _ in range(2):
        run_step(bundle, api_server, "Make")
    assert prompts(api_server) == sorted(set(prompts(api_server)))
    reports = [line for path in (bundle / "output" / "reports").glob("?.jsonl") for line in read(path)]
    assert [line["state"] for line in reports] == ["unknown"]


@pytest.mark.skipif(shutil.which("node") is None, reason="node runs the job type; it is not installed")
def test_the_flamenco_job_type_makes_every_row_once(tmp_path: Path, api_server: ApiServer) -> None:
    """What the script tells workers to run is run here, in an order that the dependencies allow."""
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text("".join(json.dumps({"prompt": f"oak {number}"}) + "\n" for number in range(5)))
    settings = {"manifest": str(manifest), "output_dir": str(tmp_path / "out"), "chunks": 2}
    settings |= {"concurrency": 2, "images_per_minute": 6000, "asset_library": "woods.blend"}
    script = ROOT / "docs" / "flamenco" / "gpt_image_batch.js"
    compiled = command(
        "node", str(ROOT / "tests" / "extension" / "compile_flamenco.js"), str(script), json.dumps(settings)
    )
    assert compiled.returncode == 0, compiled.stderr
    found = json.loads(compiled.stdout)
    assert {setting["key"] for setting in found["type"]["settings"]} == set(settings)
    *making, merging = found["tasks"]
    assert merging["dependencies"] == [task["name"] for task in making] and len(making) == 2
    for task in found["tasks"]:
        ((name, parameters),) = [(c["name"], c["parameters"]) for c in task["commands"]]
        start = ["--online-mode", "-c", "gpt_image"]
        assert (name, parameters["exe"], parameters["args"][:3]) == ("exec", "{blender}", start)
        done = command(
            *(sys.executable, "-m", "gpt_image_addon", *parameters["args"][3:]),
            OPENAI_BASE_URL=api_server.base_url,
            OPENAI_API_KEY=api_server.api_key,
        )
        assert done.returncode == 0, done.stderr
    assert prompts(api_server) == [f"oak {number}" for number in range(5)]
    assert len(list((tmp_path / "out" / "pictures").glob("*.png"))) == 5
    assert (tmp_path / "out" / "woods.blend").exists() and (tmp_path / "out" / "sheet.html").exists()
