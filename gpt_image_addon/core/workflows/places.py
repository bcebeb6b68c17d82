"""What of a request goes where: the roles that inputs of a workflow can have, and how the user sets them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import InvalidRequestError
from ..text.message import message
from .inputs import Place, Setting, find_setting

PROMPT, NEGATIVE, WIDTH, HEIGHT, SEED, MASK = "prompt", "negative", "width", "height", "seed", "mask"
TEXTS = (PROMPT, NEGATIVE)
NUMBERS = (WIDTH, HEIGHT, SEED)
GUIDES = ("depth", "normal", "lines", "clay", "viewport", "camera")
"""Titles of inputs for what is shown of the scene."""
REFERENCE = re.compile(r"reference ([1-9]|1[0-6])")
PARAM = "workflow_places"


def is_role(text: str) -> bool:
    """Whether an input can be that to a request."""
    return text in (*TEXTS, *NUMBERS, MASK, *GUIDES) or REFERENCE.fullmatch(text) is not None


def fits(role: str, row: Setting) -> bool:
    """Whether an input takes what a role stands for."""
    if role in TEXTS:
        return row.input.type == "STRING" and not row.is_image
    if role in NUMBERS:
        return row.input.type == "INT"
    return row.is_image


def split_place(text: str) -> tuple[str, str]:
    """The role and the input of ``role=Title.input``; an empty input for a role that goes nowhere.

    :raises InvalidRequestError: it is of another form.
    """
    role, sign, name = text.partition("=")
    role, name = " ".join(role.casefold().split()), name.strip()
    if not sign or not is_role(role) or (name and "." not in name):
        raise InvalidRequestError(
            message(
                "'{text}' is not of the form role=Title.input, with a role such as {roles}.",
                text=f"{text:.100}",
                roles=", ".join((*TEXTS, *NUMBERS, MASK, GUIDES[0], "reference 1")),
            ),
            code="invalid_value",
            param=PARAM,
        )
    return role, name


def read_places(texts: Sequence[str], settings: Sequence[Setting]) -> dict[str, Place | None]:
    """Where the user wants each role; None for nowhere.

    :raises InvalidRequestError: an input that is not there, or does not take what the role stands for.
    """
    found: dict[str, Place | None] = {}
    for text in texts:
        role, name = split_place(text)
        row = find_setting(name, settings, PARAM) if name else None
        if row is not None and not fits(role, row):
            raise InvalidRequestError(
                message("The workflow's {name} can't take the {role}.", name=row.name, role=role),
                code="invalid_value",
                param=PARAM,
            )
        found[role] = row.place if row is not None else None
    return found
