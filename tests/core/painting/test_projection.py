"""What is kept of a projection: it comes back as it was, and from elsewhere only what can be."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.painting.projection import ProjectedView, Projection, Receiver

ROWS = tuple(float(value) for value in range(16))
VIEW = ProjectedView("camera", ROWS, ROWS, (640, 480), (0, 0, 640, 480))
PROJECTION = Projection((VIEW,), (640, 480), (Receiver("Cube", ROWS),), feather=3.0, used_views=("camera",))


def test_it_comes_back_as_it_was() -> None:
    assert Projection.from_text(PROJECTION.to_text()) == PROJECTION


def changed(**values: Any) -> str:
    return json.dumps({**json.loads(PROJECTION.to_text()), **values})


def view(**values: Any) -> list[dict[str, Any]]:
    return [{**dataclasses.asdict(VIEW), **values}]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100,
        changed(views=[]),
        changed(views=[1]),
        changed(views=view(size=[0, 4])),
        changed(views=view(size=[4])),
        changed(views=view(matrix_world=[1.0])),
        changed(views=view(projection=[float("nan")] * 16)),
        changed(views=view(rectangle=[-1, 0, 4, 4])),
        changed(views=view(more=1)),
        changed(objects=[]),
        changed(objects=[{"name": "Cube"}]),
        changed(texture_size=10**9),
        changed(feather=-1),
        changed(sent_size=[0, 1]),
        changed(used_views=["other"]),
        changed(unknown=1),
        " " * 2_000_000,
    ],
)
def test_what_can_not_be_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        Projection.from_text(text)
