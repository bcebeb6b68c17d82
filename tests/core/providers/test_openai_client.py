"""The provider against the local API server: what is sent, what comes back, and every way to fail."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt_image_addon.core.errors import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    EndpointError,
    GptImageError,
    InsufficientQuotaError,
    InternalServerError,
    InvalidResponseError,
    JobCancelled,
    ModerationError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from gpt_image_addon.core.http import client
from gpt_image_addon.core.http.endpoint import Connection, check_base_url, is_loopback
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.http.retry import read_wait, wait_before_retry
from gpt_image_addon.core.imaging.formats import encode_png, load_upload
from gpt_image_addon.core.providers.base import Answer, Reporter, Uploads
from gpt_image_addon.core.providers.openai.client import OpenAIProvider
from gpt_image_addon.core.request.request import GenerationRequest
from tests.api_server import ORGANIZATION, PROJECT, ApiServer, faults

REQUEST = GenerationRequest(prompt="oak", provider="openai", model="gpt-image-2.6-sunburst", quality="low")


def connect(server: ApiServer, **changes: Any) -> Connection:
    return Connection(**{"base_url": server.base_url, "api_key": server.api_key, **changes})


def generate(
    server: ApiServer,
    request: GenerationRequest = REQUEST,
    uploads: Uploads | None = None,
    request_state: RequestState | None = None,
    report: Reporter | None = None,
    **connection: Any,
) -> Answer:
    provider = OpenAIProvider(connect(server, **connection))
    return provider.generate(
        request, request.prompt, uploads or Uploads(), request_state or RequestState(), report or Reporter()
    )


def image_file(folder: Path, name: str, size: tuple[int, int] = (64, 48), alpha: bool = False) -> Path:
    pixels = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 4 if alpha else 3), np.uint8)
    if alpha:
        pixels[:, :, 3] = np.where(np.arange(size[0]) < size[0] // 2, 0, 255)
    path = folder / name
    path.write_bytes(encode_png(pixels))
    return path


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock: waits between tries take no time, unless cancelled."""
    monkeypatch.setattr(RequestState, "wait", lambda self, seconds: self.check())


def test_a_generation_is_exactly_what_the_server_sent(api_server: ApiServer) -> None:
    request = dataclasses.replace(REQUEST, n=2, output_format="webp", output_compression=80, moderation="low")
    answer = generate(api_server, request, organization=ORGANIZATION, project=PROJECT)
    (record,) = api_server.requests
    assert record.fields == {
        "model": "gpt-image-2.6-sunburst",
        "prompt": "oak",
        "n": 2,
        "size": "1024x1024",
        "quality": "low",
        "output_format": "webp",
        "output_compression": 80,
        "moderation": "low",
    }
    assert (record.headers["openai-organization"], record.headers["openai-project"]) == (
        ORGANIZATION,
        PROJECT,
    )
    assert [api_server.answers[sha] for sha in record.answers] == list(answer.images)
    assert answer.request_id == record.request_id
    assert answer.usage is not None and answer.usage.to_dict() == record.usage


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_edit_sends_its_images(api_server: ApiServer, tmp_path: Path, count: int) -> None:
    uploads = Uploads(
        tuple(load_upload(image_file(tmp_path, f"{n}.png")) for n in range(count)),
        mask=load_upload(image_file(tmp_path, "mask.png", alpha=True)),
    )
    answer = generate(api_server, uploads=uploads)
    (record,) = api_server.requests
    assert record.path == "/v1/images/edits"
    names = ["image"] if count == 1 else ["image[]"] * count
    assert [file.field for file in record.files] == [*names, "mask"]
    assert len(answer.images) == 1


SAFETY = "litellm.BadRequestError: Your request was rejected by the safety system."
ERROR_ROWS: tuple[tuple[str, type[GptImageError], int, int, str], ...] = (
    ("invalid_api_key", AuthenticationError, 3, 1, "no"),
    ("organization_not_verified", PermissionDeniedError, 3, 1, "no"),
    ("unsupported_country", PermissionDeniedError, 3, 1, "no"),
    ("model_not_found", NotFoundError, 4, 1, "no"),
    ("moderation_blocked", ModerationError, 4, 1, "no"),
    ("invalid_value", BadRequestError, 4, 1, "no"),
    ("rate_limit_exceeded", RateLimitError, 6, 3, "no"),
    ("slow_down", InternalServerError, 6, 3, "no"),
    ("slow_down_429", RateLimitError, 6, 3, "no"),
    ("server_is_overloaded", InternalServerError, 6, 3, "no"),
    ("server_error", InternalServerError, 6, 3, "no"),
    ("litellm_rate_limit", RateLimitError, 6, 3, "no"),
    ("request_timeout", InternalServerError, 6, 1, "maybe"),
    ("bad_gateway", InternalServerError, 6, 1, "maybe"),
    ("gateway_timeout", InternalServerError, 6, 1, "maybe"),
    ("insufficient_quota", InsufficientQuotaError, 5, 1, "no"),
    ("credit_balance_exhausted", InsufficientQuotaError, 5, 1, "no"),
    ("organization_spend_limit_exceeded", InsufficientQuotaError, 5, 1, "no"),
    ("project_spend_limit_exceeded", InsufficientQuotaError, 5, 1, "no"),
    ("organization_usage_limit_exceeded", InsufficientQuotaError, 5, 1, "no"),
    ("billing_hard_limit_reached", InsufficientQuotaError, 5, 1, "no"),
)
"""Row of the server's table, error, exit code, requests made, billed."""


@pytest.mark.parametrize(("row", "kind", "code", "tries", "billed"), ERROR_ROWS, ids=lambda value: str(value))
def test_each_error_row(
    api_server: ApiServer, row: str, kind: type[GptImageError], code: int, tries: int, billed: str
) -> None:
    api_server.script(*[faults.error(row)] * 3)
    with pytest.raises(GptImageError) as caught:
        generate(api_server)
    error = caught.value
    assert type(error) is kind
    assert (error.exit_code, error.billed, len(api_server.requests)) == (code, billed, tries)
    assert error.request_id == api_server.requests[-1].request_id
    assert error.message.endswith(".") and api_server.api_key not in error.text
    assert error.retryable is (tries == 3)


def test_people_are_told_what_to_do(api_server: ApiServer) -> None:
    api_server.script(*(faults.error(row) for row in ("organization_not_verified", "moderation_blocked")))
    with pytest.raises(PermissionDeniedError, match="verified") as unverified:
        generate(api_server)
    assert "https://platform.openai.com/settings/organization/general" in unverified.value.text
    with pytest.raises(ModerationError, match=r"prompt \(violence\)"):
        generate(api_server)


def test_a_busy_server_is_asked_again(api_server: ApiServer) -> None:
    api_server.script(faults.error("rate_limit_exceeded"), faults.error("server_error"))
    waits: list[tuple[float, str]] = []
    generate(api_server, report=Reporter(on_wait=lambda seconds, reason: waits.append((seconds, reason))))
    assert len(api_server.requests) == 3
    assert waits[0][0] == 12 and "slow down" in waits[0][1]
    assert 0.7 <= waits[1][0] <= 1.0


@pytest.mark.parametrize(
    ("row", "says", "tries"),
    [
        ("invalid_value", "true", 3),
        ("server_error", "false", 1),
        ("insufficient_quota", "true", 1),
        ("moderation_blocked", "true", 1),
        ("bad_gateway", "true", 1),
    ],
)
def test_the_server_may_ask_for_another_try(api_server: ApiServer, row: str, says: str, tries: int) -> None:
    """But not for what will not change, and not where the first try may have been billed."""
    api_server.script(*[faults.error(row, headers={"x-should-retry": says})] * 3)
    with pytest.raises(GptImageError):
        generate(api_server)
    assert len(api_server.requests) == tries


PROXY_ROWS = (
    (faults.error("litellm_rate_limit", message=faults.ERRORS["insufficient_quota"]["message"]), "quota"),
    (faults.error("invalid_value", status=400, body={"code": "billing_hard_limit_reached"}), "quota"),
    (
        faults.error("invalid_value", status=400, body={"code": "400", "param": None}, message=SAFETY),
        "moderation",
    ),
    (faults.error("invalid_value", status=400, body={"code": "contentFilter"}), "moderation"),
    (faults.error("invalid_value", status=400, body={"code": "content_policy_violation"}), "moderation"),
)


@pytest.mark.parametrize(
    ("step", "meaning"), PROXY_ROWS, ids=lambda v: v.name() if isinstance(v, faults.Step) else v
)
def test_errors_that_other_servers_rewrite(api_server: ApiServer, step: faults.Step, meaning: str) -> None:
    api_server.script(step, step)
    with pytest.raises(InsufficientQuotaError if meaning == "quota" else ModerationError) as caught:
        generate(api_server)
    assert len(api_server.requests) == 1 and caught.value.billed == "no"


@pytest.mark.parametrize("row", [row for row, *_ in ERROR_ROWS])
def test_each_error_says_what_to_do(api_server: ApiServer, row: str) -> None:
    api_server.script(*[faults.error(row)] * 3)
    with pytest.raises(GptImageError) as caught:
        generate(api_server)
    assert caught.value.next_step and caught.value.next_step != caught.value.message
    links = {"quota": "billing", "limit": "billing", "credit": "billing", "verified": "general"}
    for word, link in links.items():
        if word in row and "rate" not in row:
            assert link in caught.value.next_step


@pytest.mark.parametrize(
    ("fault", "kind", "billed"),
    [
        (faults.answer("truncated_json"), InvalidResponseError, "maybe"),
        (faults.answer("truncated_base64"), InvalidResponseError, "maybe"),
        (faults.answer("wrong_content_type"), None, "no"),
        (faults.answer("html"), InternalServerError, "maybe"),
        (faults.answer("gzip"), None, "no"),
        (faults.answer("empty_data"), InvalidResponseError, "maybe"),
        (faults.answer("no_data"), InvalidResponseError, "maybe"),
        (faults.answer("content_length_too_long"), None, "no"),
        (faults.redirect("http://127.0.0.1:9/v1/images/generations"), EndpointError, "no"),
        (faults.reset("processing"), APIConnectionError, "maybe"),
        (faults.reset("answer_headers"), APIConnectionError, "maybe"),
        (faults.reset("answer"), APIConnectionError, "maybe"),
    ],
    ids=lambda value: value.name() if isinstance(value, faults.Step) else None,
)
def test_each_fault(
    api_server: ApiServer, fault: faults.Step, kind: type[GptImageError] | None, billed: str
) -> None:
    api_server.script(fault)
    if kind is None:
        assert generate(api_server).images
    else:
        with pytest.raises(kind) as caught:
            generate(api_server)
        assert caught.value.billed == billed
        assert caught.value.exit_code == (3 if kind is EndpointError else 6)
    assert len(api_server.requests) == 1


def test_a_refused_connection_is_tried_again(api_server: ApiServer) -> None:
    api_server.close()
    waits: list[float] = []
    with pytest.raises(APIConnectionError) as caught:
        generate(api_server, report=Reporter(on_wait=lambda seconds, reason: waits.append(seconds)))
    assert caught.value.billed == "no" and caught.value.retryable
    assert len(waits) == 2


def test_a_silent_server_is_left(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.send, "__kwdefaults__", {**client.send.__kwdefaults__, "timeout": (1.0, 0.2)})
    api_server.script(faults.stall("processing"))
    with pytest.raises(APITimeoutError) as caught:
        generate(api_server)
    assert (caught.value.billed, caught.value.retryable) == ("maybe", False)


@pytest.mark.parametrize("stage", faults.STAGES)
def test_cancel_closes_the_connection(api_server: ApiServer, stage: str) -> None:
    api_server.script(faults.stall(stage))
    request_state = RequestState()
    ended: list[tuple[float, BaseException]] = []

    def run() -> None:
        try:
            generate(api_server, request_state=request_state)
        except GptImageError as error:
            ended.append((time.monotonic(), error))

    thread = threading.Thread(target=run)
    thread.start()
    assert api_server.wait_until(lambda server: bool(server.stalled))
    asked = time.monotonic()
    request_state.cancel()
    thread.join(5)
    assert not thread.is_alive()
    ((moment, error),) = ended
    assert isinstance(error, JobCancelled)
    assert moment - asked < 0.5  # a promise to the user, far above what it takes
    assert error.billed == "maybe" or stage == "headers"  # where the body may not have left yet


def test_a_netrc_file_does_not_replace_the_key(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert generate(api_server).images


def test_the_key_stays_out_of_logs_and_reprs(api_server: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api_server.script(faults.error("invalid_api_key"))
    with pytest.raises(AuthenticationError) as caught:
        generate(api_server)
    generate(api_server)
    said = caplog.text + repr(connect(api_server)) + repr(caught.value) + str(caught.value.to_dict())
    assert api_server.api_key not in said and caplog.text


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after-ms": "1500"}, "", 1.5),
        ({"retry-after": "7"}, "", 7.0),
        ({}, "Please try again in 12s.", 12.0),
        ({}, "Please try again in 1m3.5s.", 63.5),
        ({}, "Please try again in 250ms.", 0.25),
        ({"retry-after": "soon"}, "", None),
        ({"retry-after": "nan"}, "", None),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, "", 0.0),
        ({"retry-after-ms": "x", "retry-after": "3"}, "", 3.0),
        ({}, "Please try again in 1h2m3s.", 3723.0),
        ({}, "Please try again in 6m.", 360.0),
        ({}, "Try later.", None),
        ({"retry-after": "1e999"}, "", None),
        ({"retry-after": "-5"}, "", 0.0),
        ({"retry-after": "9" * 5000}, "", None),
        ({"retry-after": "Sun, 99 Foo 2026 99:99:99 GMT"}, "", None),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 +9999"}, "", None),
        ({}, "Please try again in " + "9" * 5000 + "h", None),
        *(
            (
                {
                    "retry-after": f"Sun, 06 Nov {year} 08:49:42 GMT",
                    "date": f"Sun, 06 Nov {year} 08:49:37{zone}",
                },
                "",
                5.0,
            )
            for year in (1994, 2026, 9000)
            for zone in (" GMT", " -0000", "")
        ),
    ],
)
def test_named_waits(headers: dict[str, str], message: str, seconds: float | None) -> None:
    assert read_wait(headers, message) == seconds


def test_waits_grow_and_are_bounded() -> None:
    busy = InternalServerError("Busy.", status=503, retryable=True)
    assert [wait_before_retry(busy, {}, n, lambda: 0.0) for n in (1, 2, 3, 9)] == [0.5, 1, 2, 8]
    assert wait_before_retry(busy, {}, 1, lambda: 1.0) == pytest.approx(0.375)
    assert wait_before_retry(busy, {"retry-after": "121"}, 1) is None
    assert wait_before_retry(busy, {"x-should-retry": "false"}, 1) is None
    assert wait_before_retry(APIConnectionError("Gone.", retryable=True, billed="maybe"), {}, 1) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]:9/v1"])
def test_loopback_addresses(url: str) -> None:
    assert is_loopback(url)
    check_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "http://[",
        "ftp://127.0.0.1",
        "api.openai.com",
        "",
        "http://127.0.0.1.example.com",
    ],
)
def test_addresses_that_would_leak_the_key(url: str) -> None:
    assert not is_loopback(url) or url.startswith("ftp")
    with pytest.raises(ConfigurationError):
        check_base_url(url)
