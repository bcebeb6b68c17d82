"""Workflows that are kept by a name, and what one takes: shown, and corrected, before anything is sent."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gpt_image_addon.core.batch.manifest import Manifest
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.providers import describe_workflow
from gpt_image_addon.core.providers.comfyui import prompts
from gpt_image_addon.core.workflows import library
from gpt_image_addon.core.workflows.file import read_workflow
from gpt_image_addon.core.workflows.mapping import Mapper

from .server import CLASSES, ComfyServer
from .test_gpt_image import connect, run
from .test_workflows import EDIT, MODEL, PAINT, save, titled


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ComfyServer]:
    for name in ("POLL_SECONDS", "MISS_SECONDS"):
        monkeypatch.setattr(prompts, name, 0.02)
    with ComfyServer() as server:
        yield server


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def two_prompts() -> dict[str, Any]:
    second = json.loads(json.dumps(PAINT["3"]))
    second["inputs"]["positive"] = ["11", 0]
    return {**PAINT, "10": second, "11": PAINT["6"]}


def test_a_workflow_is_kept_by_name_with_what_was_corrected(state: Path, tmp_path: Path) -> None:
    path = Path(save(tmp_path / "Flux Depth.json", two_prompts()))
    name = library.make_name(path.stem)
    kept = library.keep_workflow(path, name, ("prompt=6.text", "Seed = "))
    assert (name, kept.file) == ("flux_depth", state / "workflows" / "flux_depth.json")
    assert stat.S_IMODE(kept.file.stat().st_mode) == 0o600
    assert library.find_kept("flux_depth", tmp_path) == kept.file
    found = Mapper(read_workflow(kept.file), CLASSES).map()
    assert found.places["prompt"] == [("6", "text")] and "seed" not in found.places
    again = Mapper(read_workflow(kept.file), CLASSES, ("prompt=11.text",)).map()
    assert again.places["prompt"] == [("11", "text")]
    library.keep_workflow(kept.file, "other", ("prompt=11.text",))  # what was said before is kept as well
    assert read_workflow(state / "workflows" / "other.json").places == ("prompt=11.text", "seed=")
    library.drop_workflow("flux_depth")
    assert list(library.kept_workflows()) == ["other"]
    assert library.name_kept(str(state / "workflows" / "other.json")) == "other"
    assert library.name_kept(str(path)) == str(path)


def test_names_lead_nowhere_else(state: Path, tmp_path: Path) -> None:
    path = Path(save(tmp_path / "w.json", EDIT))
    for name in ("../w", "a/b", "", "A", ".x", "x" * 101, "a\0"):
        with pytest.raises(InvalidRequestError):
            library.keep_workflow(path, name)
        assert library.find_kept(name, tmp_path) is None
    with pytest.raises(InvalidRequestError, match="no workflow 'flux'; there are -") as caught:
        library.find_kept("flux", tmp_path)
    assert caught.value.exit_code == 4
    (tmp_path / "flux").touch()
    assert library.find_kept("flux", tmp_path) is None  # a file of that name
    (state / "workflows").mkdir(parents=True)
    (state / "workflows" / "Not One.json").touch()
    assert not library.kept_workflows()
    with pytest.raises(InvalidRequestError, match="is no workflow"):
        library.keep_workflow(state / "workflows" / "Not One.json", "flux")


def test_a_manifest_names_kept_ones(tmp_path: Path) -> None:
    kept = library.keep_workflow(Path(save(tmp_path / "w.json", EDIT)), "edit").file
    rows = tmp_path / "rows.jsonl"
    texts = [{"prompt": "a", "workflow": "edit"}, {"prompt": "b", "workflow": "w.json"}]
    rows.write_text("\n".join(map(json.dumps, texts)))
    found = [row.request.workflow for row in Manifest(rows)]
    assert found == [str(kept), str(tmp_path / "w.json")]


def test_the_server_says_what_can_be_set(comfy: ComfyServer, tmp_path: Path) -> None:
    path = Path(save(tmp_path / "w.json", titled(PAINT, n3="Sampler")))
    found = describe_workflow("comfyui", connect(comfy.url), path, ())
    assert dict(found.places) == {
        "prompt": "6.text",
        "negative": "7.text",
        "seed": "Sampler.seed",
        "width": "EmptyLatentImage.width",
        "height": "EmptyLatentImage.height",
    }
    own = {row.key: row for row in found.own}
    steps, sampler = own["Sampler.steps"], own["Sampler.sampler_name"]
    assert (steps.kind, steps.value, steps.least, steps.most) == ("INT", 20, 1, 10000)
    assert sampler.kind == "COMBO" and {"euler", "ddim"} <= set(sampler.choices)
    assert "6.text" not in own and "CheckpointLoaderSimple.ckpt_name" in own
    assert found.is_asked and not found.problem
    texts = [row.key for row in found.fields if row.can_be("negative")]
    assert "6.text" in texts and "Sampler.seed" not in texts
    asked = [path for _, path in comfy.requests if path.startswith("/object_info/")]
    assert len(asked) == len(set(asked)) == 6 and ("POST", "/prompt") not in comfy.requests


def test_inputs_of_a_chosen_variant_have_what_the_server_says(comfy: ComfyServer, tmp_path: Path) -> None:
    comfy.classes["Resize"] = {
        "input": {
            "required": {
                "how": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "by", "inputs": {"required": {"times": ["INT", {"min": 1, "max": 8}]}}},
                            {
                                "key": "to",
                                "inputs": {"required": {"edge": ["INT", {"min": 64, "max": 9000}]}},
                            },
                        ]
                    },
                ]
            }
        },
        **{"output": ["IMAGE"], "output_node": False},
    }
    path = Path(
        save(tmp_path / "w.json", {"1": {"class_type": "Resize", "inputs": {"how": "by", "how.times": 2}}})
    )
    how, times = describe_workflow("comfyui", connect(comfy.url), path, ()).own
    assert (how.key, how.choices) == ("Resize.how", ("by", "to"))
    assert (times.key, times.kind, times.least, times.most) == ("Resize.how.times", "INT", 1, 8)


def test_what_is_not_clear_is_shown_and_corrected(comfy: ComfyServer, tmp_path: Path) -> None:
    path = Path(save(tmp_path / "w.json", two_prompts()))
    found = describe_workflow("comfyui", connect(comfy.url), path, ())
    assert "several nodes could take the prompt" in found.problem and "--place" in found.problem
    assert "prompt" not in dict(found.places)
    found = describe_workflow("comfyui", connect(comfy.url), path, ("prompt=11.text",))
    assert dict(found.places)["prompt"] == "11.text" and not found.problem


def test_without_a_server_the_file_alone_is_told(comfy: ComfyServer, tmp_path: Path) -> None:
    path = Path(save(tmp_path / "w.json", titled(PAINT, n6="Prompt")))
    comfy.status = 503
    found = describe_workflow("comfyui", connect(comfy.url), path, ())
    assert "answered 503" in found.problem and not found.is_asked
    own = {row.key: row for row in found.own}
    assert dict(found.places) == {"prompt": "Prompt.text"}
    assert (own["KSampler.steps"].value, own["KSampler.steps"].most) == (20, None)
    assert own["KSampler.sampler_name"].choices == ()


@pytest.mark.parametrize(
    ("places", "problem"),
    [
        (("prompt=Nobody.text",), "has no input 'Nobody.text'"),
        (("prompt=KSampler.steps",), "KSampler.steps can't take the prompt"),
        (("mask=CLIPTextEncode.text",), "several inputs 'CLIPTextEncode.text': 6.text, 7.text"),
        (("reference 1=6.text",), "CLIPTextEncode.text can't take the reference 1"),
    ],
)
def test_a_wrong_place_is_named_before_anything_is_queued(
    comfy: ComfyServer, journal: Journal, tmp_path: Path, places: tuple[str, ...], problem: str
) -> None:
    path = save(tmp_path / "w.json", PAINT)
    _, event = run(journal, comfy.url, model=MODEL, workflow=path, workflow_places=places)
    assert isinstance(event.error, InvalidRequestError) and problem in event.error.message
    assert ("POST", "/prompt") not in comfy.requests
    for text in ("prompt", "style=6.text", "reference 17=a.b", "prompt=text"):
        with pytest.raises(InvalidRequestError, match="not of the form role="):
            run(journal, comfy.url, model=MODEL, workflow=path, workflow_places=(text,))


def test_a_corrected_place_is_what_is_queued(comfy: ComfyServer, journal: Journal, tmp_path: Path) -> None:
    images = []
    for number in range(2):
        images.append(str(tmp_path / f"{number}.png"))
        Image.new("RGB", (16, 16), (80 * number, 0, 0)).save(images[-1])
    graph = {
        **EDIT,
        "8": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "second"}},
    }
    _, event = run(
        journal,
        comfy.url,
        model=MODEL,
        workflow=save(tmp_path / "w.json", graph),
        workflow_places=("depth=8.image", "reference 1=1.image"),
        references=tuple(images),
        reference_kinds=("depth", "auto"),
    )
    assert event.error is None and event.prepared is not None
    (sent,) = comfy.graphs
    shown = [Image.open(io.BytesIO(comfy.files["input", "", sent[n]["inputs"]["image"]])) for n in ("8", "1")]
    assert [image.getpixel((0, 0))[0] for image in shown] == [0, 80]  # type: ignore[index]
