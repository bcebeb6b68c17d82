"""A process beside this one that does heavy work while somebody looks at a window.

Python runs one thread at a time: a thread that decodes images holds up the main thread, which draws the
window, and both wait for each other's memory. A process of its own does neither. Where none can be had, or it
dies, the work is done here. It may send nothing, so it is not given the key.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from ..common.package import FOLDER, PACKAGE
from ..common.streams import broken_pipes_as_errors
from ..common.threads import PREPARING
from ..errors import JobCancelled
from ..text.log import get_logger
from ..text.redaction import describe_error, environment_without_secrets
from . import subprocess_main

log = get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
_Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

END_SECONDS = 5.0
WINDOWS_FLAGS = sum(
    getattr(subprocess, name, 0) for name in ("CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS")
)
"""0 on other systems."""


class SubprocessWorker:
    """Starts the process when it is needed; usable from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closings = 0

    @property
    def open(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What ``function`` returns in the process, or here where there is none.

        :param function: of a module that needs no Blender; what it takes, returns and raises can be pickled.
        :raises JobCancelled: `close` came first.
        """
        closings = self._closings
        with self._lock:
            answer = self._answer((function, args, kwargs), closings)
        if answer is not None:
            raised, outcome = answer
            if raised:
                raise outcome
            return outcome  # type: ignore[no-any-return]
        with PREPARING.hold():
            return function(*args, **kwargs)

    def _answer(self, call: _Call, closings: int) -> tuple[bool, Any] | None:
        """Whether a call raised something, and what it raised or returned; None where none can be had.

        :param closings: how many there were when the call came, which may have waited since.
        """
        self._check_open(closings)
        try:
            self._process = process = self._process or _start()
            return _exchange(process, call)
        except Exception as error:
            self._check_open(closings)
            log.warning("The process for heavy work can't be used: %s", describe_error(error))
            self._end()
            return None

    def _check_open(self, closings: int) -> None:
        if self._closings != closings:
            raise JobCancelled("The work was stopped; the result is kept.")

    def rest(self) -> None:
        """End the process once it has nothing to do; the next call starts another."""
        with self._lock:
            self._end()

    def close(self) -> None:
        """End the process, also one that is at work; calls that wait for it end as well."""
        self._closings += 1
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it hangs in the system; so must not we
            process.wait(END_SECONDS)
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError), broken_pipes_as_errors():  # what it did not take is of no use
                if pipe is not None:
                    pipe.close()


def _exchange(process: subprocess.Popen[bytes], call: _Call) -> tuple[bool, Any]:
    assert process.stdin is not None and process.stdout is not None
    with broken_pipes_as_errors():
        pickle.dump(call, process.stdin)
        process.stdin.flush()
    answer: tuple[bool, Any] = pickle.load(process.stdout)
    return answer


def _start() -> subprocess.Popen[bytes]:
    """
    :raises OSError: it can't be started.
    """
    if not Path(sys.executable).name.lower().startswith("python"):
        raise FileNotFoundError(f"{sys.executable!r} is not Python")  # it may be Blender itself
    command = [sys.executable, "-I", "-X", "utf8", subprocess_main.__file__]
    if sys.dont_write_bytecode:
        command.insert(1, "-B")
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment_without_secrets(),
        start_new_session=True,  # Ctrl-C is for Blender, which ends it
        creationflags=WINDOWS_FLAGS,
    )
    assert process.stdin is not None
    with broken_pipes_as_errors():
        pickle.dump((PACKAGE, str(FOLDER), sys.path), process.stdin)
    return process


SUBPROCESS = SubprocessWorker()
"""That of this Blender."""
