"""No text of an error holds a secret, whatever form a server gives it back in, nor what steers a terminal."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote

import pytest

from gpt_image_addon.core import errors
from gpt_image_addon.core.errors import APIStatusError, GptImageError
from gpt_image_addon.core.text.plain_text import clean, clean_block, repair
from gpt_image_addon.core.text.redaction import describe_error, environment_without_secrets, hide, redact

SECRET = "Zq7~private/Key+of=Ada&42"
"""Not one that looks like a key."""

FORMS = {
    "plain": SECRET,
    "in small letters": SECRET.lower(),
    "percent": quote(SECRET, safe=""),
    "percent, slashes kept": quote(SECRET),
    "percent, each byte": "".join(f"%{byte:02X}" for byte in SECRET.encode()),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 after a name": base64.b64encode(f"ada:{SECRET}".encode()).decode(),
    "base64 after two letters": base64.b64encode(f"x:{SECRET}".encode()).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "hexadecimal": SECRET.encode().hex(),
    "json": json.dumps(SECRET).replace("/", "\\/"),
    "json, each letter": "".join(f"\\u{ord(letter):04x}" for letter in SECRET),
    "html": html.escape(SECRET),
    "spaced": " ".join(SECRET),
    "in lines": "\n".join(SECRET[start : start + 7] for start in range(0, len(SECRET), 7)),
    "with invisible marks": "\u200b".join(SECRET),
    "masked": SECRET[:9] + "*" * 12 + SECRET[-4:],
    "the middle": SECRET[6:-6],
}


@pytest.fixture(autouse=True, scope="module")
def known() -> None:
    hide(SECRET)


@pytest.mark.parametrize("form", FORMS)
def test_a_known_secret_is_recognised_in_every_form(form: str) -> None:
    told = redact(f"Incorrect value {FORMS[form]} was given.")
    assert told == "Incorrect value … was given." or form in ("spaced", "in lines", "json", "html")
    for length in (6, 5):
        pieces = [FORMS[form][start : start + length] for start in range(len(FORMS[form]) - length + 1)]
        assert not [piece for piece in pieces if len(set(piece)) > 3 and piece in told]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("part", ["message", "code", "param", "request_id", "next_step"])
def test_no_part_of_an_error_holds_it(form: str, part: str) -> None:
    values = {"message": "It broke.", part: f"x {FORMS[form]} y"}
    error = GptImageError(values.pop("message"), **values)  # type: ignore[arg-type]
    said = json.dumps([error.to_dict(), str(error), error.args, error.text, error.next_step])
    assert SECRET[8:14] not in said and FORMS[form] not in said
    assert "…" in str(getattr(error, part))


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc",
        'headers {"authorization":"Basic YWRhOnNlY3JldA=="}',
        "x-api-key=abcdefgh is wrong",
        "Incorrect API key provided: abcdefgh.",
        "via http://ada:abcdefgh@proxy:8080 failed",
        "the key sk-proj-abcdefgh is old",
    ],
)
def test_what_looks_like_a_secret_is_hidden_whosever_it_is(text: str) -> None:
    told = GptImageError(text).message
    assert not {"abcdefgh", "YWRhOnNlY3JldA", "Bearer abc"} & {part for part in told.split() if part}
    assert "abcdefgh" not in told and "YWRh" not in told and "Bearer abc" not in told


@pytest.mark.parametrize(
    "text",
    [
        "There is no API key. Set OPENAI_API_KEY or enter a key in the add-on's preferences.",
        "The base URL holds a password.",
        "It may still be at https://host.example/a.png?sig=abc&se=1",
        "A basic wooden texture, bearing marks.",
        "/home/ada/" + "x" * 200 + "/a file.png can't be read.",
        "👩‍👩‍👧 and نمی‌خواهم stay whole: é ß 木 £",
    ],
)
def test_ordinary_texts_stay_as_they_are(text: str) -> None:
    assert GptImageError(text).message == text


def test_nothing_steers_the_terminal() -> None:
    nasty = "a\x1b[2J\x1b]0;title\x07b\r\nc\x00\x9b31md\u202etxt.exe\u2066\u200b\ue000 \ud800 e\ud83c\udfa8"
    error = APIStatusError(nasty, status=400, code=nasty, param=nasty, request_id=nasty, next_step=nasty)
    for text in (error.message, error.code, error.param, error.request_id, error.next_step, str(error)):
        assert text == "ab c dtxt.exe\ue000 \ufffd e🎨"


def test_no_part_is_longer_than_people_read() -> None:
    long = "long words " * 100_000
    started = time.monotonic()
    error = APIStatusError(long, status=400, code=long, param=long, request_id=long, next_step=long)
    assert time.monotonic() - started < 1
    assert len(error.text) <= 2 * errors.MESSAGE_LIMIT + 1 and error.message.endswith("…")
    assert all(len(part or "") <= errors.NAME_LIMIT for part in (error.code, error.param, error.request_id))


def test_a_secret_is_not_cut_into_sight() -> None:
    """Where a text is cut, the rest of a secret must not be what is left."""
    for before in (errors.MESSAGE_LIMIT - 4, 19_990, 19_995):
        told = GptImageError("x " * (before // 2) + SECRET).message
        assert SECRET[:5] not in told


def test_values_that_are_no_texts_are_texts_afterwards() -> None:
    error = GptImageError("x", code=400, param=["a"], request_id={"b": 1})  # type: ignore[arg-type]
    assert (error.code, error.param, error.request_id) == ("400", "['a']", "{'b': 1}")
    assert GptImageError("x", code="", param="\x1b[0m").param is None


def test_an_unexpected_error_is_described_without_what_it_holds() -> None:
    try:
        f"Bearer {SECRET}\u2019".encode("latin-1")
    except UnicodeEncodeError as error:
        assert SECRET[:12] in repr(error)
        assert SECRET[:12] not in describe_error(error)
    assert describe_error(ValueError(f"bad {SECRET}\n")) == "ValueError: bad …"
    assert describe_error(KeyError()) == "KeyError"


def test_halves_of_characters_are_joined_shown_or_replaced() -> None:
    assert repair("a\ud83c\udfa8b") == "a🎨b"
    assert repair("caf\udce9") == "caf\\xe9"
    assert repair("cut \ud83c") == "cut \ufffd"
    for text in ("a\ud83c\udfa8", "\udce9\ud800\udcff\ud83d"):
        repair(text).encode()


def test_blocks_keep_their_lines() -> None:
    assert clean_block("a\n\tb\x1b[1mc\r\x07") == "a\n\tbc "
    assert clean("a\n\tb") == "a b"


def test_processes_get_an_environment_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    private = {
        "OPENAI_ORG_ID": "org-1",
        "HTTPS_PROXY": "http://ada:word@proxy:1",
        "AZURE_CLIENT_SECRET": "x",
        "GITHUB_TOKEN": "x",
        "ANTHROPIC_API_KEY": "x",
        "INNOCENT": f"a {SECRET}",
        "ADDRESS": "https://ada:word@host/",
    }
    for name, value in {**private, "PLAIN": "for all", "KEYBOARD": "de"}.items():
        monkeypatch.setenv(name, value)
    given = environment_without_secrets()
    assert not set(private) & set(given)
    assert given["PLAIN"] == "for all" and given["KEYBOARD"] == "de" and "PATH" in given
