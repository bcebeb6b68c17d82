"""The proxy and the certificates of a request: which they are, who named them, whether they can be used."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from requests.utils import (
    DEFAULT_CA_BUNDLE_PATH,
    get_environ_proxies,
    select_proxy,
    should_bypass_proxies,
)

from ..errors import ConfigurationError
from ..text.message import message
from .endpoint import is_loopback, show_url

PREFERENCES = "the preferences"
SYSTEM = "the system's settings"
PLAIN = ("http", "https")
SOCKS = ("socks4", "socks4a", "socks5", "socks5h")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name certificates to trust, the first one that is set; `requests` reads them."""


@dataclass(frozen=True)
class Proxy:
    """What stands between here and a server."""

    url: str = ""
    """Empty where nothing does."""
    place: str = ""
    """Who names it, such as ``HTTPS_PROXY``."""

    @property
    def shown(self) -> str:
        """Its address without the password, and who names it."""
        return f"{show_url(self.url)} of {self.place}"

    def for_requests(self) -> Mapping[str, str]:
        """As `requests` takes it. Empty texts keep it from looking for another one."""
        return {"http": self.url, "https": self.url, "all": self.url}


def find_proxy(url: str, preferred: str) -> Proxy:
    """The proxy of an address. None is ever between us and this machine: it would get the key in clear.

    :param preferred: that of the preferences, which takes precedence; NO_PROXY holds for it as well.
    """
    if is_loopback(url):
        return Proxy()
    if preferred:
        return Proxy() if should_bypass_proxies(url, no_proxy=None) else Proxy(preferred, PREFERENCES)
    found = str(select_proxy(url, get_environ_proxies(url)) or "").strip()
    if not found:
        return Proxy()
    return Proxy(found if "://" in found else f"http://{found}", _place_of(url, found))


def _place_of(url: str, found: str) -> str:
    """Which variable names a proxy."""
    for scheme in (urlsplit(url).scheme, "all"):
        for name, value in os.environ.items():
            if name.lower() == f"{scheme}_proxy" and value.strip() == found:
                return name
    return SYSTEM


def check_route(url: str, preferred: str) -> Proxy:
    """The proxy of an address, which can be used, as can the certificates that the user named.

    :raises ConfigurationError: it or they can't; the error says who named them.
    """
    proxy = find_proxy(url, preferred)
    if proxy.url:
        _check_kind(proxy)
    if urlsplit(url).scheme == "https":
        check_bundle()
    return proxy


def _check_kind(proxy: Proxy) -> None:
    try:
        parts = urlsplit(proxy.url)
        scheme = parts.scheme if parts.hostname and parts.port != 0 else ""
    except ValueError:
        scheme = ""
    if scheme not in (*PLAIN, *SOCKS):
        raise ConfigurationError(
            message(
                "The proxy {proxy} can't be used: it is not an address such as http://HOST:PORT.",
                proxy=proxy.shown,
            ),
            code="bad_proxy",
            next_step="Correct it, or take it out.",
        )
    if scheme in SOCKS and not _has_socks():
        raise ConfigurationError(
            message(
                "The proxy {proxy} can't be used: this Blender's Python speaks no SOCKS.", proxy=proxy.shown
            ),
            code="bad_proxy",
            next_step="Name an http proxy there, or take it out.",
        )


@lru_cache(maxsize=1)
def _has_socks() -> bool:
    return find_spec("socks") is not None


def find_bundle() -> str:
    """The file of the certificates to trust: the one that `requests` uses."""
    return next((os.environ[name] for name in BUNDLES if os.environ.get(name)), "") or DEFAULT_CA_BUNDLE_PATH


def check_bundle() -> None:
    """:raises ConfigurationError: the certificates that a variable names can't be read."""
    variable = next((name for name in BUNDLES if os.environ.get(name)), None)
    if variable is None:
        return
    path = Path(os.environ[variable])
    try:
        changed = path.stat().st_mtime_ns
    except (OSError, ValueError) as error:
        raise _bad_bundle(variable, path) from error
    if not path.is_dir() and not (path.is_file() and _holds_certificates(path, changed)):
        raise _bad_bundle(variable, path)


@lru_cache(maxsize=4)
def _holds_certificates(path: Path, changed: int) -> bool:
    """:param changed: when, in nanoseconds; what the answer depends on."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError):  # an SSLError is an OSError
        return False
    return True


def _bad_bundle(variable: str, path: Path) -> ConfigurationError:
    return ConfigurationError(
        message(
            "The certificates that {variable} names can't be read: {path}.", variable=variable, path=path
        ),
        code="bad_ca_bundle",
        next_step=message("Correct {variable}, or take it out.", variable=variable),
    )
