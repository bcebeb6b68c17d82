"""One client's requests, from the message to the answer. Knows no Blender and no transport.

Whoever owns it hands over what comes (`receive`), calls `step` often, and gets what is to be sent.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.common.internal_error import unexpected_error
from ..core.errors import GptImageError, InvalidRequestError
from . import protocol
from .consent import Consents
from .protocol import (
    Answer,
    Caller,
    Client,
    JsonObject,
    Notification,
    ProtocolError,
    Question,
    Request,
    RequestId,
    Response,
    Steps,
    Tool,
)

ANSWER_SECONDS = 40.0  # clients give up after a minute; nothing later than 45 s
PROGRESS_SECONDS = 1.0
QUESTION_SECONDS = 600.0  # that a user may take to answer
SPEND = "spend"
"""The name of the one question of a call."""
MOST_CALLS = 32  # open at once
SCHEMA = 1
MIME_TYPES = {
    **{".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"},
    **{".gif": "image/gif", ".svg": "image/svg+xml", ".json": "application/json"},
}
"""Of the files that are made here. The system's own table would be read in a tick, which takes 10 ms."""
LONGEST_ABOUT = 200  # characters
ABOUT = ("prompt", "picture", "job", "kind")
"""Arguments that say best what a call is about."""

Send = Callable[[JsonObject, "RequestId | None"], None]
"""Gets a message for the client, and the id of the request that it belongs to."""


@dataclass
class _Call:
    """A call that is not answered yet."""

    request: Request
    client: Client
    tool: Tool
    steps: Steps
    started: float
    token: str | int | None = None
    told: float = 0.0
    percent: float = -1.0
    ask: str = ""
    """Id of our question that is with the client."""


class Server:
    """One connection."""

    def __init__(
        self,
        tools: Mapping[str, Tool],
        send: Send,
        *,
        info: JsonObject,
        instructions: str,
        identity: str = "",
        consents: Consents | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        :param info: name and version of the server.
        :param identity: tells this client from others; by its name where it is empty.
        """
        self._tools, self._send, self._clock = tools, send, clock
        self._about = {"instructions": instructions}
        self._info, self._identity = info, identity
        self._consents = consents or Consents(clock)
        self._client: Client | None = None
        self._calls: dict[RequestId, _Call] = {}
        self._asked = 0
        self.client_name = ""
        """What the client calls itself, once it has."""
        self.answered = 0
        """Calls that were answered."""

    @property
    def is_busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._calls)

    @property
    def open_calls(self) -> tuple[str, ...]:
        """What is being worked at, in a few words each."""
        return tuple(map(_describe_call, self._calls.values()))

    def receive(self, text: bytes) -> None:
        """Take a message as it came; what it is answered with may come at a later `step`."""
        try:
            found = protocol.read_message(text)
        except ProtocolError as error:
            self._refuse(None, error)
            return
        self.take(found)

    def take(self, found: Request | Notification | Response) -> None:
        """Take a message."""
        if isinstance(found, Notification):
            if found.method == "notifications/cancelled":
                self.give_up(found.params.get("requestId"))
        elif isinstance(found, Response):
            self._take_answer(found)
        else:
            self._handle(found)

    def step(self) -> None:
        """Let every open call get on."""
        for call in list(self._calls.values()):
            if not call.ask:
                self._advance(call, None)
            elif self._clock() - call.started > QUESTION_SECONDS:
                self._withdraw(call)
                self._advance(call, None)
            else:
                self._tell(call, protocol.Progress(0.0, "Waiting for the user's answer"))

    def close(self) -> None:
        """Give up every open call."""
        for identity in list(self._calls):
            self.give_up(identity)

    def _handle(self, request: Request) -> None:
        try:
            if request.id in self._calls:
                raise ProtocolError(protocol.INVALID_REQUEST, "A request with this id is still open.")
            client = self._client_of(request)
            if request.method == "tools/call":
                self._begin(request, client)
                return
            self._answer(request, client, self._result_of(request, client))
        except ProtocolError as error:
            self._refuse(request.id, error)

    def _client_of(self, request: Request) -> Client:
        """
        :raises ProtocolError: nobody said who asks, or the revision is unknown.
        """
        meta = request.meta
        version = meta.get(f"{protocol.META}protocolVersion")
        if version is not None:
            if version != protocol.STATELESS:
                data = {"supported": [protocol.STATELESS], "requested": str(version)[:40]}
                raise ProtocolError(
                    protocol.UNSUPPORTED_VERSION, "This revision of the protocol is not spoken here.", data
                )
            given = meta.get(f"{protocol.META}clientCapabilities")
            self.client_name = protocol.name_client(meta.get(f"{protocol.META}clientInfo"))
            return Client(protocol.STATELESS, given if isinstance(given, dict) else {}, self.client_name)
        if request.method in ("initialize", "ping"):
            return self._client or Client(protocol.HANDSHAKE[0])
        if self._client is None:
            raise ProtocolError(protocol.INVALID_REQUEST, "Send initialize first.")
        return self._client

    def _result_of(self, request: Request, client: Client) -> JsonObject:
        cached = {"ttlMs": 0, "cacheScope": "private"} if client.is_stateless else {}
        if request.method == "initialize" and not client.is_stateless:
            return self._initialize(request.params)
        if request.method == "server/discover" and client.is_stateless:
            versions = [protocol.STATELESS]
            return {"supportedVersions": versions, "capabilities": {"tools": {}}, **self._about, **cached}
        if request.method == "ping" and not client.is_stateless:
            return {}
        if request.method == "tools/list":
            return {"tools": [tool.describe() for tool in self._tools.values()], **cached}
        raise ProtocolError(protocol.NO_SUCH_METHOD, "There is no such method.")

    def _initialize(self, params: JsonObject) -> JsonObject:
        wanted, given = params.get("protocolVersion"), params.get("capabilities")
        version = wanted if wanted in protocol.HANDSHAKE else protocol.HANDSHAKE[0]
        self.client_name = protocol.name_client(params.get("clientInfo"))
        self._client = Client(str(version), given if isinstance(given, dict) else {}, self.client_name)
        return {
            "protocolVersion": version,
            "capabilities": {"tools": {}},
            "serverInfo": self._info,
            **self._about,
        }

    def _begin(self, request: Request, client: Client) -> None:
        params = request.params
        name, arguments = params.get("name"), params.get("arguments", {})
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None or not isinstance(arguments, dict):
            what = "arguments are an object" if tool else f"the tools are {', '.join(self._tools)}"
            raise ProtocolError(protocol.INVALID_PARAMS, f"This call can't be made: {what}.")
        if len(self._calls) >= MOST_CALLS:
            raise ProtocolError(protocol.INVALID_REQUEST, "Too many calls are open; wait for their answers.")
        started = self._clock()
        identity = self._identity or client.name
        caller = Caller(client.can_ask, lambda: self._clock() - started >= ANSWER_SECONDS, identity)
        token = request.meta.get("progressToken")
        call = _Call(request, client, tool, tool.run(arguments, caller), started)
        call.token = token if protocol.is_id(token) else None
        self._calls[request.id] = call
        self._advance(call, None)

    def _advance(self, call: _Call, value: JsonObject | None) -> None:
        """Let a call take its next step.

        :param value: the content of the form that the user filled in, where it had asked.
        """
        try:
            step = call.steps.send(value)
            if isinstance(step, Question):
                self._ask(call, step)
            else:
                self._tell(call, step)
        except StopIteration as end:
            self._finish(call, _contents(end.value, call.client))
        except GptImageError as error:
            self._finish(call, _failure(error))
        except Exception as error:  # whatever a tool meets, its caller gets an answer
            self._finish(call, _failure(unexpected_error(error)))

    def _ask(self, call: _Call, question: Question) -> None:
        if not call.client.is_stateless:
            self._asked += 1
            call.ask = f"ask-{self._asked}"
            asked = _elicitation(question, call.client)
            self._send({"id": call.ask, "method": "elicitation/create", "params": asked}, call.request.id)
            return
        params = call.request.params
        about = (call.tool.name, params.get("arguments", {}), question.message)
        state, given = params.get("requestState"), params.get("inputResponses")
        if state is None and given is None:
            call.steps.close()
            asked = {"method": "elicitation/create", "params": _elicitation(question, call.client)}
            answer = {"inputRequests": {SPEND: asked}, "requestState": self._consents.sign(*about)}
            self._finish(call, {"resultType": "input_required", **answer})
            return
        self._consents.take(state, *about)
        self._advance(call, _content(given.get(SPEND) if isinstance(given, dict) else None))

    def _take_answer(self, response: Response) -> None:
        """The client's answer to a question; whatever else it answers belongs to nothing."""
        for call in list(self._calls.values()):
            if call.ask and call.ask == response.id:
                call.ask = ""
                self._advance(call, _content(response.result))

    def _withdraw(self, call: _Call) -> None:
        """Take a question back that nobody answered."""
        self._send(
            {
                "method": "notifications/cancelled",
                "params": {"requestId": call.ask, "reason": "It was not answered in time."},
            },
            call.request.id,
        )
        call.ask = ""

    def _tell(self, call: _Call, progress: protocol.Progress) -> None:
        now = self._clock()
        if call.token is None or now - max(call.told, call.started) < PROGRESS_SECONDS:
            return
        call.told = now
        call.percent = max(call.percent + 0.01, round(progress.share * 100, 2))  # it must grow each time
        told = {"progressToken": call.token, "progress": call.percent, "total": 100}
        params = {**told, "message": progress.message}
        self._send({"method": "notifications/progress", "params": params}, call.request.id)

    def give_up(self, identity: object) -> None:
        """The client waits no longer, so the call gets no answer."""
        call = self._calls.pop(identity, None) if isinstance(identity, str | int) else None
        if call is None:
            return
        if call.ask:
            self._withdraw(call)
        try:
            call.steps.close()
        except GptImageError as error:
            unexpected_error(error)

    def _finish(self, call: _Call, result: JsonObject) -> None:
        if self._calls.pop(call.request.id, None) is not None:
            self.answered += 1
            self._answer(call.request, call.client, result)

    def _answer(self, request: Request, client: Client, result: JsonObject) -> None:
        if client.is_stateless:
            meta = {f"{protocol.META}serverInfo": self._info}
            result = {"resultType": "complete", **result, "_meta": meta}
        self._send({"id": request.id, "result": result}, request.id)

    def _refuse(self, identity: RequestId | None, error: ProtocolError) -> None:
        self._send(protocol.refusal(identity, error), identity)


def _describe_call(call: _Call) -> str:
    arguments = call.request.params.get("arguments", {})
    about = next((arguments[name] for name in ABOUT if isinstance(arguments.get(name), str)), "")
    words = " ".join("".join(filter(str.isprintable, about[:LONGEST_ABOUT])).split())
    return f"{call.tool.name}: {words}" if words else call.tool.name


def _elicitation(question: Question, client: Client) -> JsonObject:
    asked = {"message": question.message, "requestedSchema": question.schema}
    return {"mode": "form", **asked} if client.version >= protocol.QUESTION_MODES_SINCE else asked


def _content(result: object) -> JsonObject | None:
    """What the user filled in; None where they did not agree."""
    if not isinstance(result, dict) or result.get("action") != "accept":
        return None
    content = result.get("content")
    return content if isinstance(content, dict) else None


def _contents(answer: Answer, client: Client) -> JsonObject:
    """An answer as the result of a call."""
    content: list[JsonObject] = [{"type": "text", "text": _text(answer.facts)}]
    for image in answer.images:
        data = base64.b64encode(image.data).decode("ascii")
        content.append({"type": "image", "data": data, "mimeType": image.mime})
    if client.takes_links:
        content += map(_link, answer.files)
    return {"content": content, "structuredContent": answer.facts, "isError": False}


def _link(path: Path) -> JsonObject:
    mime = MIME_TYPES.get(path.suffix.lower())
    link = {"type": "resource_link", "uri": path.as_uri(), "name": path.name}
    return {**link, "mimeType": mime} if mime else link


def _failure(error: GptImageError) -> JsonObject:
    facts = {"schema": SCHEMA, "state": "failed", "error": error.to_dict()}
    return {
        "content": [{"type": "text", "text": _text(facts)}],
        "structuredContent": facts,
        "isError": True,
    }


def _text(facts: JsonObject) -> str:
    """What models read that see no structured content."""
    return json.dumps(facts, ensure_ascii=False)


def declined() -> InvalidRequestError:
    """The error of a call to which the user did not agree."""
    return InvalidRequestError(
        "The user did not agree to the price; nothing was sent.",
        code="declined",
        next_step="Ask them what they want instead.",
    )
