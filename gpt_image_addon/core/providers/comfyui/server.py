"""A ComfyUI server: where it is, and one call at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ...errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    ConfigurationError,
    InternalServerError,
    InvalidResponseError,
    NotFoundError,
)
from ...http.client import MAX_TEXT_BYTES, Files, Reply, send
from ...http.endpoint import Connection, show_url
from ...http.request_state import RequestState
from ...imaging.formats import Upload
from ...text.json_reader import read_json
from ...text.message import message
from ...text.redaction import hide

PROVIDER = "comfyui"
URL_SETTING = "comfyui_url"
HEADERS_SETTING = "comfyui_headers"
TIMEOUT = (5.0, 30.0)  # seconds to connect, and without a byte; no call but a download takes longer
SECONDS = 120.0  # for a whole answer
MAX_NAME = 1000  # characters of a name that the server gives a file
CORRECT_URL = "Correct its URL in the preferences or in GPT_IMAGE_COMFYUI_URL."
_HEADER = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*([\x20-\x7e]*?)\s*")


def read_headers(text: str) -> dict[str, str]:
    """The headers in a text such as ``Name: value; Other: value``; what they hold is shown nowhere.

    :raises ConfigurationError: a part of it is no header.
    """
    found = {}
    for number, part in enumerate(filter(str.strip, text.split(";")), 1):
        header = _HEADER.fullmatch(part)
        if header is None:
            raise ConfigurationError(
                message("Part {number} of the headers for ComfyUI is no header.", number=number),
                code="bad_headers",
                next_step="Write them as `Name: value; Other: value`.",
            )
        hide(header[2])
        found[header[1]] = header[2]
    return found


@dataclass(frozen=True)
class ServerFile:
    """A file as the server names it: never a path of this machine."""

    name: str
    folder: str = ""
    kind: str = "output"
    """``input``, ``output`` or ``temp``."""

    @property
    def reference(self) -> str:
        """As nodes that load an image name it."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


def read_file_name(found: object) -> ServerFile | None:
    """A file in an answer; None for what is none."""
    if not isinstance(found, dict):
        return None
    name, folder = found.get("filename", found.get("name")), found.get("subfolder") or ""
    kind = found.get("type") or "output"
    texts = (name, folder, kind)
    if not name or not all(isinstance(text, str) and len(text) <= MAX_NAME for text in texts):
        return None
    return ServerFile(str(name), folder, kind)


class Server:
    """Calls of one server."""

    def __init__(self, connection: Connection) -> None:
        """
        :param connection: of all providers; its key, which is another provider's, is not used.
        :raises ConfigurationError: the headers can't be read.
        """
        self.url = connection.settings[URL_SETTING].rstrip("/")
        self.proxy = connection.proxy
        self.headers = read_headers(connection.settings.get(HEADERS_SETTING, ""))
        self._connection = Connection(self.url, proxy=self.proxy, extra_headers=self.headers)

    def call(self, method: str, path: str, state: RequestState, **content: Any) -> Reply:
        """One call, whatever its status.

        :param content: see `http.client.send`.
        :raises APIConnectionError: no connection, or it broke.
        """
        content.setdefault("timeout", TIMEOUT)
        content.setdefault("limit", MAX_TEXT_BYTES)
        try:
            return send(self._connection, method, path, state, **content)
        except APIConnectionError as error:
            if state.body_sent:
                raise
            raise type(error)(
                message("ComfyUI can't be reached at {url}.", url=show_url(self.url)),
                code=error.code,
                retryable=error.retryable,
                next_step="Start ComfyUI, or correct its URL in the preferences or in GPT_IMAGE_COMFYUI_URL.",
            ) from error

    def read(self, path: str, seconds: float = SECONDS) -> Any:
        """The JSON at a path; asking costs nothing.

        :raises APIError: it can't be had.
        """
        reply = self.call("GET", path, RequestState(seconds))
        if reply.status >= 300:
            raise self.refusal(reply)
        return self.parse(reply)

    def parse(self, reply: Reply) -> Any:
        """The JSON of an answer.

        :raises InvalidResponseError: it is none.
        """
        try:
            return read_json(reply.body)
        except ValueError as error:
            raise InvalidResponseError(
                message("What answers at {url} is not ComfyUI.", url=show_url(self.url)),
                billed="no",
                next_step=CORRECT_URL,
            ) from error

    def refusal(self, reply: Reply) -> APIStatusError:
        """The error that an answer stands for which is no answer of ComfyUI's own to a job."""
        kinds: Mapping[int, type[APIStatusError]] = {
            401: AuthenticationError,
            403: AuthenticationError,
            404: NotFoundError,
        }
        kind = kinds.get(reply.status, InternalServerError)
        steps = {
            AuthenticationError: "Name the headers that its proxy asks for in the preferences or in "
            "GPT_IMAGE_COMFYUI_HEADERS.",
            NotFoundError: CORRECT_URL,
        }
        return kind(
            message("ComfyUI at {url} answered {status}.", url=show_url(self.url), status=reply.status),
            status=reply.status,
            code=f"http_{reply.status}",
            next_step=steps.get(kind, "Look into the log of ComfyUI."),
        )

    def find_version(self) -> str:
        """The version of ComfyUI.

        :raises APIError: it can't be had.
        """
        found = self.read("/system_stats")
        system = found.get("system") if isinstance(found, dict) else None
        if not isinstance(system, dict):
            raise InvalidResponseError(
                message("What answers at {url} is not ComfyUI.", url=show_url(self.url)),
                billed="no",
                next_step=CORRECT_URL,
            )
        return str(system.get("comfyui_version", "?"))

    def describe_class(self, name: str) -> Mapping[str, Any] | None:
        """What the server says of a class of nodes; None where it has none of that name.

        :raises APIError: it can't be had.
        """
        found = self.read(f"/object_info/{quote(name, safe='')}")
        row = found.get(name) if isinstance(found, dict) else None
        return row if isinstance(row, dict) else None

    def upload(self, upload: Upload, name: str) -> ServerFile:
        """Store an image among the server's inputs.

        :param name: that it should have; of other bytes under that name the server makes another.
        :raises APIError: it can't be stored.
        """
        files: Files = [("image", (name, upload.data, upload.mime))]
        fields = {"type": "input", "overwrite": "false"}
        reply = self.call("POST", "/upload/image", RequestState(SECONDS), fields=fields, files=files)
        if reply.status >= 300:
            raise self.refusal(reply)
        stored = read_file_name(self.parse(reply))
        if stored is None:
            raise InvalidResponseError("ComfyUI does not say under which name it has stored an image.")
        return stored

    def download(self, file: ServerFile, limit: int) -> bytes:
        """The bytes of a file that the server has.

        :param limit: bytes that it may have.
        :raises APIError: it can't be had.
        """
        query = urlencode({"filename": file.name, "subfolder": file.folder, "type": file.kind})
        reply = self.call("GET", f"/view?{query}", RequestState(SECONDS), limit=limit)
        if reply.status >= 300:
            raise self.refusal(reply)
        return reply.body
