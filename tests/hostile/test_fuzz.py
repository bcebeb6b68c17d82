"""Answers that nobody thought of: bent JSON, streams, heads, usages and errors, as chance makes them.

Each runs for some seconds; GPT_IMAGE_FUZZ_SECONDS lets each run longer.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest

pytest.importorskip("hypothesis", reason="a full Blender's folder for tests may be older")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpt_image_addon.core.errors import APIStatusError
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.results.body_file import BODY_FILE

from .bench import IMAGE, KEY, TEXT, USAGE, Bench, Ended, document
from .server import HostileServer, chunked, http, zipped

SECONDS = float(os.environ.get("GPT_IMAGE_FUZZ_SECONDS", "3"))
EXAMPLES_A_SECOND = 40
ANSWER_SECONDS = 10.0

fuzzing = settings(
    max_examples=max(40, int(SECONDS * EXAMPLES_A_SECOND)),
    deadline=None,
    database=None,
    derandomize="GPT_IMAGE_FUZZ_SECONDS" not in os.environ,  # a check must not fail by chance
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


class Fuzz:
    """One bench for all examples of a test, until its time is over."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._end = time.monotonic() + SECONDS
        self._failed = False

    @property
    def over(self) -> bool:
        """A failure is looked into to its end."""
        return time.monotonic() > self._end and not self._failed

    def run(self, *pieces: Any, **changes: Any) -> Ended:
        self.bench.server.answer(*pieces)
        try:
            return self.bench.run(**changes)
        except BaseException:
            self._failed = True
            raise

    def check(self, holds: bool) -> None:
        """What must hold of the example."""
        self._failed = self._failed or not holds
        assert holds


@pytest.fixture(scope="module")
def fuzz_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Afterwards the key is in no file at all."""
    state = tmp_path_factory.mktemp("fuzz") / "state"
    with pytest.MonkeyPatch.context() as patch, HostileServer() as server:
        patch.setattr(RequestState, "wait", lambda self, seconds: self.check())  # the clock
        bench = Bench(server, state)
        bench.seconds = ANSWER_SECONDS
        yield bench
        bench.close()
    assert not [path for path in files_in(state) if KEY.encode() in path.read_bytes()]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def fuzz(fuzz_bench: Bench) -> Fuzz:
    return Fuzz(fuzz_bench)


WORDS = st.sampled_from(
    [
        *(
            "",
            "x",
            "\x1b[31mred",
            "\u202egnp",
            "\0",
            "\ud800",
            "a" * 5000,
            KEY,
            f"Bearer {KEY}",
            "%s{}",
            "../../x",
        ),
        *("moderation_blocked", "insufficient_quota", "rate_limit_exceeded", "invalid_api_key", "model"),
        *("try again in 9s", "try again in " + "9" * 5000 + "h", "must be verified", "<html>", "data:,x"),
        *("http://[", "https://[::1", "file:///etc/passwd", "http://images.example.com/a.png", "https://"),
        *("image_generation.partial_image", "image_generation.completed", "error"),
    ]
)
NUMBERS = st.sampled_from(
    [0, -1, 1, 0.5, 300, 10**18, 10**30, 10**400, float("nan"), float("inf"), True, False, None]
)
KEYS = st.sampled_from(
    [
        *("data", "b64_json", "url", "error", "usage", "type", "code", "message", "param", "created", "x"),
        *("output_tokens", "input_tokens", "input_tokens_details", "text_tokens", "partial_image_index"),
        *("moderation_details", "categories", "moderation_stage", "detail"),
    ]
)
GOOD = st.just({"b64_json": TEXT})
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(WORDS, NUMBERS, GOOD),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=12,
)
CODECS = st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
STATUSES = st.sampled_from(["200 OK", "200 OK", "201 Created", "206 Partial", "299 Odd"])


def written(value: Any, codec: str = "utf-8") -> bytes:
    return json.dumps(value).encode(codec)


@st.composite
def bent(draw: st.DrawFn, source: bytes) -> bytes:
    """Bytes of which some were changed, doubled or left out."""
    body = bytearray(source)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body)))
        length = draw(st.integers(0, 12))
        piece = draw(
            st.sampled_from(
                [b"", b'"', b"{", b"}", b"[", b"\0", b"\xff", b"\n", b"\\", b"[" * 3000, b"9" * 5000]
            )
        )
        body[at : at + length] = piece * draw(st.integers(0, 2))
    return bytes(body)


@st.composite
def framed(draw: st.DrawFn, body: bytes) -> list[Any]:
    """A body as HTTP brings it, in one of its ways."""
    status, zips = draw(STATUSES), draw(st.sampled_from([0, 0, 0, 1, 2]))
    body = zipped(body, zips)
    way = draw(st.sampled_from(["length", "close", "chunked", "short", "long"]))
    if way == "chunked":
        size = draw(st.integers(1, 5000))
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        return [http(b"", status, "Transfer-Encoding: chunked", length=False), b"".join(chunked(pieces))]
    if way in ("short", "long"):
        length = max(0, len(body) + (draw(st.integers(1, 50)) * (1 if way == "long" else -1)))
        return [http(body, status, f"Content-Length: {length}", length=False)]
    return [http(body, status, length=way == "length")]


def check_kept(fuzz: Fuzz, ended: Ended, sent: bytes) -> None:
    """A whole image that came is on the disk: as a file, or with all that was around it."""
    if TEXT.encode() not in sent or isinstance(ended.outcome, APIStatusError):
        return
    fuzz.check(IMAGE in ended.images or BODY_FILE in ended.files)


DOCUMENTS = st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {"data": st.lists(st.one_of(GOOD, VALUES), max_size=4)},
        optional={"usage": VALUES, "error": VALUES, "x": VALUES},
    ),
)


@fuzzing
@given(value=DOCUMENTS, codec=CODECS, count=st.integers(1, 3))
def test_documents(fuzz: Fuzz, value: Any, codec: str, count: int) -> None:
    if fuzz.over:
        return
    ended = fuzz.run(http(written(value, codec)), n=count)
    check_kept(fuzz, ended, written(value))
    entries = value.get("data") if isinstance(value, dict) else None
    if isinstance(entries, list) and {"b64_json": TEXT} in entries:
        fuzz.check(IMAGE in ended.images)


@st.composite
def bent_documents(draw: st.DrawFn) -> list[Any]:
    body = document({"b64_json": TEXT}, draw(VALUES), usage=draw(VALUES))
    return draw(framed(draw(bent(body))))


@fuzzing
@given(pieces=bent_documents())
def test_bent_documents(fuzz: Fuzz, pieces: list[Any]) -> None:
    if fuzz.over:
        return
    ended = fuzz.run(*pieces)
    if not isinstance(ended.outcome, APIStatusError):
        fuzz.check(IMAGE in ended.images or BODY_FILE in ended.files)


EVENTS = st.one_of(
    st.builds(
        lambda name, value: b"event: %b\ndata: %b\n\n" % (name.encode("utf-8", "replace"), written(value)),
        WORDS,
        VALUES,
    ),
    st.builds(
        lambda value: b"data: %b\n\n" % written({"type": "image_generation.completed", **value}),
        st.dictionaries(KEYS, VALUES, max_size=3),
    ),
    st.builds(
        lambda index, value: (
            b"data: %b\n\n"
            % written(
                {"type": "image_generation.partial_image", "b64_json": value, "partial_image_index": index}
            )
        ),
        NUMBERS,
        st.one_of(st.just(TEXT), WORDS),
    ),
    st.sampled_from(
        [
            b": wait\n\n",
            b"\n\n",
            b"\r\n",
            b"\r",
            b"data\n",
            b"id: 5\n",
            b"retry: x\n",
            b"data: [DONE]\n\n",
            b"\xff\xfe",
            b"data: {\n",
            b"junk",
        ]
    ),
)
FINAL = b"event: image_generation.completed\ndata: %b\n\n" % written({"b64_json": TEXT, "usage": USAGE})


@fuzzing
@given(
    before=st.lists(EVENTS, max_size=6),
    after=st.lists(EVENTS, max_size=6),
    returns=st.booleans(),
    size=st.integers(1, 700),
    count=st.integers(1, 2),
)
def test_streams(
    fuzz: Fuzz, before: list[bytes], after: list[bytes], returns: bool, size: int, count: int
) -> None:
    if fuzz.over:
        return
    body = b"data: {}\n\n" + b"".join(before) + b"\n\n" + FINAL + b"".join(after)
    body = body.replace(b"\n", b"\r\n") if returns else body
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    head = http(b"", "200 OK", "Transfer-Encoding: chunked", length=False, kind="text/event-stream")
    check_kept(fuzz, fuzz.run(head, b"".join(chunked(pieces)), partial_images=2, n=count), body)


@fuzzing
@given(body=st.lists(EVENTS, max_size=4).flatmap(lambda before: bent(b"".join(before) + FINAL)))
def test_bent_streams(fuzz: Fuzz, body: bytes) -> None:
    if fuzz.over:
        return
    check_kept(fuzz, fuzz.run(http(body), partial_images=1), body)


HEADER_NAMES = st.sampled_from(
    [
        *("Content-Length", "Transfer-Encoding", "Content-Encoding", "Content-Type", "x-request-id"),
        *("Retry-After", "retry-after-ms", "Date", "Location", "Set-Cookie", "Connection"),
        *("x-should-retry", "X", "", " ", "\xe9"),
    ]
)
HEADER_VALUES = st.one_of(
    st.sampled_from(
        [
            *("", "0", "5", "-1", "1e999", "nan", "chunked", "gzip", "gzip, gzip", "deflate", "br", "close"),
            *("9" * 5000, "Mon, 99 Foo 2026 99:99:99 GMT", "Sun, 06 Nov 9999 08:49:37 GMT", KEY, "\x1b[31m"),
            *("Sun, 06 Nov 1994 08:49:37 +9999", "http://[", "text/event-stream; charset=\xff", "\xff" * 300),
            "a=b; expires=x; domain=..",
        ]
    ),
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=20),
)
ANY_STATUS = st.one_of(
    st.integers(-5, 1200).map(str),
    st.sampled_from(
        ["200 OK", "204 No", "304 Same", "101 Switch", "400", "429 Slow", "503 Busy", "999", "2e2", ""]
    ),
)


@st.composite
def odd_heads(draw: st.DrawFn) -> bytes:
    headers = draw(st.lists(st.builds("{}: {}".format, HEADER_NAMES, HEADER_VALUES), max_size=6))
    body = draw(st.sampled_from([document(), FINAL, b"", written({"error": {"message": KEY}})]))
    answer = http(body, draw(ANY_STATUS), *headers, length=draw(st.booleans()))
    return draw(bent(answer[:80])) + answer[80:] if draw(st.booleans()) else answer


@fuzzing
@given(answer=odd_heads())
def test_heads(fuzz: Fuzz, answer: bytes) -> None:
    if not fuzz.over:
        fuzz.run(answer)


@fuzzing
@given(
    told=st.one_of(
        VALUES,
        st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(
                    ("total_tokens", "input_tokens", "output_tokens"), st.one_of(NUMBERS, st.integers())
                ),
                **dict.fromkeys(
                    ("input_tokens_details", "output_tokens_details"),
                    st.one_of(
                        VALUES,
                        st.dictionaries(
                            st.sampled_from(["text_tokens", "image_tokens"]),
                            st.one_of(NUMBERS, st.integers()),
                        ),
                    ),
                ),
            },
        ),
    )
)
def test_usages(fuzz: Fuzz, told: Any) -> None:
    if fuzz.over:
        return
    ended = fuzz.run(http(document(usage=told)))
    fuzz.check(ended.images[0] == IMAGE)
    fuzz.check(ended.entry.cost_usd is not None and ended.entry.cost_usd >= 0)


ERRORS = st.one_of(
    VALUES,
    st.fixed_dictionaries({"error": st.one_of(st.dictionaries(KEYS, VALUES, max_size=5), VALUES)}),
)
ERROR_STATUSES = st.sampled_from(
    [400, 401, 403, 404, 408, 409, 413, 422, 429, 451, 500, 502, 503, 504, 520, 599]
)


@fuzzing
@given(
    status=ERROR_STATUSES,
    body=st.one_of(
        ERRORS.flatmap(lambda value: bent(written(value))),
        st.binary(max_size=200),
        st.builds(written, ERRORS, CODECS),
    ),
)
def test_errors(fuzz: Fuzz, status: int, body: bytes) -> None:
    if fuzz.over:
        return
    ended = fuzz.run(http(body, f"{status} Oh"))
    if b'"b64_json"' not in body or not ended.images:  # else it is an answer all the same
        fuzz.check(ended.error.exit_code in (3, 4, 5, 6) and len(ended.error.text) < 10_000)
        fuzz.check(not {category(letter) for letter in ended.error.text} & {"Cc", "Cf", "Cs"})
