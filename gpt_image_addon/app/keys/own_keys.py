"""The key of a provider that has one of its own: of the environment, else the one that was entered.

An entered one lies in the keychain or in a private file, never in Blender's preferences.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from ...core.common import keychain
from ...core.common.credentials import check_key, unwrap
from ...core.common.files import read_file, replace_file
from ...core.errors import ConfigurationError
from ...core.request.providers import PROVIDERS
from ...core.text.redaction import hide

KEY_BYTES = 65536  # more than any key, as which a larger file can't be meant


def _file(provider: str, folder: Path) -> Path:
    return folder / f"{provider}-key"


def _mark(provider: str, folder: Path) -> Path:
    """An empty file that says that the key is in the keychain, so that asking does not open it."""
    return folder / f"{provider}-key-in-keychain"


@lru_cache(maxsize=8)
def _find_stored(provider: str, folder: Path) -> tuple[str, str]:
    try:
        found = read_file(_file(provider, folder), KEY_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        found = ""
    if key := unwrap(found):
        return "file", key
    return ("keychain", "") if _mark(provider, folder).exists() else ("", "")


@lru_cache(maxsize=8)
def _read_keychain(provider: str) -> str:
    return keychain.read(provider)


def find_source(provider: str, folder: Path) -> str:
    """Where the key is: ``environment``, ``keychain``, ``file``, or empty where there is none.

    :param folder: where private files are kept.
    """
    variable = PROVIDERS[provider].own_key
    return "environment" if unwrap(os.environ.get(variable, "")) else _find_stored(provider, folder)[0]


def read_key(provider: str, folder: Path, *, with_keychain: bool) -> str:
    """The key as it stands there; empty where there is none. No text shows it from now on.

    :param with_keychain: open the keychain, where it is kept there.
    """
    source = find_source(provider, folder)
    if source == "environment":
        key = os.environ[PROVIDERS[provider].own_key]
    elif source == "keychain":
        key = _read_keychain(provider) if with_keychain else ""
    else:
        key = _find_stored(provider, folder)[1]
    try:
        hide(check_key(key).value)
    except ConfigurationError:
        hide(unwrap(key))
    return key


def store_key(provider: str, key: str, folder: Path, place: str = "file") -> None:
    """Keep a key where only this user may read it; an empty one is forgotten.

    :param place: ``keychain`` or ``file``.
    :raises StorageError: the file can't be written.
    :raises ConfigurationError: the keychain refuses, or no header takes the key.
    """
    key = check_key(key).value
    file, mark = _file(provider, folder), _mark(provider, folder)
    if key and place == "keychain":
        keychain.store(key, provider)
        replace_file(mark, b"", mode=0o600)
        file.unlink(missing_ok=True)
    else:
        if mark.exists():
            keychain.forget(provider)
            mark.unlink(missing_ok=True)
        if key:
            replace_file(file, key.encode(), mode=0o600)
        else:
            file.unlink(missing_ok=True)
    _find_stored.cache_clear()
    _read_keychain.cache_clear()
