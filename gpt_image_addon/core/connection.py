"""Where the API is and who calls it; can be checked without loading requests."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import ConfigurationError


@dataclass(frozen=True)
class Connection:
    """Where the API is and who calls it."""

    base_url: str
    api_key: str = field(default="", repr=False)
    organization: str = ""
    project: str = ""

    def headers(self) -> dict[str, str]:
        """The headers that say who calls; they hold the key, so never log them."""
        values = {
            "Authorization": f"Bearer {self.api_key}" if self.api_key else "",
            "OpenAI-Organization": self.organization,
            "OpenAI-Project": self.project,
        }
        return {name: value for name, value in values.items() if value}


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_base_url(url: str) -> None:
    """:raises ConfigurationError: not an address, or http beyond this machine."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"The base URL '{url}' is not an address.", code="bad_base_url", next_step="Use https://HOST/v1."
        )
    if parts.scheme == "http" and not is_loopback(url):
        raise ConfigurationError(
            f"The base URL '{url}' would send the key unencrypted.",
            code="bad_base_url",
            next_step="Use https.",
        )
