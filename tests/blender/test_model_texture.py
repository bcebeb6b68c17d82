"""Objects painted as a camera shows them, headless, against the local server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
import pytest

from tests.api_server import ApiServer
from tests.blender import painted_scenes as scenes

GREY = 231  # of a surface without a material, in sRGB
QUALITY = ("--quality", "low", "--provider", "openai")


@pytest.fixture
def server(online: ApiServer) -> Iterator[ApiServer]:
    online.options.edits = scenes.painted()
    yield online
    online.options.edits = None


@dataclass(frozen=True)
class Measured:
    """How an object shows the answer, by points that Blender's own rays know."""

    decibels: float
    """Where it is well seen and painted over what was there."""
    painted: float
    """Share of what is well seen that is."""
    wrong: float
    """Share of all points that show something else than the answer, what was there, or a mix of both."""
    imprinted: float
    """Share of what is hidden that is painted."""


def measure(obj: Any, camera: Any, image: Any, before: Any = GREY) -> Measured:
    """
    :param before: what was there, at the points.
    """
    uv, place, kind = scenes.seen_samples(obj, camera)
    found = scenes.sampled(scenes.pixels_of(image), uv)
    wanted = scenes.wave(place[:, 0], place[:, 1])
    well, hidden = kind == scenes.WELL, kind == scenes.HIDDEN
    assert well.sum() > 100
    way = wanted - before
    share = np.clip(((found - before) * way).sum(axis=1) / (way**2).sum(axis=1), 0, 1)
    rest = np.abs(found - before - share[:, None] * way).max(axis=1)
    full = well & (share > 0.9)
    changed = np.abs(found - before).max(axis=1) > 2
    return Measured(
        scenes.decibels(found[full], wanted[full]),
        float(full.sum() / well.sum()),
        float((rest > 40).mean()),
        float(changed[hidden].mean()) if hidden.any() else 0.0,
    )


def test_a_view_is_painted_where_it_is_seen(run: Any, server: ApiServer, tmp_path: Any) -> None:
    camera = scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    code, output = run(
        "texture",
        "copper",
        "--objects",
        "Suzanne",
        *QUALITY,
        "--texture-size",
        1024,
        "--output",
        tmp_path / "a.blend",
    )
    assert code == 0, output
    (request,) = server.image_requests
    assert request.fields["size"] == "{}x{}".format(*output["views"][0]["size"])
    assert output["coverage"] > 0.2 and output["views"][0]["score"] > 0.99
    (image,) = output["images"]
    print(output)
    print(measure(obj, camera, bpy.data.images[image["name"]]))
    assert 0
