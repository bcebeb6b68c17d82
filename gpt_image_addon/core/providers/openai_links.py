"""Pictures that an answer only links to, as servers other than OpenAI's do."""

from __future__ import annotations

import dataclasses
from binascii import Error, a2b_base64
from collections.abc import Sequence

from ..errors import APIConnectionError, APIError, InvalidResponseError
from ..exchange import Exchange
from ..http import fetch
from .base import Answer

DATA_URL = "data:"
TRIES = 3
PAUSE = 1.0  # seconds before the second try, twice that before the third


def fetch_all(answer: Answer, links: Sequence[str], exchange: Exchange) -> Answer:
    """The answer with the pictures behind its links; one that can't be had becomes a warning.

    The request is paid for by now, so its pictures are asked for again where that may help.

    :raises APIError: not a single picture can be had; ``billed`` is yes.
    :raises JobCancelled: ``exchange`` was cancelled.
    """
    exchange.answered = True
    pictures, warnings = list(answer.pictures), list(answer.warnings)
    failure: APIError | None = None
    for link in links:
        try:
            pictures.append(_picture(link, exchange))
        except APIError as error:
            failure = error
            warnings.append(error.text)
    if failure is not None and not pictures:
        raise failure
    return dataclasses.replace(answer, pictures=tuple(pictures), warnings=tuple(warnings))


def _picture(link: str, exchange: Exchange) -> bytes:
    if link.startswith(DATA_URL):
        return _inline(link)
    for number in range(1, TRIES + 1):
        try:
            reply = fetch(link, exchange)
        except APIConnectionError as error:
            why = error.message
        else:
            if reply.status < 300:
                return reply.body
            why = f"Its server answered {reply.status}."
        if number < TRIES:
            exchange.wait(PAUSE * number)
    raise APIConnectionError(
        f"A finished picture could not be fetched. {why}",
        code="link_failed",
        billed="yes",
        next_step=f"It may still be at {link}",
    )


def _inline(link: str) -> bytes:
    try:
        return a2b_base64(link.partition(",")[2], strict_mode=True)
    except (Error, ValueError) as error:
        raise InvalidResponseError(
            "A picture in the server's answer is cut off or broken.", billed="yes"
        ) from error
