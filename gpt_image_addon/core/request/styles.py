"""Named styles: what each adds to a prompt. Those of the add-on, and the user's own.

One JSON file holds any number of them: ``{"schema": 1, "styles": [{"name", "label", "words"}]}``. Each
may have a ``group`` and a ``tip``. The user's lie in the state folder in the same form, so that a file
from one person is a file for another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ..common.files import PRIVATE_FILE, read_file, replace_file
from ..common.paths import state_folder
from ..errors import InvalidRequestError
from ..text.json_reader import once, parse_json
from ..text.log import get_logger
from ..text.message import Message, message
from .parameters import STYLE_LIMIT

log = get_logger(__name__)

STYLES_FILE = "styles.json"
SCHEMA = 1
FILE_LIMIT = 4 * 10**6  # bytes
COUNT_LIMIT = 1000  # styles of a file
NAME_LIMIT = 100  # characters of a name or a label
THE_STYLE = Message("The style")
"""Called so in an error where there is but one."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Style(NamedTuple):
    """One style."""

    name: str
    """Identifier in requests and on the command line: small letters, digits and underscores."""
    label: str
    """What people read."""
    words: str
    """What joins the prompt."""
    group: str = ""
    """Of the menu; empty for the user's own."""
    tip: str = ""
    """What it is for."""


@cache
def curated_styles() -> Mapping[str, Style]:
    """The add-on's own styles by name."""
    return _parse(parse_json(Path(__file__).with_name(STYLES_FILE).read_text("utf-8")), "the add-on")


def user_styles() -> Mapping[str, Style]:
    """The user's own styles by name.

    :raises InvalidRequestError: their file is broken.
    """
    path = state_folder() / STYLES_FILE
    return read_styles(path) if path.exists() else {}


def find_style(name: str) -> Style:
    """A style by its name. A curated one is there also where the file of the own ones is broken.

    :raises InvalidRequestError: there is none, or the broken file may hold it.
    """
    try:
        known = all_styles()
    except InvalidRequestError as error:
        known = curated_styles()
        if name not in known:
            raise
        log.warning("%s", error.message)
    if name not in known:
        raise InvalidRequestError(
            message("There is no style '{name}'; there are {names}.", name=name, names=", ".join(known)),
            param="style",
        )
    return known[name]


def all_styles() -> Mapping[str, Style]:
    """Curated and own styles; an own one replaces a curated one of its name.

    :raises InvalidRequestError: the file of the own ones is broken.
    """
    return {**curated_styles(), **user_styles()}


def read_styles(path: Path) -> Mapping[str, Style]:
    """The styles in a file.

    :raises InvalidRequestError: it can't be read, or is of another form.
    """
    try:
        return _parse(
            parse_json(read_file(path, FILE_LIMIT).decode("utf-8-sig"), object_pairs_hook=once), str(path)
        )
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InvalidRequestError(
            message("The styles in {path} can't be read: {reason}.", path=path, reason=reason), param="style"
        ) from error


def write_styles(path: Path, styles: Iterable[Style], mode: int = 0o644) -> None:
    """Write styles as one file to share.

    :param mode: permissions of the file.
    :raises StorageError: it can't be written.
    """
    rows = [{name: text for name, text in style._asdict().items() if text} for style in styles]
    replace_file(
        path, json.dumps({"schema": SCHEMA, "styles": rows}, ensure_ascii=False, indent=1).encode(), mode
    )


def keep_styles(styles: Mapping[str, Style]) -> None:
    """Add styles to the user's own; one of the same name is replaced.

    :raises StorageError: the state folder can't be written.
    """
    write_styles(state_folder() / STYLES_FILE, {**user_styles(), **styles}.values(), PRIVATE_FILE)


def drop_style(name: str) -> None:
    """Take a style out of the user's own.

    :raises InvalidRequestError: it is none of them.
    """
    own = dict(user_styles())
    if own.pop(name, None) is None:
        raise InvalidRequestError(
            message("'{name}' is not one of your own styles.", name=name), param="style"
        )
    write_styles(state_folder() / STYLES_FILE, own.values(), PRIVATE_FILE)


def name_from_label(label: str) -> str:
    """An identifier made from what people read.

    :raises InvalidRequestError: there is no letter or digit in it.
    """
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    if not name:
        raise InvalidRequestError(
            message("'{name}' has no letter or digit to make a name of.", name=label), param="style"
        )
    return name


def _parse(table: Any, source: str) -> Mapping[str, Style]:
    if not isinstance(table, dict) or not isinstance(table.get("styles"), list):
        raise InvalidRequestError(message("{source} holds no styles.", source=source), param="style")
    if table.get("schema") != SCHEMA:
        raise InvalidRequestError(
            message("The styles in {source} are of another version.", source=source), param="style"
        )
    if len(table["styles"]) > COUNT_LIMIT:
        raise InvalidRequestError(
            message("{source} holds more than {limit} styles.", source=source, limit=f"{COUNT_LIMIT:,}"),
            param="style",
        )
    found: dict[str, Style] = {}
    for number, row in enumerate(table["styles"], 1):
        style = _parse_row(row, message("Style {number} in {source}", number=number, source=source))
        if style.name in found:
            raise InvalidRequestError(
                message(
                    "Style {number} in {source} has the name '{name}' of another.",
                    number=number,
                    source=source,
                    name=style.name,
                ),
                param="style",
            )
        found[style.name] = style
    return found


def check_style(
    name: str, label: str, words: str, which: str = THE_STYLE, *, group: str = "", tip: str = ""
) -> Style:
    """A style of these texts.

    :param which: how the style is called in an error.
    :raises InvalidRequestError: one of them can't be used.
    """
    if len(name) > NAME_LIMIT or not _NAME.fullmatch(name):
        raise InvalidRequestError(
            message(
                "{which} is called '{name}'; use small letters, digits and underscores.",
                which=which,
                name=name[:NAME_LIMIT],
            ),
            param="style",
        )
    if any(len(text) > NAME_LIMIT or not text.isprintable() for text in (label, group, tip)):
        raise InvalidRequestError(
            message(
                "{which} has a label that can't be shown; use up to {limit} plain characters.",
                which=which,
                limit=NAME_LIMIT,
            ),
            param="style",
        )
    if _NO_TEXT.search(words):
        raise InvalidRequestError(
            message("{which} holds control characters in its words.", which=which), param="style"
        )
    if not words.strip() or len(words) > STYLE_LIMIT:
        raise InvalidRequestError(
            message(
                "{which} has {count} characters of words, not 1 to {limit}.",
                which=which,
                count=len(words),
                limit=STYLE_LIMIT,
            ),
            param="style",
        )
    return Style(name, label.strip() or name, words.strip(), group.strip(), tip.strip())


def _parse_row(row: Any, which: str) -> Style:
    found = row if isinstance(row, dict) else {}
    name, label, words = (found.get(key) for key in ("name", "label", "words"))
    if not (isinstance(name, str) and isinstance(label, str) and isinstance(words, str)):
        raise InvalidRequestError(
            message("{which} has no name, label and words.", which=which), param="style"
        )
    group, tip = (found.get(key, "") for key in ("group", "tip"))
    if not (isinstance(group, str) and isinstance(tip, str)):
        raise InvalidRequestError(
            message("{which} has a group or a tip that is no text.", which=which), param="style"
        )
    return check_style(name, label, words, which, group=group, tip=tip)
