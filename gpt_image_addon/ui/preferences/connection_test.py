"""What came of the last test of the connection to each provider's server."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from ... import api
from ...core.errors import GptImageError
from ...core.request.providers import DEFAULT_PROVIDER
from ...core.text.message import Message
from ..common import state


@dataclass
class ConnectionTest:
    """Of the last test of a provider's server."""

    text: str = ""
    """One sentence; empty before the first test."""
    icon: str = "INFO"


@dataclass
class ConnectionTests:
    """By provider."""

    by_provider: dict[str, ConnectionTest] = field(default_factory=dict)


def test(provider: str = DEFAULT_PROVIDER) -> None:
    """Ask the server of a provider, in a thread; the outcome changes when it has answered.

    :raises GptImageError: nothing may be sent.
    """
    shown = outcome(provider)
    shown.text, shown.icon = Message("Asking the server"), "TIME"
    api.describe_server(partial(_show_answer, shown), provider)


def outcome(provider: str = DEFAULT_PROVIDER) -> ConnectionTest:
    """What came of the last test, as it is now."""
    return state.part(ConnectionTests).by_provider.setdefault(provider, ConnectionTest())


def _show_answer(shown: ConnectionTest, told: str | None, error: GptImageError | None) -> None:
    if error is not None:
        shown.text, shown.icon = error.text, "ERROR"
    else:
        shown.text, shown.icon = told or "", "CHECKMARK"
