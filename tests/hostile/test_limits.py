"""Answers that never end, in time or in bytes, or that unpack to more than anybody has."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from gpt_image_addon.core.errors import (
    APIStatusError,
    APITimeoutError,
    EndpointError,
    GptImageError,
    InvalidResponseError,
)
from gpt_image_addon.core.http import client
from gpt_image_addon.core.http.decompression import Unpacker
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.providers.openai import models_endpoint
from gpt_image_addon.core.results.body_file import BODY_FILE

from .bench import IMAGE, KEY, TEXT, Bench, document
from .server import HostileServer, Piece, chunked, endless, events, http, zipped

SECONDS = 0.6  # that an answer may take here
IN_TIME = 6.0  # far above that, far below what it would take without a limit
START = document()[:10]
STREAM = http(b"", kind="text/event-stream", length=False)
CHUNKED = http(b"", "200 OK", "Transfer-Encoding: chunked", length=False)
LONG = http(b"", "200 OK", "Content-Length: 5000000", length=False)


def drip(data: bytes, seconds: float = 0.1) -> Iterator[Piece]:
    """A byte now and then."""
    for at in range(len(data)):
        yield data[at : at + 1]
        yield seconds


TRICKLES: dict[str, list[Piece]] = {
    "nothing": [endless(b"", 0.1)],
    "comments": [STREAM, endless(b": wait\n\n", 0.1)],
    "previews of nothing": [STREAM, endless(b"event: x\ndata: {}\n\n", 0.1)],
    "go on": [endless(b"HTTP/1.1 100 Continue\r\n\r\n", 0.1)],
    "early hints": [endless(b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.1)],
    "a slow head": [drip(http(document()))],
    "a slow status": [b"HTTP/1.1 ", endless(b"2", 0.1)],
    "a header now and then": [b"HTTP/1.1 200 OK\r\n", endless(b"X: y\r\n", 0.1)],
    "a slow body": [LONG, drip(document() * 100)],
    "spaces": [LONG, endless(b" ", 0.1)],
    "small pieces": [CHUNKED, endless(b"1\r\n{\r\n", 0.1)],
    "a slow length of a piece": [CHUNKED, endless(b"0", 0.1)],
    "a slow extension": [CHUNKED, b"1;", endless(b"x", 0.1)],
    "slow trailers": [CHUNKED, b"0\r\n", endless(b"X: y\r\n", 0.1)],
    "a slow error": [http(b"", "500 Oh", "Content-Length: 5000000", length=False), endless(b" ", 0.1)],
    "slow zeros": [http(b"", "200 OK", "Content-Encoding: gzip", length=False), drip(zipped(bytes(10**6)))],
}


@pytest.mark.parametrize("pieces", TRICKLES.values(), ids=TRICKLES)
def test_an_answer_has_a_last_moment(bench: Bench, hostile: HostileServer, pieces: list[Piece]) -> None:
    bench.seconds = SECONDS
    hostile.answer(*pieces)
    began = time.monotonic()
    ended = bench.run()
    assert time.monotonic() - began < IN_TIME
    assert isinstance(ended.error, APITimeoutError)
    assert (ended.error.exit_code, ended.error.billed) == (6, "maybe")
    assert ended.entry.state is JobState.UNKNOWN and len(hostile.requests) == 1


@pytest.mark.parametrize(
    "pieces",
    [
        [LONG, document(), endless(b" ", 0.1)],
        [LONG, document()[:-2], endless(b" ", 0.1)],
        [CHUNKED, b"%x\r\n%b\r\n" % (len(document()), document()), endless(b"1\r\n \r\n", 0.1)],
        [STREAM, events(json.dumps({"b64_json": TEXT}).encode()), endless(b": wait\n", 0.1)],
        [LONG, zipped(document()), endless(b"\0", 0.1)],
    ],
    ids=["spaces after it", "not closed", "pieces", "stream", "zipped"],
)
def test_what_came_before_the_last_moment_is_kept(
    bench: Bench, hostile: HostileServer, pieces: list[Piece]
) -> None:
    bench.seconds = SECONDS
    hostile.answer(*pieces)
    ended = bench.run(n=2)
    assert ended.images == [IMAGE] and ended.prepared.warnings


@pytest.mark.parametrize("pieces", [TRICKLES["spaces"], TRICKLES["go on"]], ids=["spaces", "go on"])
def test_a_list_of_models_has_a_last_moment(
    hostile: HostileServer, pieces: list[Piece], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has pressed a button and waits."""
    assert models_endpoint.SECONDS <= 60
    monkeypatch.setattr(models_endpoint, "SECONDS", SECONDS)
    hostile.answer(*pieces)
    began = time.monotonic()
    with pytest.raises(APITimeoutError):
        models_endpoint.list_models(Connection(hostile.base_url, KEY))
    assert time.monotonic() - began < IN_TIME


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that are reached in a moment; the true ones are a hundred times higher."""
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 1_000_000)
    monkeypatch.setattr(client, "MAX_IMAGE_BYTES", 1_000_000)
    monkeypatch.setattr(client, "MAX_ERROR_BYTES", 500_000)


BLOCK = b"x" * 60_000
FLOODS: dict[str, list[Piece]] = {
    "a text": [http(b"", length=False), b'{"x": "', endless(BLOCK)],
    "an image": [http(b"", length=False), b'{"b64_json": "', endless(b"A" * 60_000)],
    "spaces": [http(b"", length=False), endless(b" " * 60_000)],
    "a line": [STREAM, endless(BLOCK)],
    "a comment": [STREAM, b":", endless(BLOCK)],
    "data": [STREAM, b"data: ", endless(BLOCK)],
    "events": [STREAM, endless(b"data: {}\n\n" * 5000)],
    "pieces": [CHUNKED, endless(b"1\r\n \r\n" * 10_000)],
    "the length of a piece": [CHUNKED, endless(b"0" * 60_000)],
    "an extension": [CHUNKED, b"1;", endless(BLOCK)],
    "trailers": [CHUNKED, b"0\r\n", endless(b"X: y\r\n" * 10_000)],
    "a long header": [b"HTTP/1.1 200 OK\r\nX: ", endless(BLOCK)],
    "many headers": [b"HTTP/1.1 200 OK\r\n", endless(b"X: y\r\n" * 10_000)],
    "a status": [b"HTTP/1.1 200 ", endless(BLOCK)],
    "no status": [endless(BLOCK)],
    "go on": [endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)],
    "early hints": [endless(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000)],
}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("pieces", FLOODS.values(), ids=FLOODS)
def test_an_answer_has_a_last_byte(bench: Bench, hostile: HostileServer, pieces: list[Piece]) -> None:
    hostile.answer(*pieces)
    ended = bench.run()
    assert (ended.error.exit_code, ended.error.billed) == (6, "maybe")
    assert hostile.sent < 20_000_000


ZEROS = bytes(60_000_000)
DEFLATED = zlib.compress(ZEROS)
BOMBS: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", zipped(ZEROS)),
    "gzip in gzip": ("gzip, gzip", zipped(ZEROS, 2)),
    "three times": ("gzip, gzip, gzip", zipped(ZEROS, 3)),
    "unsaid": ("identity", zipped(ZEROS, 2)),
    "filling inside": ("gzip", zipped(zipped(b"{}") + ZEROS)),
    "deflate": ("deflate", DEFLATED),
    "bare deflate": ("deflate", DEFLATED[2:-4]),
    "after an image": ("gzip", zipped(document()[:-1] + ZEROS)),
}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("encoding", "body"), BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
def test_what_unpacks_without_end_is_not_unpacked(
    bench: Bench, hostile: HostileServer, encoding: str, body: bytes, status: str
) -> None:
    hostile.answer(http(body, status, f"Content-Encoding: {encoding}"))
    tracemalloc.start()
    try:
        ended = bench.run()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 15_000_000
    if body is BOMBS["after an image"][1]:
        assert ended.images == [IMAGE]
    elif status == "200 OK":
        assert isinstance(ended.error, InvalidResponseError) and ended.error.code == "answer_too_large"
        assert ended.files == {BODY_FILE: body[: len(ended.files[BODY_FILE])]}
    else:
        assert isinstance(ended.error, APIStatusError | InvalidResponseError)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("status", ["301 Moved", "307 Moved", "399 Gone"])
def test_what_comes_with_a_redirect_is_not_read(bench: Bench, hostile: HostileServer, status: str) -> None:
    head = http(b"", status, "Location: https://elsewhere.example/v1", "X-Request-Id: r-1", length=False)
    hostile.answer(head, endless(BLOCK))
    ended = bench.run()
    assert isinstance(ended.error, EndpointError)
    assert (ended.error.exit_code, ended.error.code, ended.error.billed) == (3, "redirected", "no")
    assert ended.error.request_id == "r-1" and "Correct the base URL." in ended.text
    assert hostile.sent < 20_000_000 and len(hostile.requests) == 1 and not ended.files


@pytest.mark.parametrize(
    "target", ["http://[", "", "/" + "a" * 100_000, "https://\xff/", "javascript:alert(1)"]
)
def test_a_redirect_to_nowhere_is_a_redirect(bench: Bench, hostile: HostileServer, target: str) -> None:
    hostile.answer(http(b"", "302 Found", f"Location: {target[:60000]}"))
    assert bench.run().error.code == "redirected"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("status", "code"), [("429 Slow", 6), ("400 Bad", 4), ("401 No", 3), ("500 Oh", 6)])
def test_an_error_that_never_ends_is_that_error(
    bench: Bench, hostile: HostileServer, status: str, code: int
) -> None:
    hostile.answer(http(b"", status, length=False), b'{"error": {"message": "', endless(BLOCK))
    ended = bench.run()
    assert isinstance(ended.error, APIStatusError)
    assert ended.error.exit_code == code and hostile.sent < 20_000_000
    assert len(ended.error.text) < 1000 and not ended.files


@pytest.mark.parametrize(("length", "too_large"), [(600_000_000, False), (600_000_001, True)])
def test_ten_of_the_largest_images_may_come(
    bench: Bench, hostile: HostileServer, length: int, too_large: bool
) -> None:
    hostile.answer(http(b"", "200 OK", f"Content-Length: {length}", length=False))
    ended = bench.run()
    assert (ended.error.code == "answer_too_large") is too_large
    assert ("larger than 600 MB" in ended.text) is too_large and ended.error.billed == "maybe"


@pytest.mark.parametrize(("length", "too_large"), [(64_000_000, False), (64_000_001, True)])
def test_an_answer_without_images_is_short(hostile: HostileServer, length: int, too_large: bool) -> None:
    hostile.answer(http(b"", "200 OK", f"Content-Length: {length}", length=False))
    with pytest.raises(GptImageError) as caught:
        client.send(Connection(hostile.base_url, KEY), "GET", "/models", RequestState())
    assert (caught.value.code == "answer_too_large") is too_large


def test_32_mb_of_an_error_are_read(bench: Bench, hostile: HostileServer) -> None:
    hostile.answer(http(b"", "400 Bad", length=False), b'{"error": {"message": "', endless(BLOCK))
    assert isinstance(bench.run().error, APIStatusError)
    assert 32_000_000 <= hostile.sent < 48_000_000  # what lies in the buffers between comes on top


def test_small_pieces_of_a_whole_answer(bench: Bench, hostile: HostileServer) -> None:
    body = document()
    hostile.answer(CHUNKED, chunked(body[at : at + 3] for at in range(0, len(body), 3)))
    assert bench.run().images == [IMAGE]


def test_filling_after_the_end_is_not_collected() -> None:
    """zlib would keep all of it, and copy it with each piece."""
    unpacker = Unpacker("gzip", 10**6)
    assert b"".join(unpacker.feed(gzip.compress(b"image"))) == b"image"
    assert list(unpacker.feed(b"\0" * 1000)) == []
    tracemalloc.start()
    try:
        for _ in range(100):
            assert list(unpacker.feed(b"\0" * 10_000)) == []
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


def test_a_member_that_begins_at_the_end_of_a_piece_is_unpacked() -> None:
    first, second = gzip.compress(b"one "), gzip.compress(b"two")
    for split in range(len(first), len(first) + 4):
        unpacker, whole = Unpacker("gzip", 10**6), first + second
        pieces = [*unpacker.feed(whole[:split]), *unpacker.feed(whole[split:]), *unpacker.close()]
        assert b"".join(pieces) == b"one two"
