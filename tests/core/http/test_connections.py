"""Reaching the server: certificates, proxies, links, limits, and giving up at any moment."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    EndpointError,
    GptImageError,
    InvalidResponseError,
    JobCancelled,
)
from gpt_image_addon.core.http import client
from gpt_image_addon.core.http.endpoint import check_proxy
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.http.retry import BACKOFF
from gpt_image_addon.core.imaging.formats import Upload
from gpt_image_addon.core.providers.base import Reporter, Uploads
from gpt_image_addon.core.providers.openai import downloads
from tests.api_server import ApiServer, faults
from tests.core.loopback import Relay, listener, make_certificate, tls_context, unanswered_port
from tests.core.providers.test_openai_client import REQUEST, generate

CANCEL_SECONDS = 0.5  # a promise to the user, far above what it takes


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock: waits between tries take no time, unless cancelled."""
    monkeypatch.setattr(RequestState, "wait", lambda self, seconds: self.check())


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], None]:
    """Set the time to connect and the time without a byte, in seconds."""

    def set_timeout(connect: float, read: float) -> None:
        defaults = {**client.send.__kwdefaults__, "timeout": (connect, read)}
        monkeypatch.setattr(client.send, "__kwdefaults__", defaults)

    return set_timeout


def cancelled_after(start: Callable[[RequestState], object], ready: Callable[[], object]) -> GptImageError:
    """Start on a thread, cancel once ready, and return how it ended, in time."""
    request_state, ended = RequestState(), []

    def run() -> None:
        try:
            start(request_state)
        except GptImageError as error:
            ended.append((time.monotonic(), error))

    thread = threading.Thread(target=run)
    thread.start()
    ready()
    asked = time.monotonic()
    request_state.cancel()
    thread.join(5)
    assert not thread.is_alive()
    ((moment, error),) = ended
    assert moment - asked < CANCEL_SECONDS
    return error


def test_cancel_while_nobody_answers(api_server: ApiServer) -> None:
    with unanswered_port() as port:
        error = cancelled_after(
            lambda request_state: generate(
                api_server, request_state=request_state, base_url=f"http://127.0.0.1:{port}/v1"
            ),
            lambda: time.sleep(0.3),
        )
    assert isinstance(error, JobCancelled) and error.billed == "no"


def test_cancel_during_the_tls_handshake(api_server: ApiServer) -> None:
    with listener() as silent:
        accepted: list[socket.socket] = []

        def ready() -> None:
            accepted.append(silent.accept()[0])
            assert accepted[0].recv(1)  # the handshake has begun

        error = cancelled_after(
            lambda request_state: generate(
                api_server,
                request_state=request_state,
                base_url=f"https://127.0.0.1:{silent.getsockname()[1]}/v1",
            ),
            ready,
        )
        accepted[0].close()
    assert isinstance(error, JobCancelled) and error.billed == "no"


def test_cancel_while_the_name_is_looked_up(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        asked.set()
        answer.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    error = cancelled_after(
        lambda request_state: generate(
            api_server, request_state=request_state, base_url="https://images.invalid/v1"
        ),
        lambda: asked.wait(5),
    )
    answer.set()
    assert isinstance(error, JobCancelled) and error.billed == "no"


def test_cancel_while_waiting_for_the_next_try(api_server: ApiServer) -> None:
    api_server.script(*[faults.error("rate_limit_exceeded")] * 3)
    waiting = threading.Event()
    report = Reporter(on_wait=lambda seconds, reason: waiting.set())
    error = cancelled_after(
        lambda request_state: generate(api_server, request_state=request_state, report=report),
        lambda: waiting.wait(5),
    )
    assert isinstance(error, JobCancelled) and error.billed == "no"
    assert len(api_server.requests) == 1


def test_cancel_in_the_middle_of_an_upload(api_server: ApiServer) -> None:
    api_server.script(faults.stall("body"))
    error = cancelled_after(
        lambda request_state: generate(api_server, uploads=heavy_uploads(), request_state=request_state),
        lambda: api_server.wait_until(lambda server: bool(server.stalled)),
    )
    assert isinstance(error, JobCancelled) and error.billed == "no"


def test_cancel_in_the_middle_of_a_stream(api_server: ApiServer) -> None:
    request = dataclasses.replace(REQUEST, partial_images=2)
    api_server.script(faults.stall("answer"))
    error = cancelled_after(
        lambda request_state: generate(api_server, request, request_state=request_state),
        lambda: api_server.wait_until(lambda server: bool(server.stalled)),
    )
    assert isinstance(error, JobCancelled) and error.billed == "maybe"


def heavy_uploads() -> Uploads:
    """More than the buffers between two sockets hold; no image, which the server never gets to see."""
    return Uploads((Upload("a.png", bytes(30_000_000), "image/png", 1, 1),))


def test_an_upload_may_take_longer_than_a_connection(
    api_server: ApiServer, patient: Callable[[float, float], None]
) -> None:
    patient(0.3, 30.0)
    api_server.script(faults.delay(1.0, "body"))
    with pytest.raises(GptImageError) as caught:
        generate(api_server, uploads=heavy_uploads())
    assert caught.value.code == "invalid_image_file"  # the server got it all, and looked at it
    assert len(api_server.requests) == 1


@pytest.mark.usefixtures("no_waiting")
def test_nobody_answers(api_server: ApiServer, patient: Callable[[float, float], None]) -> None:
    patient(0.2, 5.0)
    waits: list[float] = []
    report = Reporter(on_wait=lambda seconds, reason: waits.append(seconds))
    with unanswered_port() as port, pytest.raises(APITimeoutError) as caught:
        generate(api_server, report=report, base_url=f"http://127.0.0.1:{port}/v1")
    assert (caught.value.billed, caught.value.retryable, len(waits)) == ("no", True, 2)
    assert waits[0] <= BACKOFF


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("host", ["images.invalid", "xn--" + "a" * 70 + ".invalid"])
def test_no_such_host(api_server: ApiServer, host: str) -> None:
    with pytest.raises(APIConnectionError) as caught:
        generate(api_server, base_url=f"https://{host}/v1")
    assert caught.value.billed == "no" and "base URL" in caught.value.text


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secure(api_server: ApiServer, certificate: tuple[Path, Path]) -> Iterator[Relay]:
    """TLS in front of the API server."""
    with Relay(api_server.port, tls_context(*certificate)) as relay:
        yield relay


def test_a_certificate_that_nobody_signed_is_refused(api_server: ApiServer, secure: Relay) -> None:
    with pytest.raises(EndpointError, match="certificate") as caught:
        generate(api_server, base_url=f"https://127.0.0.1:{secure.port}/v1")
    assert (caught.value.billed, caught.value.retryable, caught.value.exit_code) == ("no", False, 3)
    assert caught.value.code == "untrusted_certificate"
    assert not secure.received and not api_server.requests


def test_a_certificate_of_the_users_own_is_taken(
    api_server: ApiServer, secure: Relay, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    assert generate(api_server, base_url=f"https://127.0.0.1:{secure.port}/v1").images


def test_proxies_come_from_the_environment(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with Relay(api_server.port, proxy=True) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert generate(api_server, base_url="http://images.invalid/v1").images
        assert proxy.received.startswith(b"POST http://images.invalid/v1/images/generations ")


def test_a_proxy_of_our_own_goes_before_the_environments(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Relay(api_server.port, proxy=True) as proxy, listener() as other:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{other.getsockname()[1]}")
        address = f"http://127.0.0.1:{proxy.port}"
        assert generate(api_server, base_url="http://images.invalid/v1", proxy=address).images
        assert proxy.received.startswith(b"POST http://images.invalid/v1/images/generations ")


def test_a_proxy_is_not_used_on_this_machine(api_server: ApiServer) -> None:
    with Relay(api_server.port, proxy=True) as proxy:
        assert generate(api_server, proxy=f"http://127.0.0.1:{proxy.port}").images
        assert not proxy.received


@pytest.mark.parametrize("address", ["proxy:8080", "http://me:secret@proxy:8080", "socks5://proxy:1"])
def test_an_address_that_is_no_proxys_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_proxy(address)
    assert caught.value.code == "bad_proxy"
    check_proxy("")
    check_proxy("http://proxy:8080")


def test_a_tunnel_through_a_proxy(
    api_server: ApiServer, secure: Relay, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with Relay(secure.port, proxy=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert generate(api_server, base_url="https://images.invalid/v1").images
        assert proxy.received.startswith(b"CONNECT images.invalid:443 ")
        assert api_server.api_key.encode() not in proxy.received


@pytest.mark.usefixtures("no_waiting")
def test_a_proxy_that_is_gone(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    waits: list[float] = []
    report = Reporter(on_wait=lambda seconds, reason: waits.append(seconds))
    with pytest.raises(APIConnectionError, match="proxy") as caught:
        generate(api_server, report=report, base_url="https://images.invalid/v1")
    assert caught.value.billed == "no" and "HTTPS_PROXY" in caught.value.text
    assert (caught.value.code, caught.value.retryable, len(waits)) == ("proxy_error", True, 2)
    assert "can't be reached" in caught.value.message


@pytest.mark.parametrize("count", [1, 3])
def test_links_are_followed_without_the_key(api_server: ApiServer, count: int) -> None:
    api_server.options.answer_with = "url"
    answer = generate(api_server, dataclasses.replace(REQUEST, n=count), organization="org-TestOrganization")
    asked, *links = api_server.requests
    assert list(answer.images) == [api_server.answers[sha] for sha in asked.answers]
    assert len(links) == count and answer.usage is not None
    for link in links:
        assert {"authorization", "api-key", "openai-organization"}.isdisjoint(link.headers)


def test_a_link_may_lead_on(api_server: ApiServer) -> None:
    api_server.options.answer_with = "url"
    generate(api_server)
    path = "/files/" + "0" * 64 + ".png"

    def leading_to(target: str) -> faults.Step:
        return faults.error("server_error", status=307, headers={"Location": target}, match=path)

    api_server.script(leading_to(api_server.requests[-1].path))
    found = downloads._image(api_server.origin + path, paid_exchange(), True)
    assert found == api_server.answers[api_server.image_requests[0].answers[0]]
    for target in (path, "http://images.example.com/a.png"):
        api_server.script(*[leading_to(target)] * client.MAX_LINK_HOPS)
        with pytest.raises(InvalidResponseError) as caught:
            downloads._image(api_server.origin + path, paid_exchange(), True)
        assert caught.value.code == "unsafe_link"


def paid_exchange() -> RequestState:
    request_state = RequestState()
    request_state.answered = True
    request_state.wait = lambda seconds: None  # type: ignore[method-assign]  # the clock
    return request_state


@pytest.mark.parametrize(
    "link",
    [
        "http://images.example.com/a.png",
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.png",
        "//127.0.0.1/a",
        "data:image/png;base64,!",
    ],
)
def test_unsafe_links_are_refused(link: str) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        downloads._image(link, paid_exchange(), True)
    assert caught.value.billed == "yes"


@pytest.mark.usefixtures("no_waiting")
def test_a_link_that_fails_costs_only_its_own_image(api_server: ApiServer) -> None:
    api_server.options.answer_with = "url"
    lost = [faults.error("server_error", match="/files/")] * 3
    api_server.script(*lost)
    answer = generate(api_server, dataclasses.replace(REQUEST, n=2))
    assert len(answer.images) == 1 and "still be at http" in answer.warnings[0]
    api_server.script(*lost)
    with pytest.raises(APIConnectionError) as caught:
        generate(api_server)
    assert caught.value.billed == "yes" and len(api_server.image_requests) == 2


def test_cancel_while_a_link_is_followed(api_server: ApiServer) -> None:
    api_server.options.answer_with = "url"
    api_server.script(dataclasses.replace(faults.stall("answer"), match="/files/"))
    error = cancelled_after(
        lambda request_state: generate(api_server, request_state=request_state),
        lambda: api_server.wait_until(lambda server: bool(server.stalled)),
    )
    assert isinstance(error, JobCancelled) and error.billed == "yes"


def test_an_inline_link() -> None:
    assert downloads._image("data:image/png;base64,AAEC", RequestState(), True) == b"\0\1\2"


@pytest.mark.parametrize(
    "step", [faults.ok(), faults.answer("gzip"), faults.stall("answer_headers")], ids=str
)
@pytest.mark.parametrize("partial_images", [0, 1])
def test_answers_beyond_the_limit_are_refused(
    api_server: ApiServer,
    monkeypatch: pytest.MonkeyPatch,
    patient: Callable[[float, float], None],
    step: faults.Step,
    partial_images: int,
) -> None:
    """Before they are read, where their head names their length."""
    if partial_images and step.stall:
        return  # a stream has no length
    patient(5.0, 5.0)
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 2000)
    api_server.script(step)
    with pytest.raises(InvalidResponseError, match="larger") as caught:
        generate(api_server, dataclasses.replace(REQUEST, partial_images=partial_images))
    assert (caught.value.code, caught.value.billed) == ("answer_too_large", "maybe")
    assert len(api_server.requests) == 1


def test_no_connection_stays_open(api_server: ApiServer) -> None:
    request_state = RequestState()
    generate(api_server, request_state=request_state)
    assert request_state._socket is None
    with contextlib.suppress(JobCancelled):
        request_state.cancel()
        request_state.check()
