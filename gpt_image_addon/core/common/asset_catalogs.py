"""Names of catalogs and tags, as Blender's assets can have them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import InvalidRequestError
from ..text.message import message

TAG_LIMIT = 63  # bytes of UTF-8
_NOT_IN_CATALOGS = re.compile(r"[:\\\x00-\x1f\x7f\ud800-\udfff]")
_NOT_IN_TAGS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


def catalog_path(text: str) -> str:
    """The path of a catalog such as ``Wood/Planks``, without empty parts.

    :raises InvalidRequestError: no catalog can have it.
    """
    clean = "/".join(part.strip() for part in text.split("/") if part.strip())
    if not clean or _NOT_IN_CATALOGS.search(clean):
        raise InvalidRequestError(
            message("'{text}' can't be a catalog.", text=text), code="invalid_value", param="catalog"
        )
    return clean


def usable_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags that an asset can have; Blender itself dies of an empty one."""
    clean = (_NOT_IN_TAGS.sub(" ", tag).strip() for tag in tags)
    return tuple(dict.fromkeys(tag for tag in clean if tag and len(tag.encode()) <= TAG_LIMIT))
