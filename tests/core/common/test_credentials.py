"""Keys and ids as people have them: mended where that is plain, else refused by the place of a character."""

from __future__ import annotations

import pytest

from gpt_image_addon.core.common.credentials import check_id, check_key
from gpt_image_addon.core.errors import ConfigurationError, ExitCode
from gpt_image_addon.core.http.endpoint import Connection

KEY = "sk-proj-abcDEF0123456789"

HARMLESS = (
    f"{KEY}\r\n",
    f"  {KEY}\t",
    f"\ufeff{KEY}",
    f"{KEY}\u200b",
    f"\u00a0{KEY}\u2028",
    f'"{KEY}"',
    f"'{KEY}'",
    f"“{KEY}”",
    f"`{KEY}`",
    f"Bearer {KEY}",
    f"bearer  {KEY}",
    f"Authorization: Bearer {KEY}",
    f"OPENAI_API_KEY={KEY}",
    f'export OPENAI_API_KEY="{KEY}"\n',
    f' " Bearer {KEY} " ',
)
REFUSED = (
    ("\u200b", "U+200B (zero width space)"),
    ("\ufeff", "U+FEFF (zero width no-break space)"),
    ("\u2019", "U+2019 (right single quotation mark)"),
    ("…", "U+2026 (horizontal ellipsis)"),
    ("\u0430", "U+0430 (cyrillic small letter a)"),
    ("\n", "U+000A (line feed)"),
    ("\r\nX-Header: 1", "U+000D (carriage return)"),
    (" ", "U+0020 (space)"),
    ('"', "U+0022 (quotation mark)"),
    ("\x7f", "U+007F (not a letter)"),
    ("\udce9", "U+DCE9 (not a letter)"),
    ("é", "U+00E9 (latin small letter e with acute)"),
    ("🎨", "U+1F3A8 (artist palette)"),
)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_came_along_is_left_out_and_told(text: str) -> None:
    found = check_key(text)
    assert found.value == KEY
    assert bool(found.note) == (text.strip("\r\n ") != KEY) and KEY not in found.note


@pytest.mark.parametrize(("character", "name"), REFUSED)
def test_other_characters_are_refused_by_their_place(character: str, name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_key(KEY[:9] + character + KEY[9:], "OPENAI_API_KEY")
    error = caught.value
    assert f"its character 10 is {name}" in error.text and "OPENAI_API_KEY" in error.text
    assert (error.code, error.exit_code, error.billed) == ("bad_key", ExitCode.CONFIGURATION, "no")
    for piece in (KEY[:7], KEY[9:], KEY[10:16]):
        assert piece not in error.text


def test_places_are_counted_in_what_was_given() -> None:
    with pytest.raises(ConfigurationError, match="character 19 is U\\+2019"):
        check_key(f' "{KEY[:16]}\u2019{KEY[16:]}"')


def test_an_end_without_its_beginning_is_not_guessed_at() -> None:
    with pytest.raises(ConfigurationError, match="character 25 is"):
        check_key(f'{KEY}"')


@pytest.mark.parametrize("text", ["", " \n", '""', "Bearer ", "\ufeff"])
def test_nothing_is_no_key(text: str) -> None:
    assert check_key(text).value == "" == check_key(text).note


def test_keys_of_other_servers_are_taken() -> None:
    for key in ("x", "1234:abcd|efgh/==", "eyJhbGciOi.J9.x_-~", "$up3r@s3cret!", "a" * 4000):
        assert check_key(key).value == key
    with pytest.raises(ConfigurationError, match="character 4097 is one too many"):
        check_key("a" * 5000)


def test_ids_are_checked_the_same() -> None:
    assert check_id(' "org-TestOrganization"\n', "OPENAI_ORG_ID") == "org-TestOrganization"
    with pytest.raises(ConfigurationError, match=r"^OPENAI_ORG_ID can't be used: its character 5 is U\+041E"):
        check_id("org-\u041erganization", "OPENAI_ORG_ID")


@pytest.mark.parametrize(
    "caller", [("k\u2019ey", "", ""), ("key", "org\n1", ""), ("key", "", "pröj"), ("a\r\nb", "", "")]
)
def test_no_header_is_made_of_what_no_header_takes(caller: tuple[str, str, str]) -> None:
    """The last check, for connections that did not come from the settings."""
    for address in ("https://host/v1", "https://r.openai.azure.com/openai/v1"):
        with pytest.raises(ConfigurationError):
            Connection(address, *caller).headers()
