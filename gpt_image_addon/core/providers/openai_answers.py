"""Reads the Images API's answers while they come: one JSON document, or a stream of events.

Which of the two it is shows in the first byte: some servers ignore ``stream``, some label answers wrongly.
A picture that has come whole is kept, whatever happens afterwards: it is paid for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..errors import APIConnectionError, APIError, InvalidResponseError
from ..http import Reply
from ..lifting import PictureLifter
from ..pricing import Usage
from ..sse import EventParser
from .base import Answer
from .openai_errors import error_in_stream

STREAM_END = b"[DONE]"
PARTIAL, COMPLETED = ".partial_image", ".completed"
_BLANK = b" \t\r\n\xef\xbb\xbf"
_MAY_BE_BILLED = "The request may have been billed; it is not sent again by itself."


class AnswerReader:
    """Takes the body of one successful answer."""

    def __init__(self, count: int, on_partial: Callable[[int, bytes], None]) -> None:
        """
        :param count: pictures that were asked for; a stream is left after as many.
        :param on_partial: told the number and the bytes of each preview.
        """
        self.count = count
        self.links: list[str] = []
        """Addresses of pictures that the answer does not hold itself."""
        self._on_partial = on_partial
        self._start(Reply(0, {}))

    def open(self, head: Reply) -> AnswerReader | None:
        """Take the body that follows, unless it is that of an error."""
        if head.status >= 300:
            return None
        self._start(head)
        return self

    def _start(self, head: Reply) -> None:
        self.head = head
        self._lifter = PictureLifter()
        self._events: EventParser | None = None
        self._begun = False
        self._pictures: list[bytes | None] = []
        self._usage: Usage | None = None
        self._partials = 0
        self._error: APIError | None = None
        self._broken_off = False

    def feed(self, chunk: bytes) -> bool:
        """See `http.Sink`."""
        if not self._begun:
            chunk = chunk.lstrip(_BLANK)
            if not chunk:
                return False
            self._begun = True
            if chunk[:1] not in b"{[<":
                self._events = EventParser(self._lifter.feed, self._take_event)
        if self._events is None:
            self._lifter.feed(chunk)
            return False
        self._events.feed(chunk)
        return self._error is not None or self._whole >= self.count

    @property
    def _whole(self) -> int:
        return sum(picture is not None for picture in self._pictures) + len(self.links)

    def keeps_what_came(self) -> bool:
        """The connection broke: whether a whole picture had come before, so that there is an answer."""
        self._broken_off = True
        found = self._pictures if self._events is not None else self._lifter.pictures
        return any(found)

    def answer(self) -> Answer:
        """What has come.

        :raises InvalidResponseError: there is no picture in it.
        :raises APIConnectionError: the stream ended before the first picture.
        :raises APIError: the stream told of an error before the first picture.
        """
        warnings = self._read_events() if self._events is not None else self._read_document()
        good = tuple(picture for picture in self._pictures if picture is not None)
        if not good and not self.links:
            raise self._nothing()
        for number, picture in enumerate(self._pictures, 1):
            if picture is None:
                warnings.append(f"Picture {number} was cut off or broken in the server's answer.")
        missing = self.count - len(self._pictures) - len(self.links)
        if missing > 0:
            warnings.append(f"{missing} of {self.count} pictures are missing from the server's answer.")
        return Answer(good, usage=self._usage, request_id=self.head.request_id, warnings=tuple(warnings))

    def _nothing(self) -> APIError:
        if self._error is not None:
            return self._error
        if self._events is not None and not self._pictures:
            return APIConnectionError(
                "The stream ended before the picture was complete.",
                request_id=self.head.request_id,
                billed="maybe",
                next_step=_MAY_BE_BILLED,
            )
        if self._pictures:
            return self._unusable("A picture in the server's answer is cut off or broken")
        return self._unusable("The server's answer holds no picture")

    def _unusable(self, message: str) -> InvalidResponseError:
        return InvalidResponseError(
            f"{message}.", request_id=self.head.request_id, billed="maybe", next_step=_MAY_BE_BILLED
        )

    def _read_document(self) -> list[str]:
        rest = self._lifter.close()
        self._pictures = list(self._lifter.pictures)
        try:
            document = json.loads(rest)
            if isinstance(document.get("error"), dict):
                self._error = error_in_stream(document, self.head.request_id)
                return []
            entries = document["data"]
            self.links = [entry["url"] for entry in entries if not _is_inline(entry) and entry.get("url")]
            self._usage = read_usage(document.get("usage"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if not any(self._pictures):
                page = rest.startswith(b"<")
                what = "A web page came instead of an answer" if page else "The server's answer can't be read"
                raise self._unusable(what) from error
            return ["The server's answer broke off after its first pictures; they are kept."]
        return []

    def _read_events(self) -> list[str]:
        assert self._events is not None
        if self._error is None and not self._broken_off and self._whole < self.count:
            self._events.close()
        if self._error is not None and self._whole:
            return [f"The stream broke off: {self._error.message}"]
        return []

    def _take_event(self, name: str) -> None:
        text = self._lifter.close()
        lifted, self._lifter.pictures = self._lifter.pictures, []
        if text.strip() == STREAM_END:
            return
        try:
            event = json.loads(text)
            kind = str(event.get("type") or name)
        except (ValueError, AttributeError):  # cut off; what is missing shows at the end
            return
        if kind == "error" or isinstance(event.get("error"), dict):
            self._error = error_in_stream(event, self.head.request_id)
        elif kind.endswith(PARTIAL):
            self._take_partial(event, lifted)
        elif kind.endswith(COMPLETED):
            self._pictures += lifted
            self.links += [event["url"]] if not lifted and event.get("url") else []
            self._usage = read_usage(event.get("usage")) or self._usage

    def _take_partial(self, event: dict[str, Any], lifted: list[bytes | None]) -> None:
        index = event.get("partial_image_index")
        for picture in lifted:
            if picture is not None:
                self._on_partial(index if isinstance(index, int) else self._partials, picture)
                self._partials += 1


def _is_inline(entry: dict[str, Any]) -> bool:
    return entry.get("b64_json") is not None


def read_usage(found: object) -> Usage | None:
    """Tokens by kind; None where the answer tells none."""
    if not isinstance(found, dict):
        return None
    inputs = _details(found, "input_tokens_details")
    outputs = _details(found, "output_tokens_details")
    text_out = _count(outputs, "text_tokens")
    return Usage(
        input_text=_count(inputs, "text_tokens"),
        input_image=_count(inputs, "image_tokens"),
        output_text=text_out,
        output_image=_count(found, "output_tokens") - text_out,
    )


def _details(usage: dict[str, Any], key: str) -> dict[str, Any]:
    found = usage.get(key)
    return found if isinstance(found, dict) else {}


def _count(values: dict[str, Any], key: str) -> int:
    found = values.get(key)
    return found if isinstance(found, int) else 0
