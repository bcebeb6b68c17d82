"""Connections for `requests` that tell an `Exchange` what happens to them, and that can be given up."""

from __future__ import annotations

import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from .exchange import Exchange
from .sockets import open_connection


class _Watched:
    """Mixed into urllib3's connections by `WatchedAdapter`: tells the exchange what happens."""

    exchange: Exchange
    send_timeout: float

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.exchange.watch(self.sock)  # type: ignore[attr-defined]
        # urllib3 gives the whole upload no longer than a connection may take.
        self.sock.settimeout(self.send_timeout)  # type: ignore[attr-defined]

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)  # type: ignore[misc]
        self.exchange.body_sent = True


class _Interruptible(_Watched):
    """For connections without a special way to be made, which SOCKS has."""

    def _new_conn(self) -> socket.socket:
        own: Any = self
        try:
            connected = open_connection(
                own._dns_host, own.port, own.timeout, own.socket_options or (), self.exchange.check
            )
        except TimeoutError as error:
            raise ConnectTimeoutError(own, f"Connecting to {own.host} timed out") from error
        except OSError as error:
            raise NewConnectionError(own, f"Connecting to {own.host} failed: {error}") from error
        self.exchange.watch(connected)
        return connected


class WatchedAdapter(HTTPAdapter):
    """Makes the connections of one exchange watched ones, also behind a proxy."""

    def __init__(self, exchange: Exchange, send_timeout: float) -> None:
        self.exchange = exchange
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
        return type(
            "Connection", (mixin, base), {"exchange": self.exchange, "send_timeout": self.send_timeout}
        )
