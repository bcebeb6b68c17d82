"""A bundle for a bug report: what helps to find the fault, and nothing that is private."""

from __future__ import annotations

import io
import json
import os
import platform
import sys
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import bpy

from ...core.common.package import FOLDER, PACKAGE
from ...core.common.paths import state_folder
from ...core.errors import GptImageError
from ...core.request.providers import PROVIDERS, list_settings
from ...core.text.redaction import Redaction, describe_error, hide, without_words
from .. import settings

if TYPE_CHECKING:
    from ...core.journal.journal import Entry
    from ...core.results.output_files import Outputs
    from .checks import Check

SHOWN_JOBS = 50  # the newest
MANIFEST = FOLDER / "blender_manifest.toml"
OURS = ("OPENAI_", "COMFY_", "GPT_IMAGE_")
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
SECRETS = (
    "OPENAI_API_KEY",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    *(info.own_key for info in PROVIDERS.values()),
)
LEFT_OUT = ("prompt", "references", "reference_labels", "mask", "markup", "points", "safety_identifier")
"""Parameters of a request that are the user's own."""
README = """\
This is a report of GPT Image for Blender, written by `doctor --report`.

report.json holds versions, settings, checks, and the newest jobs with their errors. The key, addresses of
proxies, images and the paths of your files are not in it. {prompts}
Have a look before you pass it on.
"""


def write_report(
    path: Path, checks: Sequence[Check], outputs: Outputs, *, with_prompts: bool = False
) -> Path:
    """Write the bundle, a zip.

    :param checks: what `checks.checks` found.
    :param with_prompts: let the prompts of the jobs be in it.
    :raises InvalidRequestError: something else has its name.
    :raises StorageError: it can't be written.
    """
    entries, by_state, trouble = _journal()
    found: dict[str, Any] = {
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "extension": _section(_version),
        "blender": _section(_blender),
        "system": _section(_system),
        "settings": _section(_settings),
        "environment": _section(_list_variables),
        "checks": [check.to_dict() for check in checks],
        "journal": trouble or by_state,
        "jobs": [_job(entry, with_prompts) for entry in entries],
    }
    text = json.dumps(
        _redaction(entries, with_prompts).value(found), indent=2, ensure_ascii=False, default=str
    )
    prompts = "Prompts are in it, as you asked." if with_prompts else "Prompts are not in it either."
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README.format(prompts=prompts))
        archive.writestr("report.json", text + "\n")
    outputs.write(path, stream.getvalue(), "")
    return path


def _section(look: Callable[[], Any]) -> Any:
    """A part of the report; what is broken is what the report is for, so it says why."""
    try:
        return look()
    except GptImageError as error:
        return error.to_dict()
    except Exception as error:
        return describe_error(error)


def _redaction(entries: Sequence[Entry], with_prompts: bool) -> Redaction:
    with suppress(GptImageError):  # settings that can't be read are what a report may be about
        found = settings.load()
        for secret in (found.api_key, found.organization, found.project, *found.keys.values()):
            hide(secret)
    for name in SECRETS:
        hide(os.environ.get(name, ""))
    with suppress(GptImageError):
        hide(settings.stored_key())
    words: list[str] = []
    files: list[str] = []
    for entry in entries:
        request, application = entry.request, entry.application
        paths = [*request.files, application.textures_dir, application.export_dir]
        files += [path for path in paths if path]
        words += [*request.reference_labels, *filter(None, (application.name, application.object_name))]
        words += () if with_prompts else (request.prompt,)
        words += [sentence for _, _, sentence in request.points]
    folders: dict[str, Path] = {}
    with suppress(RuntimeError, GptImageError):  # a user without a home
        folders["<state folder>"] = state_folder()
        folders["~"] = Path.home()
    return Redaction(folders, words, files, _find_names())


def _find_names() -> dict[str, str]:
    """What the user and this computer are called."""
    users = {os.environ.get(name, "") for name in ("USER", "USERNAME", "LOGNAME")}
    with suppress(RuntimeError):  # a user without a home
        users.add(Path.home().name)
    return {platform.node(): "<computer>"} | dict.fromkeys(users, "<user>")


def _journal() -> tuple[list[Entry], dict[str, int], Any]:
    """The newest jobs, how many there are in each state, and why that can't be said."""
    from ...core.journal.reader import JournalReader

    try:
        with closing(JournalReader(state_folder())) as journal:
            return journal.newest(SHOWN_JOBS), journal.count_states(), None
    except GptImageError as error:
        return [], {}, error.to_dict()


def _version() -> str:
    if not MANIFEST.is_file():
        return "a checkout"
    return str(tomllib.loads(MANIFEST.read_text("utf-8"))["version"])


def _blender() -> dict[str, Any]:
    return {
        "version": bpy.app.version_string,
        "build_hash": bpy.app.build_hash.decode(),
        "background": bpy.app.background,
        "module": PACKAGE,
        "addons": sorted(bpy.context.preferences.addons.keys()),
    }


def _system() -> dict[str, str]:
    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "python": sys.version,
    }


def _settings() -> dict[str, Any]:
    found = settings.load()
    address = urlsplit(found.base_url)
    return {
        "provider": found.provider,
        "key": settings.key_source() or "none",
        "base_url": f"{address.scheme}://{address.hostname}{address.path}",
        "organization": bool(found.organization),
        "project": bool(found.project),
        "monthly_budget_usd": found.monthly_budget_usd,
        "max_cost_usd": found.max_cost_usd,
        "concurrency": found.concurrency,
        "online_access": found.online_access,
    }


def _list_variables() -> list[str]:
    """Names only: values may be secret."""
    told = {setting.variable for setting in list_settings()}
    return sorted(
        name for name in os.environ if name.startswith(OURS) or name.upper() in NETWORK or name in told
    )


def _job(entry: Entry, with_prompts: bool) -> dict[str, Any]:
    from ...core.journal.history import row

    request = entry.request
    values = {name: value for name, value in request.to_dict().items() if name not in LEFT_OUT}
    images = {
        "references": len(request.references),
        "mask": request.mask is not None,
        "markup": request.markup is not None,
    }
    told = row(entry)
    if not with_prompts:
        del told["prompt"]
        message = (entry.error or {}).get("message")
        if isinstance(message, str):
            told["error"] = {**(entry.error or {}), "message": without_words(message, request.prompt)}
    return {**told, "request": values, "pictures": images, "usage": entry.usage}
