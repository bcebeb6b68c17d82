"""Views painted onto meshes whose right colors are known: a smooth function of the place in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt_image_addon.core.projection.depth import draw_depth
from gpt_image_addon.core.projection.guides import draw_lines
from gpt_image_addon.core.projection.outlines import Placement, move_back, place
from gpt_image_addon.core.projection.scan import list_fragments
from gpt_image_addon.core.projection.surface import NO_OWNER, Triangles, locate_corners, map_texels
from gpt_image_addon.core.projection.view import View
from gpt_image_addon.core.projection.views import PaintOptions, find_shapes, paint_views
from gpt_image_addon.core.projection.visibility import see

Array = NDArray[Any]
GREY = 100


def perspective(aspect: float, degrees: float = 40.0, near: float = 0.05) -> Array:
    focal = 1 / np.tan(np.radians(degrees) / 2)
    far = 100.0
    depth = (far + near) / (near - far), 2 * far * near / (near - far)
    return np.array([[focal / aspect, 0, 0, 0], [0, focal, 0, 0], [0, 0, *depth], [0, 0, -1, 0]])


def orthographic(scale: float, aspect: float) -> Array:
    return np.diag([2 / (scale * aspect), 2 / scale, -2 / 100.0, 1.0])


def looking(eye: Any, target: Any = (0, 0, 0)) -> Array:
    """A camera's matrix, z up."""
    back = np.subtract(eye, target) / np.linalg.norm(np.subtract(eye, target))
    right = np.cross((0, 0, 1), back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = right, np.cross(back, right), back, eye
    return matrix


def view_from(
    eye: Any, target: Any = (0, 0, 0), size: tuple[int, int] = (640, 480), ortho: float = 0
) -> View:
    aspect = size[0] / size[1]
    projection = orthographic(ortho, aspect) if ortho else perspective(aspect)
    return View("view", looking(eye, target), projection, size)


def grid(columns: int, rows: int, shape: Any) -> tuple[Array, Array]:
    """Triangles of a surface over the unit square: corners (T, 3, 3) and UVs (T, 3, 2)."""
    u, v = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1))
    uv = np.stack((u, v), axis=-1)
    points = shape(u, v)

    def corner(values: Array, down: int, across: int) -> Array:
        return values[down : rows + down, across : columns + across].reshape(rows * columns, -1)

    def triangles(values: Array) -> Array:
        a, b, c, d = (corner(values, *at) for at in ((0, 0), (0, 1), (1, 1), (1, 0)))
        return np.concatenate((np.stack((a, b, c), 1), np.stack((a, c, d), 1)))

    return triangles(points), triangles(uv)


def sphere(u: Array, v: Array) -> Array:
    around, up = 2 * np.pi * u, np.pi * (v - 0.5) * 0.96
    return np.stack((np.cos(around) * np.cos(up), np.sin(around) * np.cos(up), np.sin(up)), axis=-1)


def mesh(corners: Array, uvs: Array, owner: int = 0, allowed: bool = True) -> Triangles:
    count = len(corners)
    return Triangles(
        corners.astype(np.float32),
        uvs.astype(np.float32),
        np.full(count, owner, np.int32),
        np.full(count, allowed),
        np.full(count, owner != NO_OWNER),
    )


def joined(*parts: Triangles) -> Triangles:
    names = ("corners", "uvs", "owner", "allowed", "shown")
    return Triangles(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def box(low: Any, high: Any, *, inward: bool = False) -> tuple[Array, Array]:
    """Six sides, each in a place of its own in UV space."""
    low, high = np.array(low, float), np.array(high, float)
    corners, uvs = [], []
    for side in range(6):
        axis, at = side // 2, side % 2

        def shape(u: Array, v: Array, axis: int = axis, at: int = at) -> Array:
            first, second = (u, v) if at else (v, u)
            out = np.empty((*u.shape, 3))
            out[..., axis] = high[axis] if at else low[axis]
            for other, share in (((axis + 1) % 3, first), ((axis + 2) % 3, second)):
                out[..., other] = low[other] + share * (high[other] - low[other])
            return out

        part, uv = grid(2, 2, shape)
        if inward:
            part, uv = part[:, ::-1], uv[:, ::-1]
        place_of = np.array([side % 3, side // 3]) / np.array([3, 2])
        corners.append(part)
        uvs.append(uv * (0.9 / np.array([3, 2])) + place_of + 0.05 / 3)
    return np.concatenate(corners), np.concatenate(uvs)


def truth(points: Array) -> Array:
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([127.5 + 80 * np.sin(a) for a in (2 * x + y, 2 * y - z, 2 * z + x)], axis=-1)


def answer_for(view: View, triangles: Triangles) -> Array:
    """What the truth looks like, by rays through the middles of pixels."""
    depth = draw_depth(triangles.corners, view)
    height, width = view.size[1], view.size[0]
    y, x = (np.mgrid[:height, :width] + 0.5).reshape(2, -1)
    ends = []
    for z in (-1.0, 0.5):
        clip = np.stack((x / width * 2 - 1, 1 - y / height * 2, np.full(len(x), z), np.ones(len(x))), axis=-1)
        found = clip @ np.linalg.inv(view.to_clip).T
        ends.append(found[:, :3] / found[:, 3:])
    start, ray = ends[0], ends[1] - ends[0]
    found = np.maximum(depth.triangle.ravel(), 0)
    corner, normal = triangles.corners[found, 0].astype(float), triangles.normals[found]
    share = ((corner - start) * normal).sum(1) / (ray * normal).sum(1)
    colors = truth(start + share[:, None] * ray)
    colors[depth.triangle.ravel() < 0] = 30
    return np.clip(colors, 0, 255).reshape(height, width, 3)


def painted(
    triangles: Triangles, views: list[View], answers: list[Array], size: int = 512, **options: Any
) -> Any:
    count = int(triangles.owner.max()) + 1
    images = [np.full((size, size, 3), GREY, np.uint8) for _ in range(count)]
    return paint_views(triangles, images, views, answers, PaintOptions(**options))


def texels(triangles: Triangles, owner: int, size: int) -> tuple[Array, Array, Array]:
    """Pixels of an image, the triangle of each, and where it is in the world."""
    mine = np.flatnonzero(triangles.owner == owner)
    corners = locate_corners(triangles.uvs[mine], (size, size))
    slopes, origins = map_texels(triangles.corners[mine], corners)
    pixel, local = (np.concatenate(part) for part in zip(*list_fragments(corners, (size, size)), strict=True))
    at = np.stack((pixel % size + 0.5, pixel // size + 0.5), axis=-1)
    return pixel, mine[local], origins[local] + np.einsum("nkj,nj->nk", slopes[local], at)


def decibels(difference: Array) -> float:
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


@pytest.mark.parametrize("ortho", [0, 2.6])
def test_a_view_returns_as_it_was(ortho: float) -> None:
    triangles = mesh(*grid(96, 64, sphere))
    view = view_from((4, -2, 1.5), ortho=ortho)
    found = painted(triangles, [view], [answer_for(view, triangles)], register=False)
    pixel, triangle, points = texels(triangles, 0, 512)
    colors = found.images[0].reshape(-1, 3)[pixel].astype(float)
    cosine = (triangles.normals[triangle] * view.toward_eye(points)).sum(1)
    well, hidden = cosine > np.cos(np.radians(60)), cosine < -0.05
    assert decibels(colors[well] - truth(points)[well]) > 55
    assert np.abs(colors[well] - truth(points)[well]).max() < 40
    assert (np.abs(colors[hidden] - GREY).max(axis=1) > 1).mean() <= 0.006
    assert 0.2 < found.coverage < 0.55 and found.coverage + found.gap_share == pytest.approx(1)


def test_half_a_million_triangles_return_as_they_were() -> None:
    triangles = mesh(*grid(708, 354, sphere))
    assert len(triangles.corners) > 500_000
    view = view_from((4, -2, 1.5), size=(1024, 1024))
    found = painted(triangles, [view], [answer_for(view, triangles)], 1024, register=False)
    pixel, triangle, points = texels(triangles, 0, 1024)
    colors = found.images[0].reshape(-1, 3)[pixel].astype(float)
    cosine = (triangles.normals[triangle] * view.toward_eye(points)).sum(1)
    well, hidden = cosine > np.cos(np.radians(60)), cosine < -0.05
    away = colors[well] - truth(points)[well]
    assert decibels(away) > 55 and np.abs(away).max() < 40
    assert (np.abs(colors[hidden] - GREY).max(axis=1) > 1).mean() <= 0.006


def test_neighbors_share_no_pixel_and_leave_none_out() -> None:
    dice = np.random.default_rng(1)
    count = 40
    place_of = np.stack(np.meshgrid(np.arange(count + 1), np.arange(count + 1)), axis=-1).astype(float)
    place_of[1:-1, 1:-1] += dice.uniform(-0.24, 0.24, (count - 1, count - 1, 2))
    place_of *= 200 / count
    a, b, c, d = place_of[:-1, :-1], place_of[:-1, 1:], place_of[1:, 1:], place_of[1:, :-1]
    corners = np.concatenate([np.stack(t, axis=2).reshape(-1, 3, 2) for t in ((a, b, c), (a, c, d))])
    seen = np.concatenate([pixel for pixel, _ in list_fragments(corners, (200, 200))])
    assert np.array_equal(np.sort(seen), np.arange(200 * 200))


def test_inside_a_room_what_is_behind_is_cut_off() -> None:
    triangles = mesh(*box((-2, -2, -1), (2, 2, 1), inward=True))
    view = view_from((0.5, -1.2, 0.2), (-0.4, 1.5, 0))
    found = painted(triangles, [view], [answer_for(view, triangles)])
    assert found.views[0].used and found.coverage > 0.15
    pixel, triangle, points = texels(triangles, 0, 512)
    colors = found.images[0].reshape(-1, 3)[pixel].astype(float)
    behind = view.homogeneous(points)[:, 2] < 0
    assert behind.mean() > 0.2 and (colors[behind] == GREY).all()
    facing = (triangles.normals[triangle] * view.toward_eye(points)).sum(1) > 0.6
    x, y = (view.homogeneous(points)[:, axis] / view.homogeneous(points)[:, 2] for axis in (0, 1))
    inner = ~behind & facing & (x > 16) & (x < 624) & (y > 16) & (y < 464)
    assert decibels(colors[inner] - truth(points)[inner]) > 50


def test_what_is_behind_gets_no_imprint_and_protected_faces_stay() -> None:
    near = mesh(*box((-0.5, -1, -0.5), (0.5, -0.5, 0.5)))
    far = mesh(*box((-1.5, 1, -1), (1.5, 1.4, 1)), owner=1)
    kept = mesh(*box((-1.4, 0, -0.9), (-0.8, 0.3, -0.3)), owner=2, allowed=False)
    triangles = joined(near, far, kept)
    view = view_from((0, -6, 0))
    found = painted(triangles, [view], [answer_for(view, triangles)])
    assert (found.images[2] == GREY).all()
    pixel, _, points = texels(triangles, 1, 512)
    x, y, w, _ = np.moveaxis(view.homogeneous(points), -1, 0)
    corner = view.homogeneous(np.array([[0.5, -0.5, 0.5], [-0.5, -0.5, -0.5]]))
    right, left = corner[:, 0] / corner[:, 2]
    top, low = corner[:, 1] / corner[:, 2]
    hidden = (x / w > left) & (x / w < right) & (y / w > top) & (y / w < low) & (points[:, 1] < 1.01)
    assert hidden.any() and (found.images[1].reshape(-1, 3)[pixel[hidden]] == GREY).all()


@pytest.mark.parametrize("reach", [10.0, 100.0, 1000.0])
@pytest.mark.parametrize("scale", [1.0, 0.05])
def test_a_parallel_view_hides_alike_however_far_it_reaches(reach: float, scale: float) -> None:
    near = mesh(*box(np.array((-0.5, -1.1, -0.5)) * scale, np.array((0.5, -1, 0.5)) * scale))
    behind = mesh(*box(np.array((-1, -0.95, -1)) * scale, np.array((1, -0.4, 1)) * scale), owner=1)
    triangles = joined(near, behind)
    projection = np.diag([2 / (2.6 * scale), 2 / (2.6 * scale), -2 / (reach - 0.1), 1.0])
    projection[2, 3] = -(reach + 0.1) / (reach - 0.1)
    view = View("view", looking((0, -6, 0)), projection, (512, 512))
    found = painted(triangles, [view], [np.full((512, 512, 3), 200.0)], register=False)
    pixel, triangle, points = texels(triangles, 1, 512)
    front = triangles.normals[triangle, 1] < -0.9
    middle = np.abs(points[:, ::2]).max(axis=1) / scale
    colors = found.images[1].reshape(-1, 3)[pixel]
    assert (colors[front & (middle < 0.49)] == GREY).all()
    assert (colors[front & (middle > 0.6) & (middle < 0.9)] == 200).all()


@pytest.mark.parametrize(("shift", "scale"), [((3, -2), 1.0), ((0, 0), 0.98), ((-4, 3), 1.02)])
def test_answers_are_aligned_on_their_outlines(shift: tuple[int, int], scale: float) -> None:
    triangles = joined(
        mesh(*box((-0.6, -0.5, -0.4), (0.7, 0.5, 0.4))), mesh(*box((0.1, -0.3, 0.4), (0.4, 0.3, 0.9)))
    )
    view = view_from((3, -3, 2))
    seen = see(view, triangles)
    guide = find_shapes(seen, triangles)
    answer = answer_for(view, triangles)
    height, width = guide.shape
    y, x = np.mgrid[:height, :width] + 0.5
    from_x = (x - width / 2 - shift[0]) / scale + width / 2
    from_y = (y - height / 2 - shift[1]) / scale + height / 2
    rows, columns = np.clip(from_y.astype(int), 0, height - 1), np.clip(from_x.astype(int), 0, width - 1)
    moved = answer[rows, columns]
    found = place(guide, moved)
    assert found.shift_px == pytest.approx(shift, abs=0.7) and found.scale == pytest.approx(scale, abs=0.006)
    assert found.is_good and found.score > 0.98
    back = move_back(moved, found)
    inner = guide & (np.abs(answer - 30).max(axis=-1) > 5)
    assert np.abs(back[inner] - answer[inner]).mean() < np.abs(moved[inner] - answer[inner]).mean() / 3


def test_another_shape_is_not_accepted() -> None:
    triangles = mesh(*grid(48, 32, sphere))
    view = view_from((4, 0, 0))
    other = answer_for(view, mesh(*box((-0.2, -1.5, -0.2), (0.2, 1.5, 0.2))))
    found = painted(triangles, [view], [other])
    assert not found.views[0].used and (found.images[0] == GREY).all()


def test_faces_on_the_same_texels_are_told_and_the_best_seen_counts() -> None:
    corners, uvs = box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))
    per_side = len(corners) // 6
    uvs = np.tile(uvs[:per_side], (6, 1, 1))
    triangles = mesh(corners, uvs)
    view = view_from((0.5, -5, 0.3))
    found = painted(triangles, [view], [answer_for(view, triangles)])
    assert found.overlap_share > 0.95


def test_what_lies_beside_faces_continues_them() -> None:
    triangles = mesh(*box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5)))
    view = view_from((0, -4, 0))
    found = painted(triangles, [view], [answer_for(view, triangles)])
    changed = (found.images[0] != GREY).any(axis=-1)
    pixel, triangle, _ = texels(triangles, 0, 512)
    owned = np.zeros(512 * 512, bool)
    owned[pixel] = True
    front = np.zeros(512 * 512, bool)
    front[pixel[triangles.normals[triangle, 1] < -0.9]] = True
    beside = changed.ravel() & ~owned
    assert beside.sum() > 100 and not (changed.ravel() & owned & ~front).any()


def test_lines_lie_where_shapes_end_bend_or_stand_before_others() -> None:
    triangles = joined(mesh(*box((-1, -1, -1), (1, 1, 1))), mesh(*box((-0.2, -2, -0.2), (0.2, -1.5, 0.2))))
    view = view_from((0, -6, 0), size=(300, 300), ortho=3)
    one = see(view, triangles)
    shown = find_shapes(one, triangles)
    drawn = draw_lines(view, one.depth, triangles.normals, shown)
    dark = shown & (drawn[..., 0] < 120)
    assert dark[150, 50] and dark[50, 150]  # where the large box ends
    assert dark[150, 129:132].any() and dark[150, 168:171].any()  # and where the small one stands before it
    assert not dark[70:110, 70:230].any() and not dark[140:160, 140:160].any()
    view = view_from((4, -4, 0.1), size=(300, 300), ortho=4)
    one = see(view, triangles)
    drawn = draw_lines(view, one.depth, triangles.normals, find_shapes(one, triangles))
    assert (drawn[110, 148:152, 0] < 120).any()
    assert (drawn[110, 100:140, 0] == 255).all()


def test_a_parallel_view_is_cut_off_at_its_near_plane() -> None:
    near = mesh(*box((-0.4, -1.5, -0.4), (0.4, -1, 0.4)))
    behind = mesh(*box((-0.4, 0, -0.4), (0.4, 0.5, 0.4)), owner=1)
    projection = np.diag([1.0, 1.0, -2 / 10, 1.0])
    projection[2, 3] = -1  # from the camera itself to 10 units before it
    view = View("view", looking((0, -0.7, 0)), projection, (256, 256))
    answer = np.full((256, 256, 3), 200.0)
    found = painted(joined(near, behind), [view], [answer], 128, register=False)
    assert (found.images[0] == GREY).all()
    assert (found.images[1] == 200).all(axis=-1).mean() > 0.1


def test_colors_under_transparency_paint_nothing() -> None:
    triangles = mesh(*box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5)))
    view = view_from((0, -4, 0), size=(256, 256))
    answer = np.zeros((256, 256, 4))
    answer[..., 1] = 255
    answer[96:160, 96:160] = (200, 10, 20, 255)
    found = painted(triangles, [view], [answer], 256, register=False, replace_all=True)
    changed = (found.images[0] != GREY).any(axis=-1)
    assert changed.sum() > 100 and (found.images[0][changed] == (200, 10, 20)).all()


def test_what_is_transparent_has_no_color_when_an_answer_is_moved() -> None:
    answer = np.zeros((32, 32, 4), np.uint8)
    answer[..., :3] = (255, 0, 255)  # under transparency
    answer[8:24, 8:24] = (40, 160, 80, 255)
    moved = move_back(answer, Placement((0.5, 0.5), 1.0))
    seen = moved[moved[..., 3] > 1]
    assert np.abs(seen[:, :3] - (40, 160, 80)).max() < 1 and 100 < np.median(moved[8, 12:20, 3]) < 256
