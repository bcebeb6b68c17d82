"""MCP's *Streamable HTTP* on this machine alone, in both eras. Knows no Blender; all of it runs in threads.

Who has no token, came through a name that is not this machine's, or is a web page, gets nothing
(modelcontextprotocol.io, *Transports*: security warning).
"""

from __future__ import annotations

import contextlib
import hmac
import json
import queue
import secrets
import selectors
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ...core.common.streams import broken_pipes_as_errors
from .. import protocol
from ..protocol import JsonObject, Notification, ProtocolError, Request, Response
from .posts import ClientSession, Ended, Gone, Inbox, Post

HOST, PATH = "127.0.0.1", "/mcp"
SESSION_HEADER, VERSION_HEADER = "Mcp-Session-Id", "MCP-Protocol-Version"
METHOD_HEADER, NAME_HEADER = "Mcp-Method", "Mcp-Name"
EVENTS, JSON = "text/event-stream", "application/json"
STATUSES = {protocol.NO_SUCH_METHOD: 404, protocol.NOT_AVAILABLE: 503}
"""Of refused requests of the stateless era; any other is a bad request."""
TOKEN_BYTES = 32
MOST_CONNECTIONS = 64
MOST_SESSIONS = 32
IDLE_SECONDS = 30.0  # that a connection may say nothing
DRAIN_SECONDS = 2.0  # that is listened to what is refused, so that its sender hears why
LOOK_SECONDS = 0.25  # between looks whether a client still waits
PLAIN_SECONDS = 1.0  # in which an answer comes as plain JSON, before events are begun
PING_SECONDS = 10.0
TAKEN_SECONDS = 40.0  # in which Blender has to take a request up


class Listener:
    """Takes requests until `close`."""

    def __init__(self, inbox: Inbox) -> None:
        """
        :raises OSError: no port can be opened.
        """
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.inbox = inbox
        self._sessions: dict[str, ClientSession] = {}
        self._lock = threading.Lock()
        self._server = _HttpServer((HOST, 0), _Handler)
        self._server.listener = self
        self.port = int(self._server.server_address[1])
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.05,), name="gpt-image-agents", daemon=True).start()

    @property
    def address(self) -> str:
        """Where clients go."""
        return f"http://{HOST}:{self.port}{PATH}"

    def close(self) -> None:
        """Take nothing more; what was taken is answered."""
        self._server.shutdown()
        self._server.server_close()

    def is_own_name(self, host: str) -> bool:
        """Whether a ``Host`` header names this machine, and not one whose address leads to it."""
        return host in (f"{HOST}:{self.port}", f"localhost:{self.port}")

    def begin_session(self) -> ClientSession:
        """A client says hello; where there are too many, the oldest is forgotten."""
        found = ClientSession(secrets.token_urlsafe(TOKEN_BYTES))
        with self._lock:
            self._sessions[found.id] = found
            forgotten = list(self._sessions)[:-MOST_SESSIONS]
        for name in forgotten:
            self.end_session(name)
        return found

    def find_session(self, name: str) -> ClientSession | None:
        """The client of an id."""
        with self._lock:
            return self._sessions.get(name)

    def end_session(self, name: str) -> bool:
        """Forget a client; returns whether there was one."""
        with self._lock:
            found = self._sessions.pop(name, None)
        if found is not None:
            self.inbox.put(Ended(found))
        return found is not None


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = False
    listener: Listener

    def __init__(self, *arguments: Any) -> None:
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            with broken_pipes_as_errors():
                super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "GPT-Image", ""
    timeout = IDLE_SECONDS
    server: _HttpServer

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is logged: addresses and prompts are nobody's business."""

    def do_POST(self) -> None:
        """A message."""
        if not self._is_allowed():
            return
        text = self._read_body()
        if text is None:
            return
        try:
            self._take(protocol.read_message(text))
        except ProtocolError as error:
            self._answer(400, protocol.refusal(None, error))

    def do_DELETE(self) -> None:
        """The end of a session."""
        if self._is_allowed():
            ended = self._listener.end_session(self.headers.get(SESSION_HEADER, ""))
            self._answer(204 if ended else 404)

    def do_GET(self) -> None:
        """There is no stream beside the answers."""
        if self._is_allowed():
            self._answer(405, headers={"Allow": "POST, DELETE"})

    @property
    def _listener(self) -> Listener:
        return self.server.listener

    def _is_allowed(self) -> bool:
        """Whether who asks may ask at all; else they are told, and their body is not looked at."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not self._listener.is_own_name(hosts[0]):
            self._refuse(403, "This address is not of this machine.")
        elif "Origin" in self.headers:
            self._refuse(403, "Web pages get nothing here.")
        elif not hmac.compare_digest(
            self.headers.get("Authorization", "").encode("utf-8", "replace"),
            f"Bearer {self._listener.token}".encode(),
        ):
            self._refuse(401, "The token is missing or wrong.", {"WWW-Authenticate": "Bearer"})
        elif self.path != PATH:
            self._refuse(404, f"There is only {PATH}.")
        else:
            return True
        return False

    def _read_body(self) -> bytes | None:
        """The body; None where it was refused."""
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != JSON:
            self._refuse(415, f"A message is {JSON}.")
        elif "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self._refuse(411, "The length of the message is missing.")
        elif len(length) > 9 or int(length) > protocol.LONGEST_MESSAGE:
            self._refuse(413, f"A message has at most {protocol.LONGEST_MESSAGE} bytes.")
        else:
            return self.rfile.read(int(length))
        return None

    def _take(self, found: Request | Notification | Response) -> None:
        meta = found.meta if isinstance(found, Request) else {}
        wanted = meta.get(f"{protocol.META}protocolVersion")
        if wanted is not None or self.headers.get(VERSION_HEADER) == protocol.STATELESS:
            self._take_stateless(found, wanted)
        elif isinstance(found, Request) and found.method == "initialize":
            session = self._listener.begin_session()
            self._wait_for(found, session, {SESSION_HEADER: session.id})
        else:
            self._take_of_session(found)

    def _take_stateless(self, found: Request | Notification | Response, wanted: object) -> None:
        if not isinstance(found, Request):  # there is nothing that it could belong to
            self._answer(202)
            return
        named = found.params.get("name") if found.method == "tools/call" else None
        expected = ((VERSION_HEADER, wanted), (METHOD_HEADER, found.method), (NAME_HEADER, named))
        for header, value in expected:
            if value is not None and self.headers.get_all(header) != [value]:
                problem = ProtocolError(protocol.HEADER_MISMATCH, f"The header {header} is not as the body.")
                self._answer(400, protocol.refusal(found.id, problem))
                return
        self._wait_for(found, ClientSession(), {})

    def _take_of_session(self, found: Request | Notification | Response) -> None:
        version = self.headers.get(VERSION_HEADER, protocol.HANDSHAKE[-1])
        session = self._listener.find_session(self.headers.get(SESSION_HEADER, ""))
        if version not in protocol.HANDSHAKE:
            self._refuse(400, "This revision of the protocol is not spoken here.")
        elif session is None:
            is_named = SESSION_HEADER in self.headers
            self._refuse(404 if is_named else 400, "There is no such session; send initialize first.")
        elif isinstance(found, Request):
            self._wait_for(found, session, {})
        else:
            self._listener.inbox.put(Post(session, found))
            self._answer(202)

    def _wait_for(self, request: Request, session: ClientSession, headers: dict[str, str]) -> None:
        post = Post(session, request)
        self._listener.inbox.put(post)
        is_stateless = not session.id
        try:
            wait = _Waiting(post, self.connection)
            takes_events = EVENTS in self.headers.get("Accept", "")
            first = wait.next(PLAIN_SECONDS if takes_events else None)
            if first is not None and protocol.is_final(first):
                self._answer(_status_of(first) if is_stateless else 200, first, headers)
            elif wait.is_over:
                self.close_connection = True
            elif takes_events:
                self._write_events(wait, first, headers)
            else:
                self._answer(200, wait.last(), headers)
        except OSError:
            self.close_connection = True
        finally:
            if not post.is_gone:
                post.is_gone = True
                self._listener.inbox.put(Gone(post))

    def _write_events(self, wait: _Waiting, first: JsonObject | None, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Type": EVENTS, "Cache-Control": "no-cache"}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        message = first
        while not wait.is_over:
            told = b"event: message\r\ndata: " + protocol.write_message(message) if message else b":"
            self.wfile.write(told + b"\r\n\r\n")
            if message is not None and protocol.is_final(message):
                return
            message = wait.next(PING_SECONDS)

    def _answer(
        self, status: int, message: JsonObject | None = None, headers: dict[str, str] | None = None
    ) -> None:
        body = protocol.write_message(message) if message is not None else b""
        self._send(status, body, headers or {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body:
            self.send_header("Content-Type", JSON)
        if status not in (204,):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        """Say why, and hang up; what is still being sent is thrown away, so that the answer is heard."""
        self.close_connection = True
        body = json.dumps({"error": sentence}).encode()
        with contextlib.suppress(OSError):
            self._send(status, body, {**(headers or {}), "Connection": "close"})
            self.connection.shutdown(socket.SHUT_WR)
            end = time.monotonic() + DRAIN_SECONDS
            self.connection.settimeout(DRAIN_SECONDS)
            while time.monotonic() < end and self.connection.recv(65536):
                pass


class _Waiting:
    """What comes back for a request, while its sender waits."""

    def __init__(self, post: Post, connection: socket.socket) -> None:
        self._post, self._connection = post, connection
        self._started = time.monotonic()
        self.is_over = False
        """The sender has hung up."""

    def next(self, seconds: float | None) -> JsonObject | None:
        """The next message; None where none came in time, or nobody waits for it."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self.is_over:
            left = LOOK_SECONDS if end is None else min(LOOK_SECONDS, end - time.monotonic())
            if left <= 0:
                return None
            with contextlib.suppress(queue.Empty):
                return self._post.replies.get(timeout=left)
            if not self._post.is_taken and time.monotonic() - self._started > TAKEN_SECONDS:
                return self._give_up()
            self.is_over = _has_hung_up(self._connection)
        return None

    def last(self) -> JsonObject | None:
        """The answer, for who takes nothing before it."""
        while not self.is_over:
            message = self.next(None)
            if message is not None and protocol.is_final(message):
                return message
        return None

    def _give_up(self) -> JsonObject:
        """Blender has had no time."""
        self._post.is_gone = True
        assert isinstance(self._post.message, Request)
        busy = ProtocolError(
            protocol.NOT_AVAILABLE,
            "Blender is busy, with a render perhaps; nothing was begun. Try again later.",
        )
        return protocol.refusal(self._post.message.id, busy)


def _has_hung_up(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection on which it has nothing to say."""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            return bool(selector.select(0)) and connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def _status_of(message: JsonObject) -> int:
    error = message.get("error")
    return STATUSES.get(error["code"], 400) if error else 200
