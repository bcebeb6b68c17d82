"""Event streams and base64 that come in pieces: read alike, wherever they are cut."""

from __future__ import annotations

import base64
import json
import random

import pytest

from gpt_image_addon.core.http.json_images import JsonImageExtractor
from gpt_image_addon.core.http.sse import EventParser

IMAGE = random.Random(1).randbytes(1000)
TEXT = base64.b64encode(IMAGE).decode()

STREAM = (
    b": hello\n\n"
    b'event: a\ndata: {"one": 1}\n\n'
    b"retry: 10\nid: 7\n"
    b'data:{"two":\ndata: 2}\n\n'
    b"\n"
    b": only a comment\n\n"
    b"data: [DONE]\n\n"
)
EVENTS = [("a", b'{"one": 1}'), ("", b'{"two":\n 2}'), ("", b"[DONE]")]


def events_of(pieces: list[bytes]) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    data = bytearray()

    def on_event(name: str) -> None:
        found.append((name, bytes(data).strip()))
        data.clear()

    parser = EventParser(data.extend, on_event)
    for piece in pieces:
        parser.feed(piece)
    parser.close()
    return found


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 10_000])
def test_events_are_found_wherever_the_stream_is_cut(ending: bytes, size: int) -> None:
    assert events_of(cut(STREAM.replace(b"\n", ending), size)) == EVENTS


def test_events_are_found_at_every_single_cut() -> None:
    stream = STREAM.replace(b"\n", b"\r\n")
    for at in range(len(stream)):
        assert events_of([stream[:at], b"", stream[at:]]) == EVENTS


def test_a_last_event_without_its_blank_line_counts() -> None:
    assert events_of([b"data: 1\n\ndata: 2"]) == [("", b"1"), ("", b"2")]
    assert events_of([b"event: x\n\n"]) == []


ESCAPED = TEXT.replace("+", "\\u002B").replace("=", "\\u003d")
DOCUMENTS = {
    "plain": f'{{"data": [{{"b64_json": "{TEXT}"}}, {{"b64_json":"{TEXT}"}}], "usage": 1}}',
    "spaced": f'{{"data": [{{"b64_json" \n: "{TEXT}"}}, {{"b64_json"  :\t"{TEXT}"}}], "usage": 1}}',
    "slashes": json.dumps({"data": [{"b64_json": TEXT}] * 2, "usage": 1}).replace("/", "\\/"),
    "escapes": f'{{"data": [{{"b64_json": "{ESCAPED}"}}, {{"b64_json":"{TEXT}"}}], "usage": 1}}',
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 61, 64, 999, 10_000])
def test_images_are_lifted_wherever_the_text_is_cut(name: str, size: int) -> None:
    lifter = JsonImageExtractor()
    for piece in cut(DOCUMENTS[name].encode(), size):
        lifter.feed(piece)
    assert json.loads(lifter.close()) == {"data": [{"b64_json": ""}] * 2, "usage": 1}
    assert lifter.images == [IMAGE, IMAGE]


@pytest.mark.parametrize(
    "text",
    [
        TEXT[:-3],
        "AAA=" + TEXT,
        TEXT[:9] + "!" + TEXT[10:],
        "",
        "====",
        TEXT[:8] + "==" + TEXT[8:],
        TEXT[:5],
        "\\u00e9AAA",
        "\\x",
    ],
)
@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_broken_base64_is_none_and_the_next_image_whole(text: str, size: int) -> None:
    lifter = JsonImageExtractor()
    for piece in cut(f'[{{"b64_json": "{text}"}}, {{"b64_json": "{TEXT}"}}]'.encode(), size):
        lifter.feed(piece)
    assert lifter.images == [None, IMAGE]


def test_an_image_that_is_cut_off_is_none() -> None:
    lifter = JsonImageExtractor()
    lifter.feed(f'{{"b64_json": "{TEXT}"}}, {{"b64_json": "{TEXT[:8]}'.encode())
    lifter.close()
    assert lifter.images == [IMAGE, None]


def test_words_that_look_like_an_image_stay() -> None:
    text = json.dumps({"prompt": 'say "b64_json": "AAAA" please', "b64_json": None})
    lifter = JsonImageExtractor()
    for piece in cut(text.encode(), 7):
        lifter.feed(piece)
    assert lifter.close() == text.encode() and lifter.images == []
