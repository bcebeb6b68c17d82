"""What is let in of SVG files, and what they are as plain paths."""

from __future__ import annotations

import pytest

from gpt_image_addon.core.vector.drawing import LONGER_SIDE, MOST_JOINED, Paint, find_levels, read_paints
from gpt_image_addon.core.vector.elements import UnusableDrawingError
from gpt_image_addon.core.vector.flatten import read_drawing
from gpt_image_addon.core.vector.geometry import read_path

from .hostile import BOX, DRAWN, REFUSED, svg


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_one_sentence(name: str) -> None:
    data, said = REFUSED[name]
    with pytest.raises(UnusableDrawingError) as caught:
        read_drawing(data)
    assert said in caught.value.problem and len(caught.value.problem) < 200
    assert "\n" not in caught.value.problem


@pytest.mark.parametrize("name", DRAWN)
def test_colors_reach_each_path(name: str) -> None:
    data, colors = DRAWN[name]
    drawing = read_drawing(data)
    assert [shape.paint.color for shape in drawing.shapes] == colors
    assert read_paints(drawing.to_svg()) == list(dict.fromkeys(shape.paint for shape in drawing.shapes))


def test_a_flattened_drawing_stays_as_it_is() -> None:
    body = (
        '<g transform="rotate(30)" opacity=".5"><rect width="40" height="9" rx="2" fill="#f0f"/>'
        '<path d="M0 0q10 10 20 0t20 0" fill="none" stroke="lime" stroke-width="2"/></g>'
    )
    first = read_drawing(svg(body))
    again = read_drawing(first.to_svg())
    assert first.size == pytest.approx(again.size, abs=1e-3) and max(first.size) == pytest.approx(LONGER_SIDE)
    assert [shape.paint for shape in first.shapes] == [shape.paint for shape in again.shapes]
    assert first.shapes[0].paint.opacity == 0.5 and first.shapes[1].paint.stroke_width > 0


def test_what_can_not_be_drawn_is_said() -> None:
    body = (
        "<style>g > rect { fill: red } @media print { rect { fill: blue } }</style>"
        f'<text>Hi</text><g clip-path="url(#c)">{BOX}</g>'
    )
    notes = read_drawing(svg(body)).notes
    assert len(notes) == 3 and all(note.endswith(".") for note in notes)


def test_shapes_that_look_alike_are_joined_up_to_a_length() -> None:
    body = "".join(f'<circle cx="{number * 5}" r="2" fill="red"/>' for number in range(200))
    joined = read_drawing(read_drawing(svg(body)).to_svg()).shapes
    counts = [sum(len(line.segments) for line in shape.outlines) for shape in joined]
    assert sum(counts) == 800 and max(counts) <= MOST_JOINED and len(counts) == 8


def test_shapes_that_overlap_get_levels() -> None:
    body = (
        '<rect width="50" height="50"/><rect x="60" width="10" height="10"/>'
        '<rect x="10" width="10" height="10" fill="red"/>'
    )
    shapes = read_drawing(svg(body)).shapes
    assert [shape.paint.level for shape in shapes] == [0, 0, 1]
    assert shapes[0].paint == shapes[1].paint == Paint((0, 0, 0))


def test_levels_follow_the_order_of_drawing() -> None:
    import numpy as np

    boxes = np.array([[0, 0, 9, 9], [1, 1, 3, 3], [2, 2, 5, 5], [20, 0, 25, 5], [4, 4, 22, 6]], float)
    assert find_levels(boxes) == [0, 1, 2, 0, 3]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("M1 2 3 4 5 6", [(3, 4), (5, 6)]),
        ("m1 2h3v-4z", [(4, 2), (4, -2)]),
        ("M0,0L1-1.5.5,2", [(1, -1.5), (0.5, 2)]),
        ("M10 10a5 5 0 1110 .5", [(20, 10.5)]),
        ("M0 0A0 5 0 0 1 3 3", [(3, 3)]),
        ("M0 0S1 1 2 0 3-1 4 0", [(2, 0), (4, 0)]),
        ("M0 0Q1 1 2 0T4 0", [(2, 0), (4, 0)]),
    ],
)
def test_paths_are_read_as_they_are_written(text: str, ends: list[tuple[float, float]]) -> None:
    (line,) = read_path(text)
    reached = [segment[-1] for segment in line.segments]
    assert [end for end in ends if any(end == pytest.approx(point) for point in reached)] == ends
    assert reached[-1] == pytest.approx(ends[-1])


def test_a_line_goes_on_where_a_closed_one_began() -> None:
    first, second = read_path("M5 5h2v2zl3 0")
    assert first.is_closed and second.start == (5, 5) and second.segments == [((8, 5),)]


def test_a_circle_by_arcs_is_round() -> None:
    drawing = read_drawing(svg('<path d="M-7 0A7 7 0 1 0 7 0A7 7 0 0 0-7 0"/>'))
    assert drawing.size == pytest.approx((LONGER_SIDE, LONGER_SIDE), rel=1e-3)


SQUARES = {"outer": "M0 0H90V90H0z", "same way": "M20 20H70V70H20z", "other way": "M20 20V70H70V20z"}


@pytest.mark.parametrize(
    ("inner", "rule", "count"),
    [("same way", "nonzero", 1), ("other way", "nonzero", 2), ("same way", "evenodd", 2)],
)
def test_only_lines_that_bound_what_is_filled_stay(inner: str, rule: str, count: int) -> None:
    path = f'<path fill-rule="{rule}" d="{SQUARES["outer"]}{SQUARES[inner]}"/>'
    (shape,) = read_drawing(svg(path)).shapes
    assert len(shape.outlines) == count


def test_an_island_in_a_hole_stays() -> None:
    path = f'<path d="{SQUARES["outer"]}{SQUARES["other way"]}M40 40H50V50H40zM100 0h5v5h-5z"/>'
    (shape,) = read_drawing(svg(path)).shapes
    assert len(shape.outlines) == 4
