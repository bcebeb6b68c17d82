"""Agents in this window: whoever the user lets in gets the same tools as everybody. Main thread only."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ...app import listeners, scheduler, session, settings
from ...core.errors import StorageError
from ...core.text.log import get_logger
from ...core.text.message import message
from ...core.text.redaction import describe_error, hide
from ..about import INSTRUCTIONS, server_info
from ..files import Folders
from ..tools import Toolbox
from .address import UNSAVED, Address, Notice
from .dispatcher import Dispatcher, SeenClient
from .http import Listener
from .posts import Inbox

log = get_logger(__name__)


class Agents:
    """The server of a window, from `let_in` to `send_away`."""

    def __init__(self) -> None:
        """
        :raises StorageError: the journal or a port can't be opened, or nobody could find the port.
        """
        inbox: Inbox = Inbox()
        self._toolbox = Toolbox(Folders())
        self._dispatcher = Dispatcher(
            self._toolbox.table(), inbox, info=server_info(), instructions=INSTRUCTIONS
        )
        self._blend = ""
        self._shown: tuple[SeenClient, ...] = ()
        loaded = settings.load(with_key=False)
        session.open_session(loaded)  # the user waits for the click, and no agent's call holds the window up
        self._notice = Notice(loaded.state_folder)
        try:
            self._listener = Listener(inbox)
        except OSError as error:
            self._notice.remove()
            problem = message(
                "No port can be opened on this machine: {problem}.", problem=describe_error(error)
            )
            raise StorageError(problem) from error
        hide(self._listener.token)
        self._publish()

    @property
    def address(self) -> str:
        """Where clients that speak HTTP go."""
        return self._listener.address

    @property
    def token(self) -> str:
        """What they show."""
        return self._listener.token

    def clients(self) -> tuple[SeenClient, ...]:
        """Who has said something lately, the newest first."""
        return self._dispatcher.clients()

    def step(self) -> None:
        """Let every open call get on."""
        windows = bpy.context.window_manager.windows
        self._publish()
        if bpy.context.window is None and windows:
            with bpy.context.temp_override(window=windows[0]):
                self._dispatcher.step()
        else:
            self._dispatcher.step()
        clients = self.clients()
        if clients != self._shown:
            self._shown = clients
            for callback in tuple(listeners):
                callback()

    def close(self) -> None:
        """Let nobody in any more; what is paid for arrives."""
        self._notice.remove()
        self._listener.close()
        self._toolbox.let_go()
        self._dispatcher.close()

    def _publish(self) -> None:
        """Say where this window is, by the name of the file that is open now."""
        blend = Path(bpy.data.filepath).name or UNSAVED
        if blend != self._blend:
            self._blend = blend
            self._notice.write(Address(os.getpid(), self._listener.port, self._listener.token, blend))


_open: Agents | None = None


def let_in() -> Agents:
    """Let agents in; whoever is in stays.

    :raises StorageError: no port can be opened, or nobody could find it.
    """
    global _open
    if _open is None:
        _open = Agents()
        scheduler.keep_asking(_step)
    return _open


def send_away() -> None:
    """Let nobody in any more."""
    global _open
    found, _open = _open, None
    if found is not None:
        found.close()


def current() -> Agents | None:
    """The server of this window; None while nobody is let in."""
    return _open


def _step() -> bool:
    """One tick; returns whether it was the last."""
    if _open is None:
        return True
    try:
        _open.step()
    except Exception:  # the timer serves others, too
        log.exception("What agents ask could not be answered")
    return False
