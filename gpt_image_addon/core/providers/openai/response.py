"""Reads the Images API's answers while they come: one JSON document, a stream of events, or a bare image.

Which of them it is shows in the first bytes: some servers ignore ``stream``, some label answers wrongly.
An image that has come whole is kept, whatever stands beside it and happens afterwards: it is paid for.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import APIConnectionError, APIError, InvalidResponseError
from ...http.client import Reply
from ...http.json_images import JsonImageExtractor, decode_base64
from ...http.sse import EventParser
from ...imaging.decoding import sniff
from ...request.pricing import Usage
from ...text.json_reader import read_json, replace_half_characters
from ...text.log import get_logger
from ...text.message import message
from ..base import Answer
from .errors import error_in_stream

log = get_logger(__name__)

STREAM_END = b"[DONE]"
PARTIAL = ".partial_image"
MAX_LINKS = 20  # that are followed of one answer; no request asks for more than ten images
MAX_EVENTS = 10_000  # of a stream; the API sends a handful
MAX_PREVIEWS = 32  # that are shown of one answer
MAX_PREVIEW_BYTES = 50 * 10**6
HEAD_BYTES = 12  # in which a body shows what it is
BARE_FORMATS = ("png", "jpeg", "webp", "gif")
_BLANK = b" \t\r\n\xef\xbb\xbf"
_MAY_BE_BILLED = "The request may have been billed; it is not retried automatically."


class AnswerReader:
    """Takes the body of one successful answer."""

    def __init__(self, count: int, on_partial: Callable[[int, bytes], None]) -> None:
        """
        :param count: images that were asked for; a stream is left after as many.
        :param on_partial: told the number and the bytes of each preview.
        """
        self.count = count
        self.links: list[str] = []
        """Addresses of images that the answer does not hold itself."""
        self._on_partial = on_partial
        self._start(Reply(0, {}))

    def open(self, head: Reply) -> AnswerReader | None:
        """Take the body that follows, unless it is that of an error."""
        if head.status >= 300:
            return None
        self._start(head)
        return self

    def holds_images(self, reply: Reply) -> bool:
        """Whether there are whole images in the body of an error all the same: then it is an answer."""
        if b'"b64_json"' not in reply.body:
            return False
        self._start(reply)
        self.feed(reply.body)
        return self.keeps_what_came()

    def _start(self, head: Reply) -> None:
        self.head = head
        self._lifter = JsonImageExtractor()
        self._events: EventParser | None = None
        self._front: bytes | None = b""
        self._bare: bytearray | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begun = False
        self._images: list[bytes | None] = []
        self.links = []
        self._usage: object = None
        self._svg_usage: object = None
        self._taken = 0
        self._partials = 0
        self._error: APIError | None = None
        self._broken_off = False
        self._is_whole = True

    def feed(self, chunk: bytes) -> bool:
        """See `Sink`."""
        if self._front is not None:
            self._front += chunk
            if len(self._front) < HEAD_BYTES:
                return False
            chunk = self._begin()
        return self._take(chunk)

    def _begin(self) -> bytes:
        """Look at the first bytes, and return them to be read."""
        front, self._front = self._front or b"", None
        if sniff(front) in BARE_FORMATS:
            self._bare = bytearray()
        elif (encoding := json.detect_encoding(front)).startswith(("utf-16", "utf-32")):
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        return front

    def _take(self, chunk: bytes) -> bool:
        if self._bare is not None:
            self._bare += chunk
            return False
        if self._decoder is not None:
            chunk = self._decoder.decode(chunk).encode("utf-8", "replace")
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
        return self._error is not None or self._whole >= self.count or self._taken >= MAX_EVENTS

    @property
    def _whole(self) -> int:
        """Images that came; bytes that show no format are none, and the true one may follow."""
        return sum(map(_is_image, self._images)) + len(self.links)

    def keeps_what_came(self) -> bool:
        """The answer broke off: whether a whole image had come before, so that there is an answer."""
        self._broken_off = True
        self._is_whole = False
        found = self._images if self._events is not None else self._lifter.images
        return any(found)

    def answer(self) -> Answer:
        """What has come.

        :raises InvalidResponseError: there is no image in it.
        :raises APIConnectionError: the stream ended before the first image.
        :raises APIError: the stream told of an error before the first image.
        """
        if self._front is not None:
            self._take(self._begin())
        if self._bare is not None:
            self._images, warnings = [bytes(self._bare)], []
        else:
            warnings = self._read_events() if self._events is not None else self._read_document()
        good = tuple(image for image in self._images if image is not None)
        if not good and not self.links:
            raise self._nothing()
        for number, image in enumerate(self._images, 1):
            if image is None:
                warnings.append(
                    message("Image {number} was cut off or broken in the server's answer.", number=number)
                )
        missing = self.count - len(self._images) - len(self.links)
        if missing > 0:
            warnings.append(
                message(
                    "{missing} of {count} images are missing from the server's answer.",
                    missing=missing,
                    count=self.count,
                )
            )
        return Answer(
            good,
            usage=read_usage(self._usage, self._svg_usage),
            usage_told=self._usage is not None,
            is_whole=self._is_whole
            and not (warnings or self._lifter.overflowed)
            and all(map(_is_image, good)),
            request_id=self.head.request_id,
            warnings=tuple(warnings),
        )

    def _nothing(self) -> APIError:
        if self._error is not None:
            return self._error
        if self._events is not None and not self._images:
            return APIConnectionError(
                "The stream ended before the image was complete.",
                request_id=self.head.request_id,
                billed="maybe",
                next_step=_MAY_BE_BILLED,
            )
        if self._images:
            return self._unusable("An image in the server's answer is cut off or broken.")
        return self._unusable("The server's answer holds no image.")

    def _unusable(self, problem: str) -> InvalidResponseError:
        return InvalidResponseError(
            problem, request_id=self.head.request_id, billed="maybe", next_step=_MAY_BE_BILLED
        )

    def _read_document(self) -> list[str]:
        rest = self._lifter.close()
        self._images = list(self._lifter.images)
        try:
            document = read_json(rest)
        except ValueError as error:
            self._is_whole = False
            if any(self._images):
                return ["The server's answer broke off after its first images; they are kept."]
            page = rest.startswith(b"<")
            raise self._unusable(
                "A web page came instead of an answer." if page else "The server's answer can't be read."
            ) from error
        if isinstance(document, list):
            document = {"data": document}
        if isinstance(document, dict):
            self._error = self._find_error(document)
            self._usage, self._svg_usage = document.get("usage"), document.get("svg_usage")
            self._sort(document.get("data", document))
        return []

    def _find_error(self, found: dict[str, Any]) -> APIError | None:
        """The error that an answer or event tells of beside, or instead of, its images."""
        error = found.get("error")
        if isinstance(error, str) and error:
            error = {"message": error}
        return error_in_stream({"error": error}, self.head.request_id) if isinstance(error, dict) else None

    def _sort(self, data: object) -> None:
        """Put images and links into the order of the entries that they stand in."""
        lifted = iter(self._lifter.images)
        self._lifter.images, self._images = [], []
        for entry in data if isinstance(data, list) else [data]:
            if not isinstance(entry, dict):
                self._is_whole = False
                continue
            text, link = entry.get("b64_json"), _link(entry)
            image = decode_base64(text) if isinstance(text, str) and text else None
            image = next(lifted, None) if text == "" else image
            if image is None and link:
                self.links.append(link)
            elif image is not None or text is not None:
                self._images.append(image)
            self._is_whole = self._is_whole and (image is not None or bool(link))
        self._images += lifted  # from elsewhere in the document
        if len(self.links) > MAX_LINKS:
            self._is_whole = False
            del self.links[MAX_LINKS:]

    def _read_events(self) -> list[str]:
        assert self._events is not None
        if self._error is None and not self._broken_off and self._whole < self.count:
            self._events.close()
        if self._error is not None and self._whole:
            return [message("The stream broke off: {problem}", problem=self._error.message)]
        return []

    def _take_event(self, name: str) -> None:
        self._taken += 1
        text = self._lifter.close()
        lifted, self._lifter.images = self._lifter.images, []
        if text.strip() == STREAM_END:
            return
        try:
            event = read_json(text)
        except ValueError:  # cut off; what is missing shows at the end
            event = {"type": PARTIAL} if PARTIAL.encode() in text else {}
            self._is_whole = False
        kinds = (name, event.get("type") if isinstance(event, dict) else "")
        if any(isinstance(kind, str) and kind.endswith(PARTIAL) for kind in kinds):
            self._show(event, lifted)
            return
        if isinstance(event, dict):
            refused = error_in_stream(event, self.head.request_id) if "error" in kinds else None
            self._error = refused or self._find_error(event) or self._error
            self._usage = self._usage if event.get("usage") is None else event["usage"]
        images = [*lifted, *self._find_unlifted(event)]
        self._images += images
        if not any(images):
            self.links += [link for link in map(_link, _entries(event)) if link][
                : MAX_LINKS - len(self.links)
            ]

    def _find_unlifted(self, event: object) -> Iterator[bytes | None]:
        """Images of an event that were not seen while it came, such as behind a key written in escapes."""
        for entry in _entries(event):
            if isinstance(entry.get("b64_json"), str) and entry["b64_json"]:
                yield decode_base64(entry["b64_json"])

    def _show(self, event: object, lifted: list[bytes | None]) -> None:
        """Tell of previews. They are only looked at: whatever is wrong with one, the answer goes on."""
        index = event.get("partial_image_index") if isinstance(event, dict) else None
        for image in lifted:
            if image is None or self._partials >= MAX_PREVIEWS or len(image) > MAX_PREVIEW_BYTES:
                continue
            number = index if type(index) is int and 0 <= index < MAX_PREVIEWS else self._partials
            self._partials += 1
            try:
                self._on_partial(number, image)
            except Exception as error:
                log.warning("A preview can't be shown: %s", error)


def _is_image(data: bytes | None) -> bool:
    return data is not None and sniff(data) is not None


def _entries(event: object) -> list[dict[str, Any]]:
    """Where an event may have its images: itself, or as in a document."""
    if not isinstance(event, dict):
        return []
    data = event.get("data")
    return (
        [event, *(entry for entry in data if isinstance(entry, dict))] if isinstance(data, list) else [event]
    )


def _link(entry: dict[str, Any]) -> str:
    """The address in an entry; empty where there is none."""
    found = entry.get("url")
    return replace_half_characters(found).strip() if isinstance(found, str) else ""


def read_usage(found: object, svg: object = None) -> Usage | None:
    """Tokens by kind; None where the answer tells none, or numbers that can't be right.

    :param svg: what the model that draws an SVG took; None where it says nothing of it.
    """
    drawn = {} if svg is None else svg
    if not isinstance(found, dict) or not isinstance(drawn, dict):
        return None
    inputs, outputs = _details(found, "input_tokens_details"), _details(found, "output_tokens_details")
    if inputs is None or outputs is None:
        return None
    total, output = _count(found, "input_tokens"), _count(found, "output_tokens")
    text_in, image_in = _count(inputs, "text_tokens"), _count(inputs, "image_tokens")
    text_out = _count(outputs, "text_tokens")
    svg_in, svg_out = _count(drawn, "input_tokens"), _count(drawn, "output_tokens")
    if total is None or text_in is None or image_in is None or text_out is None:
        return None
    if svg_in is None or svg_out is None:
        return None
    if not output or text_out > output:
        return None
    return Usage(text_in if inputs else total, image_in, text_out, output - text_out, svg_in, svg_out)


def _details(usage: dict[str, Any], key: str) -> dict[str, Any] | None:
    """One level of details, empty where they are left out; None where they are none."""
    found = usage.get(key)
    return {} if found is None else found if isinstance(found, dict) else None


def _count(values: dict[str, Any], key: str) -> int | None:
    """A number of tokens, 0 where it is left out; None where it is none."""
    found = values.get(key)
    if found is None:
        return 0
    return found if type(found) is int and found >= 0 else None
