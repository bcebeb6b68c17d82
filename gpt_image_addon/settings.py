"""Settings from the environment, the add-on's preferences and defaults, as one plain value.

Works in a checkout too, where the add-on has no preferences.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from .core.connection import Connection, check_base_url, check_picture_fields, is_loopback
from .core.errors import ConfigurationError, MissingApiKeyError, OnlineAccessDisabledError
from .core.places import state_folder
from .core.providers import NEEDS_KEY
from .core.results import replace_file

PACKAGE = __package__ or "gpt_image_addon"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_CONCURRENCY = 4  # requests at once
KEY_VARIABLE = "OPENAI_API_KEY"
KEY_FILE = "api-key"


@dataclass(frozen=True)
class Settings:
    """What holds for every request."""

    provider: str = "openai"
    api_key: str = field(default="", repr=False)
    base_url: str = DEFAULT_BASE_URL
    organization: str = ""
    project: str = ""
    picture_fields: str = "brackets"
    """How several pictures of an edit are named, see `core.connection.PICTURE_FIELDS`."""
    state_folder: Path = field(default_factory=state_folder)
    monthly_budget_usd: float | None = None
    """None for no limit."""
    concurrency: int = DEFAULT_CONCURRENCY
    online_access: bool = False
    """Blender's own switch; loopback addresses do not need it."""

    def connection(self) -> Connection:
        """Where the API is and who calls it."""
        return Connection(self.base_url, self.api_key, self.organization, self.project, self.picture_fields)

    def check_provider(self, provider: str) -> None:
        """Whether a request to this provider may be sent at all.

        :raises ConfigurationError: no key, online access off, or a base URL that can't be used.
        """
        if not NEEDS_KEY.get(provider, False):
            return
        if not self.api_key:
            raise MissingApiKeyError("There is no API key.")
        check_base_url(self.base_url)
        check_picture_fields(self.picture_fields)
        if not self.online_access and not is_loopback(self.base_url):
            raise OnlineAccessDisabledError("Blender's online access is off.")


def load() -> Settings:
    """The settings as they are now. Main thread only.

    :raises ConfigurationError: a number in the environment is none.
    """
    found = preferences()
    environment = os.environ
    return Settings(
        provider=environment.get("GPT_IMAGE_PROVIDER") or "openai",
        api_key=environment.get(KEY_VARIABLE, "").strip() or stored_key(),
        base_url=environment.get("OPENAI_BASE_URL") or getattr(found, "base_url", "") or DEFAULT_BASE_URL,
        organization=environment.get("OPENAI_ORG_ID", "") or getattr(found, "organization", ""),
        project=environment.get("OPENAI_PROJECT_ID", "") or getattr(found, "project", ""),
        picture_fields=environment.get("GPT_IMAGE_PICTURE_FIELDS")
        or getattr(found, "picture_fields", "")
        or "brackets",
        monthly_budget_usd=_budget(environment.get("GPT_IMAGE_MONTHLY_BUDGET_USD"), found),
        concurrency=getattr(found, "concurrency", DEFAULT_CONCURRENCY),
        online_access=bool(bpy.app.online_access),
    )


def _budget(text: str | None, found: Any) -> float | None:
    if text:
        try:
            return float(text)
        except ValueError:
            raise ConfigurationError(
                f"GPT_IMAGE_MONTHLY_BUDGET_USD is '{text}', which is no number.",
                next_step="Set it to an amount in USD.",
            ) from None
    limit = getattr(found, "monthly_budget_usd", 0.0)
    return limit if limit > 0 else None


def preferences() -> Any:
    """The add-on's preferences; None in a checkout and under ``--factory-startup --addons``."""
    addon = bpy.context.preferences.addons.get(PACKAGE)
    return addon.preferences if addon is not None else None


def private_folder() -> Path:
    """A folder for what is neither paid for nor to be shared, such as the key."""
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE, create=True))
    except ValueError:  # a checkout is no extension
        return state_folder()


def stored_key() -> str:
    """The key that was entered in the preferences; empty where there is none.

    It lies in a file of its own, because preferences are kept in a file that everyone may read.
    """
    try:
        return (private_folder() / KEY_FILE).read_text("utf-8").strip()
    except OSError:
        return ""


def key_source() -> str:
    """Where the key comes from: ``environment``, ``file``, or empty where there is none."""
    if os.environ.get(KEY_VARIABLE, "").strip():
        return "environment"
    return "file" if stored_key() else ""


def has_key() -> bool:
    """Whether there is a key at all."""
    return bool(key_source())


def store_key(key: str) -> None:
    """Keep the key in a file that only this user may read; an empty one removes it.

    :raises StorageError: the file can't be written.
    """
    path = private_folder() / KEY_FILE
    if not key.strip():
        path.unlink(missing_ok=True)
        return
    replace_file(path, key.strip().encode(), mode=0o600)
