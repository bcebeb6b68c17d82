"""Views by name or number, and the sheets that hold them."""

from __future__ import annotations

import pytest

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.references.views import count_views, find_sheet, fit_sheet, is_all_around


@pytest.mark.parametrize(
    ("count", "size"),
    [(1, (2880, 2880)), (4, (2880, 2880)), (6, (3456, 2304)), (7, (3840, 1920)), (12, (3264, 2448))],
)
def test_the_largest_sheets(count: int, size: tuple[int, int]) -> None:
    sheet = find_sheet(count)
    assert sheet.size == size
    left, top, width, height = sheet.list_rectangles(count)[-1]
    assert left + width <= size[0] and top + height <= size[1]
    assert fit_sheet(count, size).side >= sheet.side


@pytest.mark.parametrize(
    ("count", "size", "grid"),
    [
        (6, (3456, 2304), (3, 2, 1152)),
        (6, (1024, 1024), (3, 2, 341)),
        (6, (1024, 1536), (2, 3, 512)),
        (2, (3456, 2304), (2, 1, 1728)),
        (1, (3456, 2304), (1, 1, 2304)),
    ],
)
def test_tiles_are_as_large_as_a_size_allows(
    count: int, size: tuple[int, int], grid: tuple[int, ...]
) -> None:
    sheet = fit_sheet(count, size)
    assert (sheet.columns, sheet.rows, sheet.side) == grid


def test_views_by_word_and_number() -> None:
    assert is_all_around("auto") and is_all_around("4")
    assert not any(map(is_all_around, ("camera", "view", "Camera.001", "")))
    assert count_views("auto") == 6 and count_views("12") == 12


@pytest.mark.parametrize("views", ["0", "13", "9" * 5000])
def test_too_many_views_are_refused(views: str) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 12 views"):
        count_views(views)
