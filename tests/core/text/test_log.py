"""Everything that is logged while everything goes wrong: no key, no prompt, no base64."""

from __future__ import annotations

import base64
import dataclasses
import http.client
import io
import logging
from collections.abc import Iterator

import pytest

from gpt_image_addon.core.errors import GptImageError
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.text import log as logs
from gpt_image_addon.core.text import redaction
from tests.api_server import ApiServer, faults
from tests.core.providers.test_openai_client import REQUEST, connect, generate

PROMPT = "a most secret prompt about marzipan"
STEPS = (
    *(faults.error(row) for row in sorted(faults.ERRORS)),
    *(faults.answer(name) for name in sorted(faults.ANSWERS) if name != "redirect"),
    faults.redirect("http://127.0.0.1:9/"),
    *(faults.reset(stage) for stage in faults.STAGES),
    faults.stream(error_after=1),
    faults.stream(cut=3000),
)


@pytest.fixture
def everything() -> Iterator[io.StringIO]:
    """All loggers at DEBUG into one text, tracebacks included."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def test_nothing_secret_is_ever_logged(
    api_server: ApiServer, everything: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RequestState, "wait", lambda self, seconds: self.check())
    log = logs.get_logger("gpt_image_addon.core.test")
    request = dataclasses.replace(REQUEST, prompt=PROMPT)
    said = []
    for step in STEPS:
        streamed = dataclasses.replace(request, partial_images=2 if step.stream else 0)
        api_server.script(step)
        try:
            generate(api_server, streamed)
        except GptImageError as error:
            said.append(error.text + repr(error.to_dict()))
            log.warning("Job broke: %s", error.text, exc_info=True)
    for name in ("gpt_image_addon.core.http.client", *logs.OTHERS):  # should somebody log it after all
        logging.getLogger(name).error("sent with %s", connect(api_server).headers())
    text = everything.getvalue() + "".join(said) + repr(connect(api_server))
    assert len(api_server.requests) > len(STEPS)
    assert "urllib3" in text and "gpt_image_addon.core.http.client" in text and "Traceback" in text
    assert api_server.api_key not in text and api_server.api_key[8:40] not in text
    assert "marzipan" not in text
    for image in api_server.answers.values():
        encoded = base64.b64encode(image).decode()
        assert encoded[200:260] not in text and encoded[:60] not in text
    assert http.client.HTTPConnection.debuglevel == 0  # it would print headers past every filter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bearer abcdef", "Bearer …"),
        ("{'Authorization': 'Bearer sk-abcdefgh'}", "{'Authorization': 'Bearer …'}"),
        ("api-key: 12345", "api-key: …"),
        ("key sk-Qz7-Wx9_Vk3 refused", "key sk-… refused"),
        ("https://x.org/a.png?sig=secret&b=1 failed", "https://x.org/a.png?… failed"),
        (
            'http://x.org:443 "GET /a.png?sig=secret HTTP/1.1" 200',
            'http://x.org:443 "GET /a.png?… HTTP/1.1" 200',
        ),
        ("A" * 200, "…"),
        ("an ordinary sentence, with 12 words.", "an ordinary sentence, with 12 words."),
    ],
)
def test_redaction(text: str, expected: str) -> None:
    assert redaction.redact_bulk(text) == expected


def test_a_key_of_any_form_is_hidden() -> None:
    redaction.hide("0123456789abcdef0123456789abcdef")
    assert "89abcdef01" not in redaction.redact_bulk("the key 0123456789abcdef0123456789abcdef is refused")
    redaction.hide("a")
    assert redaction.redact_bulk("a") == "a"


def test_names_do_not_depend_on_where_the_package_lies() -> None:
    installed = logs.get_logger("bl_ext.user_default.gpt_image_addon.core.http.client")
    assert installed.name == "gpt_image_addon.core.http.client"
    assert logs.get_logger("gpt_image_addon.core.http.client") is installed
