"""The providers, by name. Importing this loads none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..connection import Connection
    from .base import Provider

NEEDS_KEY = {"openai": True, "offline": False}


def make_provider(name: str, connection: Connection) -> Provider:
    """A provider that is ready to work.

    :raises ConfigurationError: there is none of that name.
    """
    if name == "openai":
        from .openai import OpenAIProvider

        return OpenAIProvider(connection)
    if name == "offline":
        from .offline import OfflineProvider

        return OfflineProvider()
    raise ConfigurationError(f"There is no provider '{name}'.", next_step="Use openai or offline.")
