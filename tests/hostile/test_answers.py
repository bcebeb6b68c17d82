"""A whole image beside something odd: it gets to the disk, and the oddity costs no more than itself."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gpt_image_addon.core.errors import InvalidResponseError
from gpt_image_addon.core.http.client import Reply
from gpt_image_addon.core.providers.openai.response import AnswerReader
from gpt_image_addon.core.results.body_file import BODY_FILE

from .bench import IMAGE, TEXT, USAGE, Bench, document, encode
from .server import HostileServer, events, http, zipped

DEEP = b"[" * 100_000
GOOD = {"b64_json": TEXT}


def beside(name: str, text: str) -> bytes:
    """A whole answer with one more member, as it is."""
    return document(GOOD, usage=USAGE)[:-1] + f', "{name}": {text}}}'.encode()


ODDITIES: dict[str, bytes] = {
    "url is a number": document(GOOD, {"url": 5}),
    "url is a list": document(GOOD, {"url": ["https://x.example/a.png"]}),
    "broken IPv6": document(GOOD, {"url": "https://[::1/a.png"}),
    "broken IPv6 in a port": document(GOOD, {"url": "https://[::1]:99999999/a.png"}),
    "url of half characters": document(GOOD, {"url": "https://\ud800/a\udfff.png"}),
    "url with line breaks": document(GOOD, {"url": "https://a.invalid/\r\nX: y"}),
    "url without a host": document(GOOD, {"url": "https:///a.png"}),
    "url of a megabyte": document(GOOD, {"url": "https://a.invalid/" + "a" * 10**6}),
    "host that is no name": document(GOOD, {"url": "https://" + "ä" * 300 + "./a.png"}),
    "a file of this machine": document(GOOD, {"url": "file:///etc/hostname"}),
    "unsafe link": document(GOOD, {"url": "http://images.example.com/a.png"}),
    "huge usage": beside("x", "1" + "0" * 400),
    "number of 5,000 digits": beside("x", "9" * 5000),
    "brackets": beside("x", DEEP.decode()),
    "nested deep": beside("x", "[" * 900 + "]" * 900),
    "half characters": beside("x", '"\\ud800 \\udfff"'),
    "half characters as bytes": document(GOOD)[:-1] + b', "x": "\xed\xa0\x80"}',
    "NaN": beside("x", "NaN"),
    "nul": document(GOOD)[:-1] + b', "x": "\0"}',
    "not closed": document(GOOD)[:-2],
    "more after the end": document(GOOD) + b"garbage",
    "twice": document(GOOD) + document(GOOD),
    "data is an object": json.dumps({"data": GOOD}).encode(),
    "data is a text": json.dumps({"data": "x", "image": GOOD}).encode(),
    "a list of entries": json.dumps([GOOD]).encode(),
    "alone": json.dumps(GOOD).encode(),
    "null before it": document(None, GOOD),
    "null, text and list beside it": document(None, "x", [], 5, GOOD),
    "an empty entry": document({}, GOOD),
    "an empty image with no link": document({"b64_json": ""}, GOOD),
    "an image that is a number": document({"b64_json": 5}, GOOD),
    "an image that is no base64": document({"b64_json": "!!!"}, GOOD),
    "an error beside it": document(GOOD, error={"message": "late"}),
    "an error of another form": document(GOOD, error=[5]),
    "usage is a list": document(GOOD, usage=[1]),
    "key in escapes": document(GOOD).replace(b"b64_json", b"b64\\u005fjson"),
    "key with much space": document(GOOD).replace(b'"b64_json":', b'"b64_json" \n' + b" " * 5000 + b": "),
    "utf-16": document(GOOD).decode().encode("utf-16"),
    "utf-16 without a mark": document(GOOD).decode().encode("utf-16-le"),
    "utf-32": document(GOOD).decode().encode("utf-32"),
    "utf-8 with a mark": b"\xef\xbb\xbf" + document(GOOD),
    "blank lines before it": b"\r\n \t\n" * 50 + document(GOOD),
    "in lines": document({"b64_json": "\n".join(TEXT[at : at + 60] for at in range(0, len(TEXT), 60))}),
    "in lines of windows": document(
        {"b64_json": "\r\n".join(TEXT[at : at + 76] for at in range(0, len(TEXT), 76)) + "\r\n"}
    ),
    "raw line breaks": document({"b64_json": "@"}).replace(b"@", f"{TEXT[:40]}\n{TEXT[40:]}".encode()),
    "a data URL": document({"b64_json": f"data:image/png;base64,{TEXT}"}),
    "a data URL in escapes": document({"b64_json": "@"}).replace(
        b"@", f"data:image\\/png;base64,{TEXT}".encode()
    ),
    "a data URL as a link": document({"url": f"DATA:image/png;base64,{TEXT}"}),
    "the alphabet of URLs": document({"b64_json": TEXT.replace("+", "-").replace("/", "_")}),
    "no padding": document({"b64_json": TEXT.rstrip("=")}),
    "escaped slashes": document(GOOD).replace(TEXT.encode(), TEXT.replace("/", "\\/").encode()),
    "the bare image": IMAGE,
    "zipped": zipped(document(GOOD)),
    "zipped twice": zipped(document(GOOD), 2),
    "zipped three times": zipped(document(GOOD), 3),
}


@pytest.mark.parametrize("body", ODDITIES.values(), ids=ODDITIES)
def test_an_image_beside_an_oddity_is_kept(bench: Bench, hostile: HostileServer, body: bytes) -> None:
    hostile.answer(http(body))
    ended = bench.run()
    assert IMAGE in ended.images
    assert [image.sha256 for image in ended.prepared.images]


def test_the_image_shows_all_that_base64_has() -> None:
    assert TEXT.endswith("=") and ("+" in TEXT or "/" in TEXT)


STREAMS: dict[str, bytes] = {
    "brackets": events(json.dumps(GOOD).encode()[:-1] + b', "x": ' + DEEP + b"}"),
    "5,000 digits": events(json.dumps(GOOD).encode()[:-1] + b', "x": ' + b"9" * 5000 + b"}"),
    "type is a number": events(json.dumps({**GOOD, "type": 5}).encode()),
    "another name": events(json.dumps(GOOD).encode(), name="image.done"),
    "no name": b"data: " + json.dumps(GOOD).encode() + b"\n\n",
    "a whole document": b"data: " + document(GOOD) + b"\n\n",
    "not ended": b"data: " + json.dumps(GOOD).encode(),
    "cut after the image": events(json.dumps(GOOD).encode()[:-1]),
    "long comments": b":" + b"x" * 300_000 + b"\n\n" + events(json.dumps(GOOD).encode()),
    "long names": b"event: " + b"x" * 300_000 + b"\n" + events(json.dumps(GOOD).encode()),
    "utf-16": events(json.dumps(GOOD).encode()).decode().encode("utf-16"),
    "utf-8 with a mark": b"\xef\xbb\xbf" + events(json.dumps(GOOD).encode()),
    "usage is huge": events(json.dumps({**GOOD, "usage": {"output_tokens": 10**400}}).encode()),
    "an event of an error's form before": events(b'{"error": null}', json.dumps(GOOD).encode()),
    "base64 of nothing before it": events(
        json.dumps({"b64_json": "A" * 400}).encode(), json.dumps(GOOD).encode()
    ),
    "texts and lists": events(b'"x"', b"[]", b"5", b"null", b"{", json.dumps(GOOD).encode()),
}
PREVIEWS: dict[str, Any] = {
    "index of 400 digits": int("1" + "0" * 400),
    "negative index": -(10**18),
    "half an index": 0.5,
    "text": "x",
    "list": [1],
    "true": True,
}


@pytest.mark.parametrize("body", STREAMS.values(), ids=STREAMS)
def test_an_image_in_an_odd_stream_is_kept(bench: Bench, hostile: HostileServer, body: bytes) -> None:
    hostile.answer(http(body, kind="text/event-stream", length=False))
    assert IMAGE in bench.run(partial_images=1).images


def preview(index: object, text: str = TEXT) -> bytes:
    kind = "image_generation.partial_image"
    return events(
        json.dumps({"type": kind, "b64_json": text, "partial_image_index": index}).encode(), name=kind
    )


@pytest.mark.parametrize("index", PREVIEWS.values(), ids=PREVIEWS)
def test_a_preview_with_an_odd_index_is_only_a_preview(
    bench: Bench, hostile: HostileServer, index: object
) -> None:
    final = encode(shade=12)
    body = preview(index) + events(json.dumps({"b64_json": base64.b64encode(final).decode()}).encode())
    hostile.answer(http(body))
    ended = bench.run(partial_images=1)
    assert ended.images == [final] and BODY_FILE not in ended.files
    assert all(0 <= event.progress <= 1 for event in ended.events if event.progress is not None)


def test_a_preview_that_is_no_image_or_a_bomb_spoils_nothing(bench: Bench, hostile: HostileServer) -> None:
    bomb = base64.b64encode(bomb_of(60_000)).decode()
    body = preview(0, bomb) + preview(1, "AAAA") + preview(2, "!") + events(json.dumps(GOOD).encode())
    hostile.answer(http(body))
    assert bench.run(partial_images=3).images == [IMAGE]


def test_whoever_looks_at_previews_can_not_break_the_answer() -> None:
    def look(number: int, data: bytes) -> None:
        raise MemoryError(number)

    reader = AnswerReader(1, look)
    assert reader.open(Reply(200, {})) is reader
    reader.feed(preview(0) + preview(1) + events(json.dumps(GOOD).encode()))
    assert reader.answer().images == (IMAGE,)


def test_previews_without_end_are_not_all_shown(bench: Bench, hostile: HostileServer) -> None:
    hostile.answer(http(preview(0) * 5000 + events(json.dumps(GOOD).encode())))
    ended = bench.run(partial_images=1)
    assert ended.images == [IMAGE]
    assert len([event for event in ended.events if event.partial]) < 50


def bomb_of(edge: int) -> bytes:
    """A PNG whose head names many pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"0"))
        + chunk(b"IEND", b"")
    )


HEADS: dict[str, bytes] = {
    "two equal lengths": http(document(), "200 OK", f"Content-Length: {len(document())}"),
    "two lengths": http(document(), "200 OK", "Content-Length: 5"),
    "length is no number": http(document(), "200 OK", "Content-Length: x", length=False),
    "negative length": http(document(), "200 OK", "Content-Length: -5", length=False),
    "length with a sign": http(document(), "200 OK", "Content-Length: +5", length=False),
    "length of 5,000 digits": http(document(), "200 OK", "Content-Length: " + "9" * 5000, length=False),
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + http(document()),
    "processing": b"HTTP/1.1 102 Processing\r\n\r\n" + http(document()),
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + http(document()),
    "it says it is zipped": http(document(), "200 OK", "Content-Encoding: gzip"),
    "it says brotli": http(document(), "200 OK", "Content-Encoding: br"),
    "a chain of encodings": http(document(), "200 OK", "Content-Encoding: " + ", ".join(["gzip"] * 50)),
    "an encoding of its own": http(document(), "200 OK", "Content-Encoding: \x80\xff"),
    "a type of its own": http(document(), kind="image/\x00\xff; charset=nonsense"),
    "201": http(document(), "201 Created"),
    "206": http(document(), "206 Partial Content"),
    "299 and no reason": http(document(), "299"),
    "an error's status": http(document(), "500 Internal Server Error"),
    "a refusal's status": http(document(), "400 Bad Request"),
    "cookies": http(document(), "200 OK", *[f"Set-Cookie: {'a' * 4000}={number}" for number in range(20)]),
    "an odd id": http(document(), "200 OK", "x-request-id: \xff\x1b[31m" + "a" * 5000),
    "no head to speak of": b"HTTP/1.0 200\r\n\r\n" + document(),
    "a header that is none": http(document(), "200 OK", "nonsense"),
    "folded": http(document(), "200 OK", "X-A: b\r\n c"),
    "longer than it says": http(document() + b" " * 1000),
}


@pytest.mark.parametrize("answer", HEADS.values(), ids=HEADS)
def test_an_image_behind_an_odd_head_is_kept(bench: Bench, hostile: HostileServer, answer: bytes) -> None:
    hostile.answer(answer)
    ended = bench.run()
    assert ended.images == [IMAGE] and len(hostile.requests) == 1
    assert ended.entry.request_id is None or (
        ended.entry.request_id.isprintable() and len(ended.entry.request_id) <= 200
    )


UNREADABLE: dict[str, bytes] = {
    "an image that is no base64": document({"b64_json": TEXT[:40] + "*" + TEXT[40:]}),
    "cut in the image": document(GOOD)[:60],
    "a web page": b"<!DOCTYPE html><title>Welcome</title>",
    "no JSON": b"{nonsense",
    "brackets": DEEP,
    "no data": b'{"created": 1}',
    "empty": document().replace(TEXT.encode(), b""),
    "half a character": b'{"x": "\\ud800"}',
    "an unsafe link": document({"url": "http://images.example.com/a.png?signature=abc"}),
    "a link to a file": document({"url": "file:///etc/passwd"}),
    "not gzip": b"\x1f\x8b\x08" + b"nonsense" * 5,
    "binary": bytes(range(256)) * 5,
    "a stream without an image": events(b'{"type": "x"}'),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_can_not_be_read_is_kept_and_named(bench: Bench, hostile: HostileServer, body: bytes) -> None:
    hostile.answer(http(body))
    ended = bench.run()
    assert ended.error.exit_code == 6 and ended.error.billed in ("maybe", "yes")
    assert ended.files == {BODY_FILE: body}
    folder = next(bench.journal.results.glob(f"*/{ended.entry.id}"))
    assert str(folder / BODY_FILE) in ended.error.text
    assert len(hostile.requests) == 1


@pytest.mark.parametrize("link", ["http://images.example.com/a.png", "//x.example/a", "http://[::1"])
def test_a_link_that_is_not_followed_is_told(bench: Bench, hostile: HostileServer, link: str) -> None:
    hostile.answer(http(document({"url": link})))
    assert link in bench.run().error.text
    hostile.answer(http(document(GOOD, {"url": link})))
    ended = bench.run(n=2)
    assert link in ended.text and ended.images == [IMAGE] and BODY_FILE in ended.files


def test_the_password_of_a_link_is_not_told(bench: Bench, hostile: HostileServer) -> None:
    hostile.answer(http(document({"url": "ftp://somebody:swordfish@x.example/a.png"})))
    ended = bench.run()
    assert "x.example/a.png" in ended.text and "swordfish" not in ended.text


@pytest.mark.parametrize("text", ["\ud800 broken", "\udfff", "a\ud83d"])
@pytest.mark.parametrize("status", ["400 Bad Request", "500 Oh", "200 OK"])
def test_half_characters_in_an_errors_text(
    bench: Bench, hostile: HostileServer, text: str, status: str
) -> None:
    error = {"message": text, "code": text, "param": text, "type": text}
    hostile.answer(http(json.dumps({"error": error}).encode(), status))
    ended = bench.run()
    assert ended.error.exit_code in (4, 6)


def test_more_images_than_were_asked_for_do_not_fill_the_disk(bench: Bench, hostile: HostileServer) -> None:
    hostile.answer(http(document(*[GOOD] * 3000)))
    ended = bench.run()
    assert 1 <= len(ended.images) <= 100 and BODY_FILE in ended.files


def test_an_image_that_is_a_bomb_stays_on_the_disk(bench: Bench, hostile: HostileServer) -> None:
    bomb = bomb_of(60_000)
    hostile.answer(http(document({"b64_json": base64.b64encode(bomb).decode()})))
    ended = bench.run()
    assert (ended.error.exit_code, ended.error.billed) == (6, "yes")
    assert ended.files["image-1.png"] == bomb and ended.entry.id in ended.error.text


def test_only_the_last_answer_is_kept(bench: Bench, hostile: HostileServer) -> None:
    busy = http(b'{"error": {"message": "busy", "type": "server_error"}}', "500 Oh")
    hostile.answers = [[busy], [busy], [http(b"{}")]]
    ended = bench.run()
    assert len(hostile.requests) == 3 and isinstance(ended.error, InvalidResponseError)
    assert ended.files == {BODY_FILE: b"{}"}
