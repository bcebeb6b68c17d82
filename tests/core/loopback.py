"""Small servers on this machine for what the API server does not do: TLS, proxies, silence."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

BACKLOG_FILL = 4  # connections that are sure to fill a listener's queue of one


def listener(backlog: int = 16) -> socket.socket:
    """A port that accepts connections and then says nothing."""
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen(backlog)
    return made


@contextlib.contextmanager
def unanswered_port() -> Iterator[int]:
    """A port where connecting neither succeeds nor fails: its queue is full."""
    with listener(0) as full, contextlib.ExitStack() as waiting:
        for _ in range(BACKLOG_FILL):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and images.invalid that nobody has signed, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=loopback "
        f"-addext subjectAltName=IP:127.0.0.1,DNS:images.invalid -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    return certificate, key


class Relay:
    """Accepts connections and joins each with a target: a proxy, or TLS in front of a plain server.

    A proxy goes to its target, whatever host it is asked for.

    `received` is what clients sent, after decryption.
    """

    def __init__(self, target_port: int, tls: ssl.SSLContext | None = None, *, proxy: bool = False) -> None:
        self.target = ("127.0.0.1", target_port)
        self.tls = tls
        self.proxy = proxy
        self.received = bytearray()
        self._listener = listener()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        self._open.append(client)
        with contextlib.suppress(OSError):
            if self.tls is not None:
                client = self.tls.wrap_socket(client, server_side=True)
                self._open.append(client)
            head = client.recv(65536)
            self.received += head
            if self.proxy and head.startswith(b"CONNECT "):
                head = b""
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(self.target) as server:
                self._open.append(server)
                server.sendall(head)
                back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
                back.start()
                self._pump(client, server, keep=True)
                back.join()

    def _pump(self, source: socket.socket, sink: socket.socket, *, keep: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if keep:
                    self.received += data
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for opened in self._open:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
