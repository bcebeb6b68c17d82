"""One graph on its way: queued under an id of ours, looked up by it, cancelled by it.

The id follows from the job's, so that whoever knows the job finds its prompts again, also after a crash.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    Billed,
    InvalidResponseError,
    JobCancelled,
)
from ...http.request_state import RequestState
from ...text.log import get_logger
from ...text.message import Message, message
from .errors import failed_prompt, refused_prompt
from .server import Server, ServerFile, read_file_name

log = get_logger(__name__)

NAMESPACE = uuid.UUID("5a8c2a51-6f7a-4d59-8d0e-0d1f0c5f2f6b")
POLL_SECONDS = 0.5  # between two looks
GRACE_SECONDS = 120.0  # without a connection, before the server counts as gone
MISSES = 3  # looks in a row that find nothing, before the server counts as restarted
MISS_SECONDS = 2.0  # between them
LOOK_SECONDS = 30.0  # for one look
MAX_FILES = 64  # of one prompt; more are not fetched
NOT_FOUND = {"error": "Job not found"}
PENDING, RUNNING, COMPLETED, FAILED, CANCELLED, MISSING = (
    *("pending", "in_progress", "completed", "failed", "cancelled"),
    "missing",
)
STATES = frozenset({PENDING, RUNNING, COMPLETED, FAILED, CANCELLED})
FETCH_LATER = Message("`recover`, or Recover All in the panel, asks ComfyUI for it again.")


def prompt_id(job: str, number: int) -> str:
    """The id of a job's prompt, as servers want it.

    :param number: of the prompt in its job, from 0.
    """
    return str(uuid.uuid5(NAMESPACE, f"{job}/{number}"))


@dataclass(frozen=True)
class Look:
    """What the server knows of a prompt."""

    state: str
    files: tuple[tuple[str, ServerFile], ...] = ()
    """Images that it has made, each with its node."""
    cached: frozenset[str] = frozenset()
    """Nodes whose outputs were there before."""
    error: Mapping[str, Any] = field(default_factory=dict)

    @property
    def made_nothing(self) -> bool:
        """All its images were there before."""
        return bool(self.files) and all(node in self.cached for node, _ in self.files)

    def list_files(self, nodes: Collection[str] = ()) -> list[ServerFile]:
        """Its images; those that were only to be looked at where there are no others.

        :param nodes: that count; none for all.
        """
        found = [file for node, file in self.files if not nodes or node in nodes]
        return [file for file in found if file.kind == "output"] or found


def _read_outputs(outputs: object) -> tuple[tuple[str, ServerFile], ...]:
    """Images, each with the node that has made it."""
    found: dict[ServerFile, str] = {}
    for number, node in outputs.items() if isinstance(outputs, dict) else ():
        images = node.get("images") if isinstance(node, dict) else None
        for image in images if isinstance(images, list) else ():
            file = read_file_name(image)
            if file is not None and len(found) < MAX_FILES:
                found.setdefault(file, str(number))
    return tuple((number, file) for file, number in found.items())


def _read_events(status: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What happened while a prompt ran: names, and what is said of each."""
    messages = status.get("messages") if isinstance(status, dict) else None
    for entry in messages if isinstance(messages, list) else ():
        if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], dict):
            yield str(entry[0]), entry[1]


def _read_end(outputs: object, status: object) -> Look:
    """A prompt that has ended."""
    events = dict(_read_events(status))
    error = events.get("execution_error", {})
    state = COMPLETED
    if error:
        state = FAILED
    elif "execution_interrupted" in events:
        state = CANCELLED
    elif isinstance(status, dict) and status.get("status_str") == "error":
        state = FAILED
    nodes = events.get("execution_cached", {}).get("nodes")
    cached = frozenset(map(str, nodes)) if isinstance(nodes, list) else frozenset()
    return Look(state, _read_outputs(outputs), cached, error)


class Prompt:
    """A graph at a server."""

    def __init__(self, server: Server, identity: str, *, paid: bool) -> None:
        """
        :param identity: see `prompt_id`.
        :param paid: whether a node of it sends a bill.
        """
        self.server = server
        self.id = identity
        self.maybe: Billed = "maybe" if paid else "no"

    def submit(self, graph: Mapping[str, Any], key: str, state: RequestState, client: str = "") -> None:
        """Queue the graph. It is sent once; where the answer is lost, the server is asked for the id.

        :param key: of a Comfy account; empty for none.
        :param client: id of who is told of it while it runs; its own where nobody listens.
        :param state: its ``body_sent`` says from now on whether something may be billed.
        :raises APIError: the server refuses it, or nobody knows what became of it.
        """
        content: dict[str, Any] = {"prompt": graph, "prompt_id": self.id, "client_id": client or self.id}
        if key:
            content["extra_data"] = {"api_key_comfy_org": key}
        try:
            reply = self.server.call("POST", "/prompt", state, json=content)
        except (APIConnectionError, InvalidResponseError) as error:
            if not state.body_sent:
                raise
            self._settle(state)
            self._find_lost(state, error)
            return
        self._settle(state)
        if reply.status >= 300:
            state.settled()
            raise refused_prompt(reply)
        errors = self.server.parse(reply)
        faults = errors.get("node_errors") if isinstance(errors, dict) else None
        if faults:  # the rest of the graph was queued all the same
            self.cancel()
            raise refused_prompt(reply, self.maybe)

    def _settle(self, state: RequestState) -> None:
        """What costs nothing leaves no doubt about a bill, whatever becomes of it."""
        if self.maybe == "no":
            state.settled()

    def _find_lost(self, state: RequestState, lost: APIError) -> None:
        """Whether the server has the prompt whose answer was lost.

        :raises APIConnectionError: nobody knows.
        """
        for number in range(MISSES):
            if number:
                state.wait(MISS_SECONDS)
            try:
                if self.look().state != MISSING:
                    return
            except APIError as error:
                log.info("The lost prompt %s can't be looked up: %s", self.id, error)
        raise APIConnectionError(
            message("ComfyUI did not confirm the job: {reason}", reason=lost.message),
            billed=self.maybe,
            next_step=FETCH_LATER,
        ) from lost

    def look(self) -> Look:
        """What the server knows of it now.

        :raises APIError: it can't be asked.
        """
        reply = self.server.call("GET", f"/api/jobs/{self.id}", RequestState(LOOK_SECONDS))
        if reply.status == 404:
            try:
                found = self.server.parse(reply)
            except InvalidResponseError:
                found = None
            return Look(MISSING) if found == NOT_FOUND else self._look_around()
        if reply.status >= 300:
            raise self.server.refusal(reply)
        found = self.server.parse(reply)
        state = found.get("status") if isinstance(found, dict) else None
        if state not in STATES:
            raise InvalidResponseError("ComfyUI says of the job what can't be understood.", billed="no")
        if state in (PENDING, RUNNING):
            return Look(state)
        return _read_end(found.get("outputs"), found.get("execution_status"))

    def _look_around(self) -> Look:
        """As `look`, at servers that don't know jobs yet."""
        history = self.server.read(f"/history/{self.id}", LOOK_SECONDS)
        entry = history.get(self.id) if isinstance(history, dict) else None
        if isinstance(entry, dict):
            return _read_end(entry.get("outputs"), entry.get("status"))
        queue = self.server.read("/queue", LOOK_SECONDS)
        for name, state in (("queue_running", RUNNING), ("queue_pending", PENDING)):
            rows = queue.get(name) if isinstance(queue, dict) else None
            for row in rows if isinstance(rows, list) else ():
                if isinstance(row, list) and len(row) > 1 and row[1] == self.id:
                    return Look(state)
        return Look(MISSING)

    def wait(self, state: RequestState, on_state: Callable[[str], None] = lambda state: None) -> Look:
        """Wait for its end.

        While others are in front of it nothing but `cancel` ends that; once it runs, ``state`` limits it.

        :param on_state: told when it is pending, and when it runs.
        :raises APIError: it failed, or the server is gone or has forgotten it.
        :raises JobCancelled: somebody else has cancelled it.
        """
        missed, seen, heard, began = 0, "", time.monotonic(), 0.0
        while True:
            try:
                look = self.look()
            except APIError as error:
                if time.monotonic() - heard > GRACE_SECONDS:
                    raise self._lose(message("ComfyUI is gone: {reason}", reason=error.message)) from error
                state.wait(MISS_SECONDS)
                continue
            heard = time.monotonic()
            if look.state in (COMPLETED, FAILED, CANCELLED):
                return self.end(look)
            missed = missed + 1 if look.state == MISSING else 0
            if missed >= MISSES:
                raise self._lose("ComfyUI does not know the job any more: it was restarted, or forgot it.")
            if look.state in (PENDING, RUNNING) and look.state != seen:
                seen, began = look.state, time.monotonic()
                on_state(seen)
            if seen == RUNNING and time.monotonic() - began > state.answer_seconds:
                raise APITimeoutError(
                    "ComfyUI did not finish the job in time.", billed=self.maybe, next_step=FETCH_LATER
                )
            state.wait(MISS_SECONDS if missed else POLL_SECONDS)

    def _lose(self, problem: str) -> APIConnectionError:
        step = "Look into ComfyUI's output folder before you send it again."
        return APIConnectionError(problem, code="job_lost", billed=self.maybe, next_step=step)

    def end(self, look: Look) -> Look:
        """A prompt that has made its images.

        :raises APIError: it failed.
        :raises JobCancelled: somebody has cancelled it.
        """
        if look.state == CANCELLED:
            raise JobCancelled("The job was cancelled in ComfyUI.", billed=self.maybe)
        if look.state == FAILED:
            raise failed_prompt(look.error, self.maybe)
        return look

    def cancel(self) -> Billed:
        """Stop it, and nothing else that the server does.

        :returns: whether it may have cost something.
        """
        try:
            before = self._look_for().state
            if before in (PENDING, RUNNING):
                reply = self.server.call("POST", f"/api/jobs/{self.id}/cancel", RequestState(LOOK_SECONDS))
                if reply.status >= 300:
                    self._cancel_around(before)
            after = self.look().state
        except APIError as error:
            log.warning("The job can't be cancelled in ComfyUI: %s", error)
            return self.maybe
        # One that never ran leaves no trace; one that is only missing was never queued, or is yet to be.
        return "no" if before == PENDING and after == MISSING else self.maybe

    def _look_for(self) -> Look:
        """As `look`; a prompt whose sending was just broken off may still be on its way into the queue."""
        for _ in range(MISSES):
            look = self.look()
            if look.state != MISSING:
                break
            time.sleep(POLL_SECONDS)
        return look

    def _cancel_around(self, state: str) -> None:
        """As `cancel`, at servers that don't know jobs yet; a running one is named, so no other stops."""
        if state == PENDING:
            self.server.call("POST", "/queue", RequestState(LOOK_SECONDS), json={"delete": [self.id]})
        elif self._look_around().state == RUNNING:
            self.server.call("POST", "/interrupt", RequestState(LOOK_SECONDS), json={"prompt_id": self.id})
