"""What is wrong with an installation, found without sending anything."""

from __future__ import annotations

import errno
import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import bpy

from ...core.common.paths import state_folder
from ...core.errors import MESSAGE_LIMIT, GptImageError, StorageError
from ...core.http.endpoint import show_url
from ...core.request.providers import PROVIDERS, ProviderInfo, find_provider
from ...core.text.message import message
from ...core.text.redaction import describe_error, show
from .. import settings


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    text: str

    def to_dict(self) -> dict[str, object]:
        """Its JSON object."""
        return {"name": self.name, "ok": self.ok, "text": self.text}


def checks() -> list[Check]:
    """Everything, in the order in which it must work."""
    return [_check(name, look) for name, look in _looks()]


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, show(look(), MESSAGE_LIMIT))
    except GptImageError as error:
        return Check(name, False, error.text)
    except Exception as error:
        return Check(name, False, describe_error(error))


def _blender() -> str:
    return f"{bpy.app.version_string}, {'background' if bpy.app.background else 'with a window'}"


def _module(name: str) -> Callable[[], str]:
    return lambda: str(importlib.import_module(name).__version__)


def _journal() -> str:
    import sqlite3

    from ...core.journal.reader import JournalReader
    from ...core.journal.schema import JOURNAL_FILE

    folder = settings.load().state_folder
    with closing(JournalReader(folder)) as journal:
        spent = journal.spent_usd()
    nearest = next(path for path in (folder / JOURNAL_FILE, folder, *folder.parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        raise StorageError(
            message(
                "The state folder {folder} can't be written: {reason}.",
                folder=folder,
                reason=os.strerror(errno.EACCES),
            ),
            next_step="Set GPT_IMAGE_DATA_DIR to another folder.",
        )
    return f"{folder}, sqlite {sqlite3.sqlite_version}, ${spent:.4f} spent this month"


def _provider(name: str, info: ProviderInfo) -> str:
    found = settings.load()
    if info.needs_key and not find_provider(found.provider).needs_key and not found.api_key:
        return f"not needed: the provider is {found.provider}"
    found.check_provider(name)
    told = f"requests go to {show_url(found.server_of(name))}"
    if info.own_key:
        has_key = settings.key_source_of(name)
        return f"{told}; {'a' if has_key else 'no'} key of a {info.key_label} is there"
    if not info.needs_key:
        return told
    told = f"a key is there; {told}"
    return f"{told}. {note}" if (note := settings.find_key().note) else told


def _network() -> str:
    from ...core.http.proxy import check_route

    proxy = check_route(settings.base_url(), settings.proxy())
    return f"through the proxy {proxy.shown}" if proxy.url else "no proxy"


def _models() -> str:
    from ...core.request.models import TABLE_FILE, load_registry

    return f"{len(load_registry(state_folder() / TABLE_FILE).models)} models"


def _styles() -> str:
    from ...core.request.styles import all_styles

    return f"{len(all_styles())} styles"


def _workflows() -> str:
    from ...core.workflows.library import kept_workflows

    return f"{len(kept_workflows())} workflows are kept"


def _websocket() -> str:
    try:
        return str(importlib.import_module("websocket").__version__)
    except ImportError:
        return "not there: ComfyUI tells no steps, previews and prices; nothing else needs it"


def _looks() -> Iterator[tuple[str, Callable[[], str]]]:
    """Name of each check, and what looks."""
    yield "blender", _blender
    for name, module in (("numpy", "numpy"), ("pillow", "PIL"), ("requests", "requests")):
        yield name, _module(module)
    yield "websocket", _websocket
    yield "journal", _journal
    yield "network", _network
    for name, info in PROVIDERS.items():
        if info.address:
            yield name, partial(_provider, name, info)
    yield "models", _models
    yield "styles", _styles
    yield "workflows", _workflows
