"""Connecting so that it can be given up at any moment: also while a name is looked up or nobody answers."""

from __future__ import annotations

import errno
import ipaddress
import os
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

POLL_INTERVAL = 0.05  # seconds between looks at whether to give up
_IN_PROGRESS = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN)

Check = Callable[[], None]
Address = tuple[Any, ...]


def open_connection(
    host: str, port: int, timeout: float, options: Iterable[tuple[int, int, int]], check: Check
) -> socket.socket:
    """A connected TCP socket.

    :param timeout: seconds for each address of the host; also set on the socket.
    :param options: arguments for `setsockopt`.
    :param check: called every `POLL_INTERVAL`; raises to give up.
    :raises TimeoutError: nobody answered.
    :raises OSError: no such host, or the connection was refused.
    """
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in _resolve(host.strip("[]"), port, timeout, check):
        connected = socket.socket(family, kind, protocol)
        try:
            for option in options:
                connected.setsockopt(*option)
            _connect(connected, address, timeout, check)
            connected.settimeout(timeout)
            return connected
        except OSError as error:
            connected.close()
            failure = error
        except BaseException:
            connected.close()
            raise
    raise failure


def _resolve(host: str, port: int, timeout: float, check: Check) -> list[tuple[Any, ...]]:
    if _is_number(host):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found: queue.SimpleQueue[list[tuple[Any, ...]] | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    # The system's resolver can't be interrupted; a thread of its own can be left behind.
    threading.Thread(target=look_up, name="gpt-image-resolver", daemon=True).start()
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        check()
        try:
            outcome = found.get(timeout=POLL_INTERVAL)
        except queue.Empty:
            continue
        if isinstance(outcome, UnicodeError):
            raise OSError(f"{host} is no name of a host")
        if isinstance(outcome, OSError):
            raise outcome
        return outcome
    raise TimeoutError(f"{host} was not found in time")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _connect(connecting: socket.socket, address: Address, timeout: float, check: Check) -> None:
    connecting.setblocking(False)
    _raise_for(connecting.connect_ex(address), _IN_PROGRESS)
    deadline = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        selector.register(connecting, selectors.EVENT_WRITE)
        while not selector.select(POLL_INTERVAL):
            check()
            if time.monotonic() > deadline:
                raise TimeoutError("nobody answered in time")
    _raise_for(connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def _raise_for(code: int, fine: tuple[int, ...] = (0,)) -> None:
    if code not in fine:
        raise OSError(code, os.strerror(code))
