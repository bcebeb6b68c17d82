"""The server: start it, script it, look at what arrived, close it."""

from __future__ import annotations

import contextlib
import signal
import socket
import socketserver
import threading
from collections import deque
from collections.abc import Callable
from http.server import HTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from .batches import Desk
from .faults import Step
from .handler import Handler
from .limiter import RateLimiter
from .options import Options
from .records import Books, Record


class _Listener(HTTPServer):
    """Accepts connections, a thread each, and can end them all."""

    request_queue_size = 128
    owner: ApiServer

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, Handler)
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer would look its own name up
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self._serve, args=(request, client_address), name="api-server-connection", daemon=True
        )
        with self._lock:
            self._open[thread] = request
        thread.start()

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        if hasattr(signal, "pthread_sigmask"):  # some Blenders die of a client that went away
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # a client that went away; its record says so
        finally:
            self.shutdown_request(request)
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def end_connections(self) -> None:
        with self._lock:
            connections = dict(self._open)
        for connection in connections.values():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections:
            thread.join(10)


class ApiServer:
    """OpenAI's Images API on a loopback port. Use as a context manager, or call `close()`.

    `options` may be changed at any time; keyword arguments set them at the start.
    """

    def __init__(self, port: int = 0, log: Path | None = None, **options: Any) -> None:
        self.options = Options(**options)
        self.books = Books(log)
        self.desk = Desk(self.books)
        self.limiter = RateLimiter()
        self.crashes: list[str] = []
        """Tracebacks of the server's own faults; the fixture fails a test that leaves one."""
        self._steps: deque[Step] = deque()
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._closing = threading.Event()
        self._listener = _Listener(("127.0.0.1", port))
        self._listener.owner = self
        self._thread = threading.Thread(
            target=self._listener.serve_forever,
            kwargs={"poll_interval": 0.01},
            name="api-server",
            daemon=True,
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._listener.server_port)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What `OPENAI_BASE_URL` is to be."""
        return f"{self.origin}/v1"

    @property
    def api_key(self) -> str:
        return self.options.api_key

    @property
    def requests(self) -> list[Record]:
        """All requests so far, in the order they arrived."""
        with self.books.changed:
            return list(self.books.requests)

    @property
    def image_requests(self) -> list[Record]:
        """The POSTs to generations and edits among them."""
        return [record for record in self.requests if record.method == "POST" and "/images/" in record.path]

    @property
    def answers(self) -> dict[str, bytes]:
        """The last finished images, exactly as sent, by sha256."""
        with self.books.changed:
            return dict(self.books.answers)

    @property
    def bill_usd(self) -> float:
        """What the requests so far cost."""
        return sum(record.cost_usd for record in self.requests if record.billed)

    def script(self, *steps: Step) -> None:
        """Queue steps; each is taken by the next request whose path contains the step's `match`."""
        with self._lock:
            self._released.clear()
            self._steps.extend(steps)

    def take_step(self, path: str) -> Step | None:
        with self._lock:
            for step in self._steps:
                if step.match in path:
                    self._steps.remove(step)
                    return step
        return None

    @property
    def unused_steps(self) -> int:
        with self._lock:
            return len(self._steps)

    def release(self) -> None:
        """Let every stalled request go on, now and until the next `script()`."""
        self._released.set()

    def is_released(self) -> bool:
        return self._released.is_set()

    def is_closing(self) -> bool:
        return self._closing.is_set()

    def wait_until(self, condition: Callable[[ApiServer], bool], timeout: float = 10.0) -> bool:
        """Wait for something in the records, for instance `lambda s: s.stalled`; False when it never came."""
        return self.books.wait(lambda: condition(self), timeout)

    @property
    def stalled(self) -> list[Record]:
        """The requests that a step holds right now."""
        return [record for record in self.requests if record.stalled_at is not None]

    def close(self) -> None:
        """Stop listening, end every connection and wait for the threads. May be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._listener.shutdown()
        self._thread.join(10)
        self._listener.end_connections()
        self._listener.server_close()
        self.books.shut()

    def __enter__(self) -> ApiServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
