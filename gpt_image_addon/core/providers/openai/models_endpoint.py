"""Asking a server which models it has: free, and so the test whether key and address are right."""

from __future__ import annotations

from ...errors import InvalidResponseError
from ...http.client import send
from ...http.endpoint import Connection
from ...http.request_state import RequestState
from ...text.json_reader import parse_json
from .errors import error_from

MODELS = "/models"
TIMEOUT = (10.0, 20.0)  # seconds to connect, and without a byte
SECONDS = 60.0  # for the whole answer: somebody waits for it


def list_models(connection: Connection) -> list[str]:
    """The ids of the server's models.

    :raises APIError: no connection, or the server refuses.
    """
    reply = send(connection, "GET", MODELS, RequestState(SECONDS), timeout=TIMEOUT)
    error = error_from(reply, "")
    if error is not None:
        raise error
    try:
        return [row["id"] for row in parse_json(reply.body)["data"]]
    except (ValueError, TypeError, KeyError) as broken:
        raise InvalidResponseError(
            "The server's answer is no list of models.",
            next_step="Check the base URL in the preferences.",
            billed="no",
        ) from broken
