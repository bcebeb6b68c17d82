"""The providers, by name. Importing this loads none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..text.message import message

if TYPE_CHECKING:
    from ..http.endpoint import Connection
    from .base import Provider


@dataclass(frozen=True)
class ProviderInfo:
    """A row of the table of providers."""

    module: str
    """Below this package; loaded when the first request is sent."""
    factory: str
    """Its class in there, made with the connection."""
    needs_key: bool
    is_paid: bool
    """Its requests go to a server that sends a bill."""


PROVIDERS: Mapping[str, ProviderInfo] = {
    "openai": ProviderInfo(".openai.client", "OpenAIProvider", needs_key=True, is_paid=True),
    "offline": ProviderInfo(".offline.provider", "OfflineProvider", needs_key=False, is_paid=False),
}


def make_provider(name: str, connection: Connection) -> Provider:
    """A provider that is ready to work.

    :raises ConfigurationError: there is none of that name.
    """
    info = PROVIDERS.get(name)
    if info is None:
        raise ConfigurationError(
            message("There is no provider '{provider}'.", provider=name),
            next_step=message("Use {names}.", names=" or ".join(PROVIDERS)),
        )
    provider: Provider = getattr(import_module(info.module, __name__), info.factory)(connection)
    return provider
