"""Connections for `requests` that tell an `RequestState` what happens to them, and that can be given up."""

from __future__ import annotations

import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from .bounded_response import BoundedResponse
from .request_state import RequestState
from .sockets import open_connection


class _Watched:
    """Mixed into urllib3's connections by `WatchedAdapter`: tells the exchange what happens."""

    adapter: WatchedAdapter
    sock: socket.socket | None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._watch()

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:  # used before, by another exchange
            self._watch()
        super().request(*args, **kwargs)  # type: ignore[misc]
        self.adapter.request_state.body_sent = True

    def response_class(self, connected: socket.socket, **options: Any) -> BoundedResponse:
        """What reads an answer; `http.client` calls this."""
        request_state = self.adapter.request_state
        request_state.response = BoundedResponse(connected, request_state.allowance, **options)
        return request_state.response

    def _watch(self) -> None:
        assert self.sock is not None
        self.adapter.request_state.watch(self.sock)
        # urllib3 gives the whole upload no longer than a connection may take.
        self.sock.settimeout(self.adapter.send_timeout)


class _Interruptible(_Watched):
    """For connections without a special way to be made, which SOCKS has."""

    def _new_conn(self) -> socket.socket:
        own: Any = self
        request_state = self.adapter.request_state
        try:
            connected = open_connection(
                own._dns_host, own.port, own.timeout, own.socket_options or (), request_state.check
            )
        except TimeoutError as error:
            raise ConnectTimeoutError(own, f"Connecting to {own.host} timed out") from error
        except OSError as error:
            raise NewConnectionError(own, f"Connecting to {own.host} failed: {error}") from error
        request_state.watch(connected)
        return connected


class WatchedAdapter(HTTPAdapter):
    """Makes connections watched ones, also behind a proxy. Serves one exchange at a time."""

    def __init__(self, request_state: RequestState, send_timeout: float) -> None:
        self.request_state = request_state
        """The one that runs."""
        self.send_timeout = send_timeout
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return self._watch(super().proxy_manager_for(*args, **kwargs))

    def _watch(self, manager: Any) -> Any:
        manager.pool_classes_by_scheme = {
            scheme: type("Pool", (pool,), {"ConnectionCls": self._connection_class(pool.ConnectionCls)})
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }
        return manager

    def _connection_class(self, base: type) -> type:
        if issubclass(base, _Watched):
            return base
        plain = base._new_conn is HTTPConnection._new_conn  # type: ignore[attr-defined]
        mixin = _Interruptible if plain else _Watched
        return type("Connection", (mixin, base), {"adapter": self})
