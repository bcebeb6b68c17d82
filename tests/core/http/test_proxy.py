"""This machine is reached without a proxy; elsewhere a bad proxy or bad certificates are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import APIConnectionError, ConfigurationError, EndpointError, ExitCode
from gpt_image_addon.core.http import proxy as proxies
from gpt_image_addon.core.http.endpoint import is_loopback
from gpt_image_addon.core.http.proxy import check_route, find_proxy
from tests.api_server import ApiServer
from tests.core.loopback import Relay, make_certificate, tls_context
from tests.core.providers.test_openai_client import generate

PROXY = "http://proxy.example:3128"
LOOPBACK = (
    "http://127.0.0.1:8000/v1",
    "http://127.8.9.1/v1",
    "http://[::1]:8000/v1",
    "http://localhost:8000/v1",
    "http://LocalHost./v1",
    "https://localhost/v1",
    "http://[::ffff:127.0.0.1]:8000/v1",
)
ELSEWHERE = (
    "http://10.0.0.1/v1",
    "http://localhost.example.org/v1",
    "http://127.0.0.1.example.org/v1",
    "http://[::ffff:10.0.0.1]/v1",
    "http://[::2]/v1",
    "http://0x7f.1/v1",
    "http://user@host/v1",
    "http:///v1",
    "http://[::1/v1",
    "localhost",
)
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*VARIABLES, "NO_PROXY", "no_proxy", *proxies.BUNDLES):
        monkeypatch.delenv(name, raising=False)
    yield


def test_what_is_this_machine() -> None:
    assert [url for url in LOOPBACK if not is_loopback(url)] == []
    assert [url for url in ELSEWHERE if is_loopback(url)] == []


@pytest.mark.parametrize("url", LOOPBACK)
def test_no_proxy_stands_before_this_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, PROXY)
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.setattr(proxies, "get_environ_proxies", lambda url: {"http": PROXY, "https": PROXY})
    assert not find_proxy(url, PROXY).url and not find_proxy(url, "").url
    assert set(find_proxy(url, "").for_requests().values()) == {""}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_the_key_never_meets_a_proxy_on_its_way_to_this_machine(
    api_server: ApiServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Relay(api_server.port, proxy=True) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        for host in ("127.0.0.1", "localhost"):
            assert generate(api_server, base_url=f"http://{host}:{api_server.port}/v1").images
        assert not proxy.received


def test_a_link_to_this_machine_meets_no_proxy_either(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_server.options.answer_with = "url"
    with Relay(api_server.port, proxy=True) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert generate(api_server).images
        assert not proxy.received


def test_which_proxy_it_is_and_who_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://api.openai.com/v1"
    monkeypatch.setenv("all_proxy", "http://ada:word@all.example:1")
    assert find_proxy(url, "").shown == "http://all.example:1 of all_proxy"
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    found = find_proxy(url, "")
    assert (found.url, found.place) == (PROXY, "HTTPS_PROXY") or found.shown.endswith("of HTTPS_PROXY")
    assert find_proxy(url, "http://mine:1").shown == "http://mine:1 of the preferences"
    monkeypatch.setenv("NO_PROXY", "api.openai.com")
    assert find_proxy(url, "").url == "" == find_proxy(url, "http://mine:1").url


@pytest.mark.parametrize(
    "address",
    [
        "socks://127.0.0.1:7891/",
        "socks5h://127.0.0.1:7891",
        "ftp://proxy:1",
        "http://",
        "http://proxy:99999",
        "http://proxy:port",
        "http://[bad",
    ],
)
def test_a_proxy_that_can_not_be_used_is_named_before_anything_is_sent(
    api_server: ApiServer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "_has_socks", lambda: False)  # some Blenders have it
    monkeypatch.setenv("ALL_PROXY", address)
    with pytest.raises(ConfigurationError, match="proxy") as caught:
        generate(api_server, base_url="https://images.invalid/v1")
    error = caught.value
    assert "ALL_PROXY" in error.text and error.exit_code is ExitCode.CONFIGURATION
    assert (error.code, error.billed) == ("bad_proxy", "no")


def test_a_proxy_that_wants_a_password_says_so(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gpt_image_addon.core.http.request_state.RequestState.wait", lambda self, seconds: None
    )
    with Refusing(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        address = f"127.0.0.1:{proxy.port}"
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:word@{address}")
        with pytest.raises(APIConnectionError, match="wants a user name and a password") as caught:
            generate(api_server, base_url="https://images.invalid/v1")
    assert f"http://{address} of HTTPS_PROXY" in caught.value.text and "word@" not in caught.value.text


@pytest.mark.parametrize("variable", proxies.BUNDLES)
@pytest.mark.parametrize("form", ["gone", "empty", "garbage", "fifo", "nul"])
def test_certificates_that_can_not_be_read_are_named(
    api_server: ApiServer, variable: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "company.pem"
    if form == "fifo":
        import os

        if not hasattr(os, "mkfifo"):
            pytest.skip("there are no pipes with names here")
        os.mkfifo(path)
    elif form in ("empty", "garbage"):
        path.write_bytes(b"" if form == "empty" else b"-----BEGIN CERTIFICATE-----\nrubbish")
    monkeypatch.setenv(variable, str(path) if form != "nul" else str(path) + "x" * 5000)
    with pytest.raises(ConfigurationError) as caught:
        generate(api_server, base_url="https://images.invalid/v1")
    assert variable in caught.value.text and str(path)[:40] in caught.value.text
    assert (caught.value.code, caught.value.exit_code) == ("bad_ca_bundle", ExitCode.CONFIGURATION)


def test_certificates_do_not_matter_where_none_are_used(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/gone.pem")
    assert generate(api_server).images


def test_certificates_are_read_again_when_they_change(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make_certificate(tmp_path)
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(b"not yet")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with Relay(api_server.port, tls_context(certificate, key)) as relay:
        url = f"https://127.0.0.1:{relay.port}/v1"
        with pytest.raises(ConfigurationError):
            generate(api_server, base_url=url)
        bundle.write_bytes(certificate.read_bytes())
        assert generate(api_server, base_url=url).images


def test_a_bad_certificate_is_a_matter_of_configuration(api_server: ApiServer, tmp_path: Path) -> None:
    with (
        Relay(api_server.port, tls_context(*make_certificate(tmp_path))) as relay,
        pytest.raises(EndpointError) as caught,
    ):
        generate(api_server, base_url=f"https://127.0.0.1:{relay.port}/v1")
    assert (caught.value.code, caught.value.exit_code, caught.value.billed) == (
        "untrusted_certificate",
        ExitCode.CONFIGURATION,
        "no",
    )


def test_a_bad_proxy_behind_a_paid_link_is_told_as_paid(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is on this machine, its images are elsewhere."""
    from gpt_image_addon.core.http.client import fetch
    from gpt_image_addon.core.http.request_state import RequestState

    request_state = RequestState()
    request_state.answered = True
    monkeypatch.setenv("ALL_PROXY", "ftp://proxy:1")
    with pytest.raises(APIConnectionError, match="ALL_PROXY") as caught:
        fetch("https://images.invalid/a.png", request_state)
    assert caught.value.billed == "yes"


def test_a_route_without_anything_special_is_free() -> None:
    assert check_route("https://api.openai.com/v1", "").url == ""


class Refusing(Relay):
    """A proxy that gives everybody the same answer."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        super().__init__(0)

    def _serve(self, client) -> None:  # type: ignore[no-untyped-def]
        self.received += client.recv(65536)
        client.sendall(self.answer)
        client.close()
