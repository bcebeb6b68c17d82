"""A whole run with keys, prompts and servers of every kind: what may be told is told, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gpt_image_addon import api, cli
from gpt_image_addon.app import session, settings
from gpt_image_addon.core.imaging.formats import load_upload
from gpt_image_addon.core.imaging.image_metadata import strip_metadata
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.body_file import BodyFile
from gpt_image_addon.core.results.folders import BODY_FILE
from tests.api_server import ApiServer, faults
from tests.blender.conftest import Command

KEY = "plainKey0123abcXYZ789"
"""Not one that looks like a key."""
ASK = ("--target", "image", "--quality", "low")
ROOT = Path(__file__).resolve().parents[2]


def everything_kept(folder: Path) -> dict[str, str]:
    """All files of the state folder as text."""
    return {path.name: path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "key",
    [f"{KEY[:9]}\u200b{KEY[9:]}", f"{KEY}\u2019", f"{KEY[:9]}\n{KEY[9:]}", f"Bearer {KEY[:9]} {KEY[9:]}"],
)
@pytest.mark.parametrize("streamed", [(), ("--partial-images", "1")])
def test_a_key_that_no_header_takes_is_told_nowhere(
    online: ApiServer,
    run: Command,
    key: str,
    streamed: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    code, output = run("generate", "a red wall", *ASK, *streamed, "-v")
    told = json.dumps(output) + "".join(capfd.readouterr())
    assert (code, output["error"]["code"], output["error"]["billed"]) == (3, "bad_key", "no")
    assert "OPENAI_API_KEY" in output["error"]["message"] and not online.requests
    code, output = run("doctor", "--report", tmp_path / "report.zip")
    told += json.dumps(output) + "".join(capfd.readouterr())
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        told += "".join(archive.read(name).decode() for name in archive.namelist())
    assert code == 3
    kept = everything_kept(tmp_path / "state")
    for piece in (KEY[:7], KEY[9:17], KEY[-6:]):
        assert piece not in told and not [name for name, text in kept.items() if piece in text]


def test_a_bad_key_stops_nothing_that_needs_none(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-\u200bx")
    offline = ("--provider", "offline", "--size", "64x64", "--target", "image")
    assert run("generate", "ice", *offline)[0] == 0
    assert run("history")[0] == 0


@pytest.mark.parametrize("name", ["OPENAI_ORG_ID", "OPENAI_PROJECT_ID"])
def test_ids_are_checked_as_well(
    online: ApiServer, run: Command, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "org-\u0430bc")
    code, output = run("generate", "a red wall", *ASK)
    assert (code, output["error"]["code"]) == (3, "bad_id") and name in output["error"]["message"]
    assert not online.requests
    monkeypatch.setenv(name, ' "id-1"\n')
    run("generate", "a red wall", *ASK)
    assert "id-1" in online.requests[-1].headers.values()


@pytest.mark.parametrize("dirt", [" {} ", '"{}"', "{}\n", "\ufeff{}"])
def test_an_address_without_what_came_along(
    online: ApiServer, run: Command, dirt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", dirt.format(online.base_url))
    assert run("generate", "a red wall", *ASK)[0] == 0


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:99999/v1", "http://127.0.0.1:x/v1", "http://127.0\n.0.1/v1", "http://[::1", "/v1"],
)
def test_an_address_that_is_none(
    online: ApiServer, run: Command, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    code, output = run("generate", "a red wall", *ASK)
    assert (code, output["error"]["code"]) == (3, "bad_base_url")


def test_a_key_that_a_server_repeats_is_stored_nowhere(
    online: ApiServer, run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even after another key has taken its place."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    online.options.api_key = KEY
    repeated = f"the key {KEY} of yours"
    online.script(
        faults.error(
            "invalid_value",
            message=repeated,
            body={"code": f"bad_{KEY}", "param": KEY},
            headers={"x-request-id": f"req_{KEY}"},
        )
    )
    code, output = run("generate", "a red wall", *ASK)
    assert code == 4
    told = json.dumps(output)
    monkeypatch.setenv("OPENAI_API_KEY", "another-key-entirely")
    told += json.dumps(run("history")[1])
    run("doctor", "--report", tmp_path / "report.zip")
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        told += "".join(archive.read(name).decode() for name in archive.namelist())
    kept = everything_kept(tmp_path / "state")
    assert KEY[4:16] not in told
    assert not [name for name, text in kept.items() if KEY[4:16] in text]


def report(path: Path) -> tuple[str, dict[str, Any]]:
    cli.main(["doctor", "--report", str(path), "-q"])
    with zipfile.ZipFile(path) as archive:
        text = archive.read("report.json").decode()
    return text, json.loads(text)


QUOTES = (
    "Your prompt 'a velvet octopus for Project Night...' was rejected.",
    "A VELVET  OCTOPUS for project nightingale is not allowed",
    "Blocked: a\u200bvelvet octo pus for Project",
    "The word Nightingale is protected.",
    "q=a%20velvet%20octopus%20for%20Project",
    "unreleased product.png is too dark; UNRELEASED PRODUCT shows it",
)


@pytest.mark.parametrize("quote", QUOTES)
def test_a_prompt_that_a_server_quotes_in_part_is_in_no_report(
    online: ApiServer, run: Command, quote: str, tmp_path: Path
) -> None:
    reference = tmp_path / "unreleased product.png"
    Image.new("RGB", (64, 64), "red").save(reference)
    online.script(faults.error("invalid_value", message=quote))
    prompt = "a velvet octopus for Project Nightingale"
    assert run("generate", prompt, "--reference", reference, *ASK)[0] == 4
    text, found = report(tmp_path / "report.zip")
    for word in ("velvet", "octopus", "octo pus", "nightingale", "unreleased product.png"):
        assert word not in text.lower()
    assert found["jobs"][0]["error"]["code"] and "The server refused" in text


def test_short_prompts_do_not_spoil_the_report(
    online: ApiServer, run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER", "blender")  # as the user of a farm may be called
    assert run("generate", "ice", *ASK)[0] == 0
    text, found = report(tmp_path / "report.zip")
    assert "<prompt>" not in text and found["jobs"][0]["request"] and "version" in found["blender"]


def test_what_goes_up_tells_nothing_but_the_image(online: ApiServer, run: Command, tmp_path: Path) -> None:
    path = tmp_path / "Project Nightingale.jpg"
    secret = Image.Exif()
    secret[0x013B] = "Ada Lovelace"
    Image.new("RGB", (64, 64), "red").save(path, exif=secret.tobytes(), comment=b"51.5N 0.1W")
    assert run("generate", "a red wall", "--reference", path, *ASK)[0] == 0
    (sent,) = online.image_requests[-1].files
    assert sent.filename == "image-1.jpeg" and sent.size < path.stat().st_size
    plain = load_upload(path)
    assert sent.sha256 == hashlib.sha256(strip_metadata(plain.data) or b"").hexdigest()
    assert b"Ada" in path.read_bytes() and b"Ada" not in (strip_metadata(plain.data) or b"Ada")


def command(*argv: object, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """A command of its own process, whose arguments and streams are bytes."""
    names = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "GPT_IMAGE_PROVIDER"}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [sys.executable, "-m", "gpt_image_addon", *map(os.fsencode, map(str, argv))],
        capture_output=True,
        cwd=ROOT,
        env={**kept, **variables},
        timeout=120,
        check=False,
    )


DRAFT = ("--provider", "offline", "--size", "64x64", "--target", "image", "--json")


@pytest.mark.bpy_module
def test_letters_that_the_terminal_lacks(tmp_path: Path) -> None:
    done = command("generate", "木 wall 🎨", *DRAFT, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    output = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0 and output["images"][0]["name"].startswith("木 wall")
    assert b"\\u6728 wall" in done.stderr


@pytest.mark.bpy_module
@pytest.mark.skipif(sys.platform != "linux", reason="arguments are text elsewhere")
def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    done = command("generate", "caf\udce9 wall", *DRAFT)
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert (done.returncode, error["code"], error["param"]) == (4, "bad_text", "prompt")
    state = tmp_path / "st\udce9"
    done = command("generate", "ice", *DRAFT, GPT_IMAGE_DATA_DIR=str(state))
    assert done.returncode == 0
    file = json.loads(done.stdout.splitlines()[-1])["images"][0]["file"]
    assert Path(file).is_file() and Path(file).is_relative_to(state)


@pytest.mark.parametrize("name", ["prompt", "name", "style", "object_name", "references", "textures_dir"])
@pytest.mark.parametrize("dirt", ["\ud83c", "\x00"])
def test_half_characters_are_refused_at_the_door(
    online: ApiServer, name: str, dirt: str, tmp_path: Path
) -> None:
    from gpt_image_addon import api
    from gpt_image_addon.core.errors import InvalidRequestError

    values: dict[str, Any] = {"prompt": "a wall", "quality": "low", "target": "image"}
    values[name] = [f"a{dirt}"] if name == "references" else f"a{dirt}"
    with pytest.raises(InvalidRequestError) as caught:
        api.generate(**values)
    assert caught.value.param in (name, "style") and not online.requests


def test_words_of_the_terminal_do_not_steer_it(
    run: Command, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = "red\x1b[2J wall\x07 \u202egnp.exe \x9b31m"
    run("generate", prompt, *DRAFT[:-1])
    capfd.readouterr()
    assert cli.main(["history", "--json"]) == 0
    out, err = capfd.readouterr()
    assert not set("\x1b\x07\u202e\x9b") & set(out + err)
    assert json.loads(out)["jobs"][0]["prompt"] == prompt


def test_settings_of_a_session_are_checked_too(online: ApiServer) -> None:
    from gpt_image_addon.core.errors import ConfigurationError

    with settings.override(api_key=f" {online.api_key}\n"):
        assert settings.load().api_key == online.api_key
    with (
        settings.override(api_key="a\u2019b"),
        pytest.raises(ConfigurationError, match="The key can't be used"),
    ):
        settings.load().check_provider("openai")


def test_a_kept_body_hides_the_key_whoever_opened_the_journal(
    online: ApiServer,
) -> None:
    """A price was asked for, or somebody looked back: neither needs the key."""
    api.close()
    found = settings.load(with_key=False)
    request = GenerationRequest(prompt="oak", provider="openai", model="gpt-image-2")
    with closing(Journal(found.state_folder)) as gone:
        gone.reserve("sent", request, Application(), "digest", 0.5)
        gone.sending("sent")
        body = BodyFile(gone.results, "sent")
        body.write(b'{"you sent": "' + online.api_key.encode() + b'"}')
        body.keep()
    session.open_session(found)
    (left,) = found.state_folder.glob(f"results/*/*/{BODY_FILE}")
    assert online.api_key.encode() not in left.read_bytes()
