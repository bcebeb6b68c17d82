"""Where the API is and who calls it; can be checked without loading requests."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlsplit

from ..common.credentials import QUOTES, check_id, check_key
from ..errors import ConfigurationError
from ..text.message import message
from ..text.plain_text import HIDDEN

IMAGE_FIELDS = {"brackets": "image[]", "repeated": "image"}
"""How several images of an edit are named in the form: as OpenAI wants them, or as LiteLLM does."""
AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_DEPLOYMENT = re.compile(r"(.*/openai/deployments/[^/]+)(?:/.*)?")
_ENDPOINT = re.compile(r"/(?:images/(?:generations|edits|variations)|chat/completions|responses|models)$")
_AROUND = re.compile(rf"^[\s<{QUOTES}{HIDDEN}]+|[\s>{QUOTES}{HIDDEN}]+$")
_NOT_IN_URLS = re.compile(rf"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\\\"'`<>{{}}|^{HIDDEN}]")
OPEN_QUERIES = ("api-version",)
"""What a base URL may ask for that is no secret."""


@dataclass(frozen=True)
class Connection:
    """Where the API is and who calls it."""

    base_url: str
    """As users have it: OpenAI's, Azure's ``…/openai/v1`` or ``…/openai/deployments/NAME?api-version=…``, or
    that of another server that speaks the same API."""
    api_key: str = field(default="", repr=False)
    organization: str = ""
    project: str = ""
    picture_fields: str = "brackets"
    """One of `IMAGE_FIELDS`."""
    proxy: str = ""
    """Address of a proxy; empty for those of the environment."""
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What else providers were told, by the names in their rows."""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Keys of providers with one of their own, by provider."""
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Sent with each request, such as what a proxy before the server asks for."""

    @property
    def is_azure(self) -> bool:
        """Whether the base URL is one of Azure's, which wants the key in a header of its own."""
        root = self._root
        return (
            (urlsplit(self.base_url).hostname or "").endswith(AZURE_HOSTS)
            or _DEPLOYMENT.fullmatch(root) is not None
            or root.endswith("/openai/v1")
        )

    @property
    def _root(self) -> str:
        return _ENDPOINT.sub("", urlsplit(self.base_url).path.rstrip("/"))

    def url(self, path: str) -> str:
        """The address of an endpoint such as ``/images/edits``; a query of the base URL is kept."""
        parts = urlsplit(self.base_url)
        root = self._root
        deployment = _DEPLOYMENT.fullmatch(root)
        if deployment is not None:
            root = deployment[1]
        elif self.is_azure and root in ("", "/openai"):  # the bare address of a resource
            root = "/openai/v1"
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc}{root}{path}{query}"

    def headers(self) -> dict[str, str]:
        """The headers that say who calls; they hold the key, so never log them.

        :raises ConfigurationError: the key or an id holds what no header takes.
        """
        check_key(self.api_key)
        check_id(self.organization, "organization")
        check_id(self.project, "project")
        if self.is_azure:
            return {"api-key": self.api_key} if self.api_key else {}
        values = {
            "Authorization": f"Bearer {self.api_key}" if self.api_key else "",
            "OpenAI-Organization": self.organization,
            "OpenAI-Project": self.project,
        }
        return {**self.extra_headers, **{name: value for name, value in values.items() if value}}


def _parts(url: str) -> SplitResult:
    """The parts of a URL; none of what is not one."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def clean_url(text: str) -> str:
    """An address without the spaces, quotes and invisible marks that come along when it is copied."""
    return _AROUND.sub("", text)


def show_url(url: str) -> str:
    """An address as it may be shown: without a password, and without its query."""
    parts = _parts(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def secrets_in(url: str) -> list[str]:
    """What an address may hold that nobody else should read: the values of its query."""
    return [value for name, value in parse_qsl(_parts(url).query) if name not in OPEN_QUERIES]


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine."""
    host = (_parts(url).hostname or "").removesuffix(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    inner = getattr(address, "ipv4_mapped", None)  # Python before 3.13 does not look inside
    return bool((inner or address).is_loopback)


def check_base_url(url: str) -> None:
    """:raises ConfigurationError: not an address, http beyond this machine, or a part of it is missing."""
    parts = _parts(url)
    if not _is_address(url, ("http", "https")):
        raise _bad_url(message("The base URL '{url}' is not an address.", url=url), "Use https://HOST/v1.")
    if parts.username or parts.password:
        raise _bad_url("The base URL holds a password.", "Leave it out; the key goes into OPENAI_API_KEY.")
    if parts.scheme == "http" and not is_loopback(url):
        raise _bad_url(
            message("The base URL '{url}' would send the key unencrypted.", url=show_url(url)), "Use https."
        )
    if _DEPLOYMENT.fullmatch(parts.path) and "api-version" not in parse_qs(parts.query):
        raise _bad_url(
            message(
                "The base URL '{url}' names an Azure deployment but no version of its API.",
                url=show_url(url),
            ),
            "Add ?api-version=… to it, or use https://RESOURCE.openai.azure.com/openai/v1.",
        )


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    """Whether a text names a server in a way that everybody reads alike."""
    parts = _parts(url)
    try:
        port = parts.port
    except ValueError:
        return False
    whole = parts.scheme in schemes and bool(parts.hostname) and not parts.fragment and port != 0
    return whole and _NOT_IN_URLS.search(url) is None


def check_proxy(url: str) -> None:
    """:raises ConfigurationError: not the address of a proxy, or it holds a password."""
    parts = _parts(url)
    if not url:
        return
    if not _is_address(url, ("http", "https")):
        raise ConfigurationError(
            message("The proxy '{url}' is not an address.", url=url),
            code="bad_proxy",
            next_step="Use http://HOST:PORT.",
        )
    if parts.username or parts.password:
        raise ConfigurationError(
            "The proxy's address holds a password, which others could read in the preferences.",
            code="bad_proxy",
            next_step="Put such an address into HTTPS_PROXY instead.",
        )


def check_image_fields(name: str) -> None:
    """:raises ConfigurationError: not one of `IMAGE_FIELDS`."""
    if name not in IMAGE_FIELDS:
        raise ConfigurationError(
            message("There is no field style '{name}' for images.", name=name),
            code="bad_picture_fields",
            next_step=message("Use one of {names}.", names=", ".join(IMAGE_FIELDS)),
        )


def _bad_url(message: str, next_step: str) -> ConfigurationError:
    return ConfigurationError(message, code="bad_base_url", next_step=next_step)
