"""Base URLs as users have them, and what becomes of them."""

from __future__ import annotations

import pytest

from gpt_image_addon.core.errors import ConfigurationError
from gpt_image_addon.core.http.endpoint import Connection, check_base_url, check_image_fields

ADDRESSES = (
    ("https://api.openai.com/v1", "https://api.openai.com/v1/images/edits", False),
    ("https://eu.api.openai.com/v1/", "https://eu.api.openai.com/v1/images/edits", False),
    ("https://host/v1/images/generations", "https://host/v1/images/edits", False),
    ("https://host/proxy/v1?tenant=7", "https://host/proxy/v1/images/edits?tenant=7", False),
    ("https://r.openai.azure.com", "https://r.openai.azure.com/openai/v1/images/edits", True),
    ("https://r.openai.azure.com/openai/", "https://r.openai.azure.com/openai/v1/images/edits", True),
    ("https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com/openai/v1/images/edits", True),
    (
        "https://r.services.ai.azure.com/openai/v1",
        "https://r.services.ai.azure.com/openai/v1/images/edits",
        True,
    ),
    (
        "https://r.openai.azure.com/openai/deployments/D/images/generations?api-version=2026-09-01",
        "https://r.openai.azure.com/openai/deployments/D/images/edits?api-version=2026-09-01",
        True,
    ),
    ("https://azure.com.example.org/v1", "https://azure.com.example.org/v1/images/edits", False),
)


@pytest.mark.parametrize(("base", "expected", "azure"), ADDRESSES)
def test_addresses_of_endpoints(base: str, expected: str, azure: bool) -> None:
    connection = Connection(base, "key", "org", "proj")
    assert connection.url("/images/edits") == expected
    named = set(connection.headers())
    assert named == ({"api-key"} if azure else {"Authorization", "OpenAI-Organization", "OpenAI-Project"})
    check_base_url(base)


@pytest.mark.parametrize(
    "base", ["https://me:secret@host/v1", "https://r.openai.azure.com/openai/deployments/D"]
)
def test_addresses_that_lack_or_tell_too_much(base: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_base_url(base)
    assert "secret" not in caught.value.text


def test_unknown_field_styles() -> None:
    check_image_fields("repeated")
    with pytest.raises(ConfigurationError):
        check_image_fields("commas")
