"""Workflows of the user's own: what goes where, what comes back, what is refused by name before it runs."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.jobs.uploads import digest_request
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.providers.comfyui import prompts
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.workflows.file import read_workflow
from gpt_image_addon.core.workflows.mapping import Mapper, Places

from .server import CLASSES, ComfyServer
from .test_gpt_image import ROOT, connect, finish, run, start, state_of, wait_until

MODEL = "comfy-workflow"
EDIT: dict[str, Any] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {
        "class_type": "ImageScale",
        "inputs": {
            "image": ["2", 0],
            "upscale_method": "nearest-exact",
            "width": 32,
            "height": 32,
            "crop": "disabled",
        },
        "_meta": {"title": "Grow"},
    },
    "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "w"}},
    "5": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
}
PAINT: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            **{
                "seed": 1,
                "steps": 20,
                "cfg": 8,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1,
            },
            **{"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]},
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "old", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}},
}


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


def save(path: Path, graph: Any) -> str:
    path.write_text(json.dumps(graph), "utf-8")
    return str(path)


def titled(graph: dict[str, Any], **titles: str) -> dict[str, Any]:
    """The graph with titles, by the ids of nodes as ``n6``."""
    return {
        name: {**node, "_meta": {"title": titles[f"n{name}"]}} if f"n{name}" in titles else node
        for name, node in graph.items()
    }


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), (10, 20, 30)).save(stream, "png")
    return stream.getvalue()


def map_places(path: Path, graph: dict[str, Any]) -> Places:
    return Mapper(read_workflow(Path(save(path, graph))), CLASSES).map()


def test_pixels_go_through_a_workflow_exactly_and_cost_nothing(
    comfy: ComfyServer, journal: Journal, tmp_path: Path
) -> None:
    reference = tmp_path / "red.png"
    Image.new("RGB", (16, 16), (10, 20, 30)).save(reference)
    given: dict[str, Any] = {"model": MODEL, "references": (str(reference),)}
    path = save(tmp_path / "edit.json", EDIT)
    job, event = run(journal, comfy.url, workflow=path, workflow_values=("grow.WIDTH=64",), **given)
    assert event.error is None and event.prepared is not None
    entry = journal.entry(job)
    assert entry is not None and entry.folder is not None and entry.cost_usd == entry.estimated_usd == 0
    image = Image.open(entry.folder / "image-1.png")
    assert (image.size, image.getpixel((0, 0))) == ((64, 32), (245, 235, 225))
    assert len(event.prepared.images) == 1  # what is saved counts, not what is only looked at
    assert any("takes no words" in text for text in event.prepared.warnings)
    # the image that came holds the workflow
    again = {"workflow": str(entry.folder / "image-1.png"), "workflow_values": ("Grow.height=32",)}
    job, event = run(journal, comfy.url, **again, **given)
    assert event.error is None and event.prepared is not None
    assert any("nothing was made" in text for text in event.prepared.warnings)
    assert not comfy.bills and "api_key_comfy_org" not in json.dumps(comfy.rows())


def test_a_titled_node_is_the_output(comfy: ComfyServer, journal: Journal, tmp_path: Path) -> None:
    reference = tmp_path / "red.png"
    Image.new("RGB", (16, 16), (10, 20, 30)).save(reference)
    path = save(tmp_path / "edit.json", titled(EDIT, n5="Output"))
    job, event = run(journal, comfy.url, model=MODEL, workflow=path, references=(str(reference),))
    assert event.error is None
    entry = journal.entry(job)
    assert entry is not None and entry.folder is not None
    assert Image.open(io.BytesIO((entry.folder / "image-1.png").read_bytes())).size == (16, 16)


def test_roles_find_prompt_seed_and_size_without_titles(tmp_path: Path) -> None:
    found = map_places(tmp_path / "paint.json", PAINT)
    assert found.places == {
        "prompt": [("6", "text")],
        "negative": [("7", "text")],
        "seed": [("3", "seed")],
        "width": [("5", "width")],
        "height": [("5", "height")],
    }
    assert ("prompt", ("6", "text")) in found.describe()


def test_a_text_for_both_is_the_prompt(tmp_path: Path) -> None:
    graph = {**PAINT, "7": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}}}
    found = map_places(tmp_path / "paint.json", graph)
    assert found.places["prompt"] == [("6", "text")] and "negative" not in found.places


def test_titles_go_before_roles(tmp_path: Path) -> None:
    found = map_places(tmp_path / "paint.json", titled(PAINT, n7="Prompt", n6="NEGATIVE"))
    assert (found.places["prompt"], found.places["negative"]) == ([("7", "text")], [("6", "text")])
    images = {name: {"class_type": "LoadImage", "inputs": {"image": "x.png"}} for name in ("20", "21", "22")}
    named = titled({**PAINT, **images}, n20="Depth", n21="reference 2", n22="Reference 1")
    found = map_places(tmp_path / "paint.json", named)
    assert found.places["depth"] == [("20", "image")]
    assert found.references == {1: ("22", "image"), 2: ("21", "image")}
    assert not map_places(tmp_path / "paint.json", {**PAINT, **images}).references  # nobody knows which


def test_several_prompts_without_titles_are_asked_about(tmp_path: Path) -> None:
    second = json.loads(json.dumps(PAINT["3"]))
    second["inputs"]["positive"] = ["11", 0]
    graph = {**PAINT, "10": second, "11": PAINT["6"]}
    with pytest.raises(InvalidRequestError, match="several nodes could take the prompt") as caught:
        map_places(tmp_path / "paint.json", graph)
    assert "title 'prompt'" in caught.value.next_step


@pytest.mark.parametrize(
    ("graph", "problem"),
    [
        ({"nodes": [], "links": []}, "format of ComfyUI's editor"),
        ([1, 2], "is no workflow"),
        ({"1": {"class_type": 3, "inputs": {}}}, "is no workflow"),
        ({}, "is no workflow"),
    ],
)
def test_foreign_files_are_refused_before_anything_is_asked(
    comfy: ComfyServer, journal: Journal, tmp_path: Path, graph: Any, problem: str
) -> None:
    with pytest.raises(InvalidRequestError, match=problem) as caught:
        start(journal, comfy.url, model=MODEL, workflow=save(tmp_path / "w.json", graph))
    assert caught.value.exit_code == 4 and not comfy.requests
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    with pytest.raises(InvalidRequestError, match="kept no workflow"):
        start(journal, comfy.url, model=MODEL, workflow=str(tmp_path / "plain.png"))


@pytest.mark.parametrize(
    ("changes", "values", "problem"),
    [
        ({"10": {"class_type": "MyNode", "inputs": {}}}, (), "does not have: MyNode"),
        ({"10": {"class_type": "OpenAIGPTImageNodeV2", "inputs": {}}}, (), "paid nodes"),
        ({}, (), "ckpt_name is 'a.safetensors', which this ComfyUI does not have"),
        ({}, ("KSampler.steps=0",), "does not take '0'; it takes 1 - 10000"),
        ({}, ("KSampler.sampler_name=none",), "does not take 'none'; it takes euler"),
        ({}, ("KSampler.nothing=1",), "has no input 'KSampler.nothing'; it has KSampler.seed"),
        ({}, ("CLIPTextEncode.text=a",), "several inputs 'CLIPTextEncode.text': 6.text, 7.text"),
    ],
)
def test_what_the_server_can_not_run_is_named_before_it_is_queued(
    comfy: ComfyServer, journal: Journal, tmp_path: Path, changes: Any, values: tuple[str, ...], problem: str
) -> None:
    path = save(tmp_path / "w.json", {**PAINT, **changes})
    _, event = run(journal, comfy.url, model=MODEL, workflow=path, workflow_values=values)
    assert isinstance(event.error, InvalidRequestError) and problem in event.error.message
    assert ("POST", "/prompt") not in comfy.requests and not comfy.files


def test_references_and_masks_need_a_place(comfy: ComfyServer, journal: Journal, tmp_path: Path) -> None:
    image = tmp_path / "red.png"
    Image.new("RGB", (64, 64), (10, 20, 30)).save(image)
    path = save(tmp_path / "w.json", EDIT)
    more = {"model": MODEL, "workflow": path}
    _, event = run(journal, comfy.url, references=(str(image), str(image)), **more)
    assert event.error is not None and "no place for reference 2" in event.error.message
    assert "title 'reference 2'" in event.error.next_step
    mask = tmp_path / "mask.png"
    drawn = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    drawn.paste((0, 0, 0, 0), (0, 0, 32, 64))
    drawn.save(mask)
    _, event = run(journal, comfy.url, references=(str(image),), mask=str(mask), size="64x64", **more)
    assert event.error is not None and "no place for the mask" in event.error.message
    assert ("POST", "/prompt") not in comfy.requests and not comfy.files


def test_each_value_is_queued_at_its_place(comfy: ComfyServer, journal: Journal, tmp_path: Path) -> None:
    loader = json.loads(json.dumps(comfy.classes["CheckpointLoaderSimple"]))
    loader["input"]["required"]["ckpt_name"][0] = ["a.safetensors", "b.safetensors"]
    comfy.classes["CheckpointLoaderSimple"] = loader
    paths = []
    for number in range(3):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.new("RGB", (16, 16), (80 * number, 0, 0)).save(paths[-1])
    images = {name: {"class_type": "LoadImage", "inputs": {"image": "x.png"}} for name in ("20", "21", "22")}
    inverted = {"30": {"class_type": "ImageInvert", "inputs": {"image": ["20", 0]}}}
    graph = titled({**PAINT, **images, **inverted}, n20="Depth", n21="reference 2", n22="Reference 1")
    _, event = run(
        journal,
        comfy.url,
        prompt="a wall",
        size="640x320",
        n=2,
        model=MODEL,
        workflow=save(tmp_path / "w.json", graph),
        workflow_values=("CheckpointLoaderSimple.ckpt_name=b.safetensors", "KSampler.cfg=2.5"),
        references=tuple(paths),
        reference_kinds=("style", "depth", "auto"),
        reference_labels=("the mood", "", ""),
    )
    assert event.error is not None and "can't run this node" in event.error.message  # and so is run once
    (sent,) = comfy.graphs
    values = {number: node["inputs"] for number, node in sent.items()}
    assert (values["6"]["text"], values["7"]["text"]) == ("a wall", "bad")  # no word of image 1
    assert (values["5"]["width"], values["5"]["height"]) == (640, 320)
    assert (values["4"]["ckpt_name"], values["3"]["cfg"]) == ("b.safetensors", 2.5)
    assert values["3"]["seed"] != 1 and values["3"]["positive"] == ["6", 0]
    shown = [Image.open(io.BytesIO(comfy.files["input", "", values[n]["image"]])) for n in ("22", "20", "21")]
    assert [image.getpixel((0, 0))[0] for image in shown] == [0, 80, 160]  # type: ignore[index]


def test_what_costs_nothing_leaves_no_doubt_about_a_bill(
    comfy: ComfyServer, journal: Journal, tmp_path: Path
) -> None:
    image = tmp_path / "red.png"
    Image.new("RGB", (16, 16), (10, 20, 30)).save(image)
    more = {"model": MODEL, "workflow": save(tmp_path / "w.json", EDIT), "references": (str(image),)}
    comfy.gate.clear()
    comfy.wait_running(comfy.queue_foreign())
    job, queue = start(journal, comfy.url, **more)
    wait_until(lambda: comfy.rows()["queue_pending"])
    comfy.restart()
    assert finish(queue).error is not None
    assert state_of(journal, job.id) == (JobState.FAILED, "no")


def test_a_killed_run_that_was_free_may_be_sent_again_and_is_found_again(
    comfy: ComfyServer, tmp_path: Path
) -> None:
    changes = {"model": MODEL, "workflow": save(tmp_path / "w.json", EDIT)}
    comfy.files["input", "", "example.png"] = comfy.files["input", "", "x.png"] = png()
    comfy.gate.clear()
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.comfyui.killed", tmp_path / "state", comfy.url, json.dumps(changes)],
        cwd=ROOT,
    )
    comfy.wait_running()
    child.kill()
    child.wait()
    found = open_journal(tmp_path / "state")
    (entry,) = found.entries(JobState.UNKNOWN)
    assert entry.billed == "no" and found.find_lost(digest_request(entry.request)) is None
    comfy.gate.set()
    job, event = run(found, comfy.url, **changes)  # nobody has to say that it may be sent again
    assert event.error is None and state_of(found, job)[0] is JobState.RECEIVED
    assert Worker(found, load_registry(), connect(comfy.url)).find_answer(entry)
    assert state_of(found, entry.id)[0] is JobState.RECEIVED
    found.close()


def test_the_same_path_with_another_workflow_is_another_request(journal: Journal, tmp_path: Path) -> None:
    from gpt_image_addon.core.request.request import GenerationRequest

    path = save(tmp_path / "w.json", EDIT)
    request = GenerationRequest("oak", provider="comfyui", model=MODEL, workflow=path)
    before = digest_request(request)
    save(tmp_path / "w.json", PAINT)
    assert digest_request(request) != before
