"""The pytest fixture of the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .server import ApiServer


@pytest.fixture
def api_server() -> Iterator[ApiServer]:
    """A fresh server for one test; the test fails if the server itself crashed."""
    with ApiServer() as server:
        yield server
    assert not server.crashes, "\n".join(server.crashes)
