"""Edits of earlier results: from the command line, Python, manifests, operators and the panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.core.errors import InvalidRequestError
from tests.api_server import ApiServer
from tests.blender.conftest import Command

SMALL = ("--size", "816x816", "--quality", "low", "--target", "image")


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> Iterator[None]:
    api.close()
    yield
    api.close()


def sent_files(server: ApiServer) -> list[list[str]]:
    return [[file.sha256 for file in record.files] for record in server.image_requests]


def test_an_edit_from_the_command_line_knows_its_parent(
    run: Command, online: ApiServer, tmp_path: Path
) -> None:
    code, first = run("generate", "oak", *SMALL, "--n", "2")
    assert code == 0
    code, second = run("generate", "darker", *SMALL, "--edit-of", f"{first['job']}/2")
    assert code == 0
    assert list(map(len, sent_files(online))) == [0, 1]
    code, third = run("generate", "older", *SMALL, "--edit-of", first["job"])
    assert code == 0
    answer = json.loads(Path(second["images"][0]["file"]).with_name("answer.json").read_text())
    assert answer["application"]["edit_of"] == f"{first['job']}/2"
    assert answer["request"]["references"] == [first["images"][1]["file"]]
    code, tree = run("history", "--tree")
    assert [(row["job"], row["depth"], row["edit_of"]) for row in tree["jobs"]] == [
        (first["job"], 0, None),
        (second["job"], 1, f"{first['job']}/2"),
        (third["job"], 1, first["job"]),
    ]
    assert [version.job for version in api.versions(second["job"])] == [first["job"], second["job"]]
    assert api.versions(third["job"])[1].branches == (second["job"], third["job"])


def test_the_tree_is_indented(run: Command, capfd: pytest.CaptureFixture[str]) -> None:
    first = api.generate("oak", target="image", provider="offline", size="64x64")
    second = api.generate("ash", target="image", provider="offline", size="64x64", edit_of=first.job)
    from gpt_image_addon import cli

    capfd.readouterr()
    assert cli.main(["history", "--tree"]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert first.job in lines[0] and not lines[0].startswith(" ")
    assert second.job in lines[1] and lines[1].startswith("  ")


@pytest.mark.parametrize("edit_of", ["none", "../x", "none/0"])
def test_what_cannot_be_edited_is_refused_before_anything_is_sent(
    run: Command, online: ApiServer, edit_of: str
) -> None:
    code, output = run("generate", "darker", *SMALL, "--edit-of", edit_of)
    assert code == 4 and output["error"]["param"] == "edit_of" and output["error"]["billed"] == "no"
    assert not online.image_requests and not api.history().jobs
    code, output = run("estimate", "darker", "--edit-of", edit_of)
    assert code == 4 and output["error"]["param"] == "edit_of"
    with pytest.raises(InvalidRequestError):
        api.versions(edit_of)


def test_the_same_edit_is_the_same_request_whatever_it_is_called(run: Command, online: ApiServer) -> None:
    _, first = run("generate", "oak", *SMALL)
    _, second = run("generate", "darker", *SMALL, "--edit-of", first["job"])
    _, again = run(
        "generate", "darker", *SMALL, "--reference", first["images"][0]["file"], "--reuse", "--name", "x"
    )
    assert again["job"] == second["job"] and len(online.image_requests) == 2


def test_rows_of_a_manifest_edit_results(run: Command, online: ApiServer, tmp_path: Path) -> None:
    _, first = run("generate", "oak", *SMALL, "--n", "2")
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": "darker", "edit_of": [first["job"], f"{first['job']}/2"], "size": "816x816"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, output = run("batch", path, "--quality", "low")
    assert code == 0 and output["succeeded"] == 2, output
    assert sorted(len(files) for files in sent_files(online)) == [0, 1, 1]
    code, output = run("batch", path, "--quality", "low")
    assert output["skipped"] == 2 and len(online.image_requests) == 3
    forest = list(api.history_rows(tree=True))
    assert [row["depth"] for row in forest] == [0, 1, 1]
    path.write_text(json.dumps({"prompt": "darker", "edit_of": "none"}) + "\n")
    code, output = run("batch", path, "--quality", "low")
    assert code == 4 and "line 1" in output["error"]["message"] and len(online.image_requests) == 3


def test_the_operator_edits_a_result() -> None:
    first = api.generate("oak", target="image", provider="offline", size="64x64")
    more: dict[str, Any] = {"provider": "offline", "target": "image", "size": "64x64"}
    assert bpy.ops.gpt_image.generate(prompt="darker", edit_of=first.job, **more) == {"FINISHED"}
    assert [version.prompt for version in api.versions(first.job)] == ["oak", "darker"]
    with pytest.raises(RuntimeError, match="There is no job none"):
        bpy.ops.gpt_image.generate(prompt="darker", edit_of="none", **more)
