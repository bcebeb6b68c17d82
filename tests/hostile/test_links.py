"""Images behind links: where they may lead, how far, and how long."""

from __future__ import annotations

import time

import pytest

from gpt_image_addon.core.errors import APIConnectionError, InvalidResponseError
from gpt_image_addon.core.http import client
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.results.body_file import BODY_FILE

from .bench import IMAGE, KEY, Bench, document, encode
from .server import HostileServer, endless, http, zipped

SECOND = encode(shade=12)


def test_links_are_followed_without_the_key(bench: Bench, hostile: HostileServer) -> None:
    hostile.pages["/a"] = [http(IMAGE, kind="text/html")]
    hostile.pages["/b"] = [http(zipped(SECOND), "200 OK", "Content-Encoding: gzip")]
    hostile.answer(http(document({"url": f"{hostile.origin}/a"}, {"url": f"{hostile.origin}/b"})))
    ended = bench.run(n=2)
    assert ended.images == [IMAGE, SECOND] and BODY_FILE not in ended.files
    assert [path for path, *_ in hostile.requests[1:]] == ["/a", "/b"]
    assert all(KEY not in str(request) for request in hostile.requests[1:])


def test_the_answer_is_kept_while_its_links_fail(bench: Bench, hostile: HostileServer) -> None:
    hostile.pages["/a"] = [http(b"gone", "404 Not Found")]
    body = document({"url": f"{hostile.origin}/a"})
    hostile.answer(http(body))
    ended = bench.run()
    assert (ended.error.exit_code, ended.error.billed) == (6, "yes")
    assert ended.files == {BODY_FILE: body} and f"{hostile.origin}/a" in ended.text
    assert len(hostile.requests) == 4


def test_a_chain_of_redirects_ends(bench: Bench, hostile: HostileServer) -> None:
    for number in range(20):
        hostile.pages[f"/{number}"] = [http(b"", "302 Found", f"Location: /{number + 1}")]
    hostile.answer(http(document({"url": f"{hostile.origin}/0"})))
    assert bench.run().error.exit_code == 6
    assert len(hostile.requests) == 1 + client.MAX_LINK_HOPS


def test_only_a_redirect_leads_on(bench: Bench, hostile: HostileServer) -> None:
    hostile.pages["/a"] = [http(IMAGE, "200 OK", "Location: /b")]
    hostile.pages["/b"] = [http(SECOND)]
    hostile.answer(http(document({"url": f"{hostile.origin}/a"})))
    assert bench.run().images == [IMAGE]
    hostile.pages["/a"] = [http(IMAGE, "302 Found")]
    ended = bench.run()
    assert (ended.error.exit_code, ended.error.billed) == (6, "yes") and BODY_FILE in ended.files
    assert "/b" not in [path for path, *_ in hostile.requests]


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "http://images.example.com/a.png", "http://[::1", "ftp://127.0.0.1/", "https://"],
)
def test_a_redirect_to_where_links_must_not_lead(bench: Bench, hostile: HostileServer, target: str) -> None:
    hostile.pages["/a"] = [http(b"", "302 Found", f"Location: {target}")]
    hostile.answer(http(document({"url": f"{hostile.origin}/a"})))
    ended = bench.run()
    assert ended.error.exit_code == 6 and ended.error.billed == "yes" and BODY_FILE in ended.files


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_elsewhere_has_no_links_to_this_machine(hostile: HostileServer, scheme: str) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        client.fetch(hostile.origin.replace("http", scheme, 1) + "/a", RequestState())
    assert caught.value.code == "unsafe_link" and not hostile.requests


def test_more_links_than_images_are_not_all_followed(bench: Bench, hostile: HostileServer) -> None:
    hostile.pages["/a"] = [http(IMAGE)]
    hostile.answer(http(document(*[{"url": f"{hostile.origin}/a"}] * 500)))
    ended = bench.run()
    assert IMAGE in ended.images and len(hostile.requests) <= 21
    assert BODY_FILE in ended.files


def test_a_link_that_never_ends(
    bench: Bench, hostile: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_IMAGE_BYTES", 1_000_000)
    hostile.pages["/a"] = [http(b"", length=False), endless(b"x" * 60_000)]
    hostile.answer(http(document({"url": f"{hostile.origin}/a"})))
    ended = bench.run()
    assert ended.error.code == "answer_too_large" and ended.error.billed == "yes"
    assert hostile.sent < 20_000_000


def test_a_head_behind_a_redirect_has_a_last_byte(bench: Bench, hostile: HostileServer) -> None:
    hostile.pages["/a"] = [http(b"", "302 Found", "Location: /b")]
    hostile.pages["/b"] = [endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)]
    hostile.answer(http(document({"url": f"{hostile.origin}/a"})))
    ended = bench.run()
    assert (ended.error.code, ended.error.billed) == ("answer_too_large", "yes")
    assert hostile.sent < 20_000_000


def test_links_that_trickle_end_together(bench: Bench, hostile: HostileServer) -> None:
    bench.seconds = 0.6
    hostile.pages["/a"] = [http(b"", length=False), endless(b"x", 0.1)]
    hostile.answer(http(document(*[{"url": f"{hostile.origin}/a"}] * 10)))
    began = time.monotonic()
    ended = bench.run(n=10)
    assert time.monotonic() - began < 5
    assert isinstance(ended.error, APIConnectionError) and ended.error.billed == "yes"


def test_a_bomb_behind_a_link(bench: Bench, hostile: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_IMAGE_BYTES", 1_000_000)
    hostile.pages["/a"] = [http(zipped(bytes(30_000_000), 2), "200 OK", "Content-Encoding: gzip, gzip")]
    hostile.answer(http(document({"url": f"{hostile.origin}/a"})))
    assert bench.run().error.code == "answer_too_large"
