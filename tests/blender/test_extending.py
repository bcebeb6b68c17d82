"""Images extended and subjects cut out, headless, against the local server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.imaging.stored_pixels import read_png
from tests.api_server import ApiServer
from tests.blender.test_region_edits import follow, texture
from tests.core.editing import simulated

QUALITY = ("--provider", "openai", "--quality", "low")


@pytest.fixture
def extend(run: Any, online: ApiServer, tmp_path: Path) -> Iterator[Any]:
    online.options.edits = follow(simulated.wrong(3, hard=True))

    def command(image: Path, *flags: object) -> tuple[int, dict[str, Any]]:
        return run("extend", image, tmp_path / "out.png", *QUALITY, *flags)  # type: ignore[no-any-return]

    yield command
    online.options.edits = None


@pytest.mark.parametrize(("channels", "dtype"), [(3, np.uint8), (4, np.uint8), (3, np.uint16), (1, np.uint8)])
def test_what_was_there_stays(
    extend: Any, online: ApiServer, tmp_path: Path, channels: int, dtype: Any
) -> None:
    before = texture((900, 700), channels, dtype)
    (tmp_path / "a.png").write_bytes(encode_png(before))
    price = extend(tmp_path / "a.png", "--side", "right", 300, "--dry-run")[1]
    assert not online.image_requests and not (tmp_path / "out.png").exists()
    code, output = extend(tmp_path / "a.png", "--side", "right", 300)
    assert code == 0, output
    (request,) = online.image_requests
    assert request.fields["size"] == price["sizes"][0] and price["high_usd"] >= online.bill_usd > 0
    after = read_png((tmp_path / "out.png").read_bytes(), (1200, 700))
    assert after.dtype == before.dtype and after.shape == (700, 1200, channels)
    assert np.array_equal(after[:, :900], before)
    assert after[:, 920:].std() > np.iinfo(dtype).max / 30
    assert (output["left"], output["top"], output["cost_usd"] > 0) == (0, 0, True)
