"""Images that an answer only links to, as servers other than OpenAI's do."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_to_bytes, urlsplit

from ...errors import APIConnectionError, APIError, InvalidResponseError
from ...http.client import fetch
from ...http.json_images import decode_base64
from ...http.request_state import RequestState
from ...text.message import join, message
from ..base import Answer

DATA_URL = "data:"
TRIES = 3
PAUSE = 1.0  # seconds before the second try, twice that before the third
MAX_LINK = 16_384  # characters; those of signed links stay far below
SHOWN_LINK = 300  # characters of a link in a sentence


def fetch_all(answer: Answer, links: Sequence[str], request_state: RequestState, *, local: bool) -> Answer:
    """The answer with the images behind its links; one that can't be had becomes a warning.

    The request is paid for by now, so its images are asked for again where that may help.

    :param local: whether links may lead to this machine.
    :raises APIError: not a single image can be had; ``billed`` is yes.
    :raises JobCancelled: ``request_state`` was cancelled.
    """
    request_state.answered = True
    images, warnings = list(answer.images), list(answer.warnings)
    failure: APIError | None = None
    end = time.monotonic() + request_state.answer_seconds
    for link in links:
        try:
            images.append(_image(link, request_state, local, end))
        except APIError as error:
            failure = error
            warnings.append(error.text)
    if failure is not None and not images:
        raise failure
    return dataclasses.replace(
        answer,
        images=tuple(images),
        warnings=tuple(warnings),
        is_whole=answer.is_whole and failure is None,
    )


def not_followed(links: Sequence[str]) -> Iterator[str]:
    """A warning for each image that an answer only links to, where nothing is to be sent."""
    for link in links:
        yield join("A finished image could not be fetched.", _where(link))


def _image(link: str, request_state: RequestState, local: bool, end: float = math.inf) -> bytes:
    """:param end: when all links have had their time, on the clock of `time.monotonic`."""
    if link[: len(DATA_URL)].lower() == DATA_URL:
        return _inline(link)
    if len(link) > MAX_LINK:
        raise InvalidResponseError(
            "The server's answer links to an image with an address that is too long.",
            code="unsafe_link",
            billed="yes",
        )
    for number in range(1, TRIES + 1):
        try:
            reply = fetch(link, request_state, local=local, seconds=end - time.monotonic())
        except APIConnectionError as error:
            why = error.message
        except InvalidResponseError as error:
            raise InvalidResponseError(
                error.message, code=error.code, billed="yes", next_step=_where(link)
            ) from error
        else:
            if reply.status < 300:
                return reply.body
            why = message("Its server answered {status}.", status=reply.status)
        if time.monotonic() > end:
            break
        if number < TRIES:
            request_state.wait(PAUSE * number)
    raise APIConnectionError(
        join("A finished image could not be fetched.", why),
        code="link_failed",
        billed="yes",
        next_step=_where(link),
    )


def _where(link: str) -> str:
    """The sentence that tells a link, without a password in it."""
    try:
        parts = urlsplit(link)
        link = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    except ValueError:
        pass
    return message("It may still be at {link}", link=link[:SHOWN_LINK])


def _inline(link: str) -> bytes:
    head, comma, text = link.partition(",")
    found = decode_base64(text) if head.lower().endswith(";base64") else unquote_to_bytes(text)
    if not comma or not found:
        raise InvalidResponseError("An image in the server's answer is cut off or broken.", billed="yes")
    return found
