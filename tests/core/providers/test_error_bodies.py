"""Errors in other forms than the API's: what the server said is told in one clean sentence."""

from __future__ import annotations

import json

import pytest

from gpt_image_addon.core.http.client import Reply
from gpt_image_addon.core.providers.openai.error_bodies import MAX_QUOTED, read_error_body
from gpt_image_addon.core.providers.openai.errors import error_from, error_in_stream

PAGE = "<!DOCTYPE html><html><head><title>%s</title><style>p{}</style></head><body>%s</body></html>"
SAID = (
    ({"detail": "Not enough memory"}, "Not enough memory"),
    ({"detail": [{"loc": ["body", "size"], "msg": "field required"}]}, "size: field required"),
    (
        {"detail": [{"loc": ["body", "size"], "msg": "a"}, {"loc": ["body", "n"], "msg": "b"}]},
        "size: a; n: b",
    ),
    ({"error": "model is loading"}, "model is loading"),
    ({"error": "invalid", "error_description": "The token has expired"}, "The token has expired"),
    ({"message": "no such route"}, "no such route"),
    ({"Message": "AWS says no"}, "AWS says no"),
    ({"errors": [{"message": "first"}, {"message": "second"}]}, "first; second"),
    ({"errors": {"title": "Bad"}}, "Bad"),
    ({"title": "Too busy", "status": 429}, "Too busy"),
    ({"fault": {"faultstring": "quota"}}, "quota"),
    ({"error": {"message": {"detail": "inside"}}}, "inside"),
    (["first", {"msg": "second"}], "first; second"),
    ("only a text", "only a text"),
    ({"status": 400}, ""),
    (None, ""),
    (5, ""),
)


@pytest.mark.parametrize(("body", "said"), SAID)
def test_json_in_many_forms(body: object, said: str) -> None:
    assert read_error_body(json.dumps(body).encode()).said == said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"bad thing\n", "bad thing"),
        ((PAGE % ("413 Request Entity Too Large", "nginx")).encode(), "413 Request Entity Too Large"),
        (b"<html><body><h1>Bad &amp; worse</h1>nginx</body></html>", "Bad & worse"),
        (b"<p>No <b>title</b></p>", "No title"),
        (b"\xef\xbb\xbf  upstream error", "upstream error"),
        (b"caf\xe9", "caf\ufffd"),
        (b"", ""),
        (b"[" * 100_000, ""),
        (b"\x1b[31mred\x07\x00", "red"),
    ],
)
def test_texts_and_pages(body: bytes, said: str) -> None:
    found = read_error_body(body)
    assert found.said == said or (body.startswith(b"[[") and len(found.said) <= MAX_QUOTED)
    assert found.is_page == body.startswith(b"<") and not found.is_the_apis


def test_what_is_said_is_short_and_without_secrets() -> None:
    body = json.dumps({"detail": "key sk-proj-abcdefgh at https://x/?sig=12345 " + "long " * 10**5}).encode()
    said = read_error_body(body).said
    assert len(said) == MAX_QUOTED and "abcdefgh" not in said and "12345" not in said


def test_what_people_read() -> None:
    def text(status: int, body: object) -> str:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        error = error_from(Reply(status, {}, data), "gpt-image-2")
        assert error is not None
        return error.text

    assert text(422, SAID[1][0]) == "The server refused the request: size: field required. Change size."
    assert text(400, "bad thing") == "The server refused the request: bad thing. Change the request."
    large = text(413, PAGE % ("413 Request Entity Too Large", "nginx"))
    assert "Too Large. Send fewer or smaller images" in large
    blocked = text(403, PAGE % ("Just a moment...", "Cloudflare"))
    assert "Just a moment" in blocked and "firewall" in blocked and "erif" not in blocked
    assert text(502, {"error": "upstream is down"}).startswith(
        "A gateway answered 502 in place of the API: upstream is down."
    )
    assert text(401, {"detail": "key abcdefghijkl is wrong"}).startswith("The server refused the key. ")


def test_money_is_judged_by_the_form_as_before() -> None:
    for body in (b'{"error": "boom"}', b"boom", b"<html>", b'{"detail": "boom"}'):
        error = error_from(Reply(500, {}, body), "")
        assert error is not None and (error.billed, error.retryable) == ("maybe", False)
    error = error_from(Reply(500, {}, b'{"error": {"message": "boom"}}'), "")
    assert error is not None and (error.billed, error.retryable) == ("no", True)


def test_verifying_the_organisation_is_said_once() -> None:
    said = (
        "Your organization must be verified to use the model `gpt-image-2`. Please go to: "
        "https://platform.openai.com/settings/organization/general and click on Verify Organization."
    )
    error = error_from(Reply(403, {}, json.dumps({"error": {"message": said}}).encode()), "gpt-image-2")
    assert error is not None and error.text.lower().count("verify") == 1
    assert error.text.count("https://platform.openai.com/settings/organization/general") == 1


def test_request_ids_and_streams_are_clean() -> None:
    reply = Reply(200, {"x-request-id": "req\x1b[31m_1" + "x" * 5000})
    assert reply.request_id is not None and reply.request_id.startswith("req_1x")
    assert len(reply.request_id) <= 200
    event = {"error": {"message": "a\x1b[2J\u202eb", "code": "c" * 10**6}}
    error = error_in_stream(event, "r\x07")
    assert error.message.endswith(": ab.") and len(error.code or "") <= 200
