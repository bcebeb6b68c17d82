"""Edits of image files: outside the patch every pixel and all else in the file stays as it was."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.imaging import png_bands
from gpt_image_addon.core.imaging.decoding import decode_image
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.imaging.stored_pixels import read_png
from gpt_image_addon.core.pasting import image_source
from gpt_image_addon.core.pasting.boxes import Box
from gpt_image_addon.core.pasting.edited_files import cut, paste, paste_bytes
from gpt_image_addon.core.pasting.image_source import Way, inspect_source
from gpt_image_addon.core.pasting.orientation import upright_pixels
from gpt_image_addon.core.pasting.patches import Patch, make_patch

WIDTH, HEIGHT = 120, 90
BOX = Box(30, 20, 50, 40)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
Pixels = NDArray[Any]


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows or so in memory at once."""
    monkeypatch.setattr(png_bands, "BAND", 10 * WIDTH)


def noise(
    channels: int = 3, dtype: type = np.uint8, seed: int = 1, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Pixels:
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top + 1, (size[1], size[0], channels)).astype(dtype)


def soft_weight(box: Box = BOX) -> NDArray[np.float32]:
    """1 inside, less toward the edge, and a frame of 0."""
    rows = np.minimum(np.arange(box.height), np.arange(box.height)[::-1])[:, None]
    columns = np.minimum(np.arange(box.width), np.arange(box.width)[::-1])
    return np.clip((np.minimum(rows, columns) - 3) / 6, 0, 1).astype(np.float32)


def patch_of(channels: int = 3, dtype: type = np.uint8, box: Box = BOX) -> Patch:
    return make_patch(box, noise(channels, dtype, 7, (box.width, box.height)), soft_weight(box))


def changed(before: Pixels, after: Pixels) -> NDArray[np.bool_]:
    return np.asarray((np.atleast_3d(before) != np.atleast_3d(after)).any(axis=2))


def check_edit(before: Pixels, after: Pixels, box: Box = BOX, patch: Patch | None = None) -> None:
    """Only what has a weight is new, and where the weight is whole it is the patch."""
    assert before.shape == after.shape and before.dtype == after.dtype
    weight = (patch or patch_of(box=box)).weight
    inside = np.zeros(before.shape[:2], bool)
    whole = np.zeros(before.shape[:2], bool)
    for piece, column, row in box.pieces((before.shape[1], before.shape[0])):
        part = weight[row : row + piece.height, column : column + piece.width]
        target = slice(piece.top, piece.bottom), slice(piece.left, piece.right)
        inside[target], whole[target] = part > 0, part == np.iinfo(part.dtype).max
    new = changed(before, after)
    assert not new[~inside].any()
    assert new[whole].mean() > 0.9


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def shown(data: bytes) -> Pixels:
    """What Pillow makes of a file, as it is stored."""
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGBA") if image.mode == "P" else image)


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    reader = png_bands.PngReader(io.BytesIO(data))
    for _ in reader.bands():
        pass
    return [*reader.before, *reader.after]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_each_kind(channels: int, dtype: type) -> None:
    before = noise(channels, dtype)
    found = inspect_source(encode_png(before), "a.png")
    assert found.way is Way.PNG_ROWS and found.notes == () and found.size == (WIDTH, HEIGHT)
    patch = patch_of(3 if channels > 2 else 1, dtype)
    after = read_png(paste_bytes(found, [patch]), (WIDTH, HEIGHT))
    check_edit(before, after, patch=patch)
    inner = np.s_[40:44, 50:60]
    assert np.array_equal(after[inner][..., : patch.pixels.shape[2]], patch.pixels[20:24, 20:30])
    if channels in (2, 4):
        assert np.array_equal(after[..., -1], before[..., -1])
    assert np.array_equal(cut(found, [BOX])[0], before[20:60, 30:80])


def test_what_the_file_says_about_itself_stays() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "mine")
    text.add_itxt("Comment", "größer", zip=True)
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "me"
    data = saved(Image.fromarray(noise()), "PNG", pnginfo=text, exif=exif, icc_profile=PROFILE, dpi=(99, 99))
    after = paste_bytes(inspect_source(data, "a.png"), [patch_of()])
    assert chunks(after) == chunks(data)
    check_edit(shown(data), shown(after))


def test_rows_with_any_filter_stay() -> None:
    """Pillow writes noise without a filter and ramps with several."""
    ramp = np.add.outer(np.arange(HEIGHT) * 2, np.arange(WIDTH)).astype(np.uint8)
    data = saved(Image.fromarray(np.dstack([ramp, ramp * 3, ramp + 40])), "PNG")
    check_edit(shown(data), shown(paste_bytes(inspect_source(data, "a.png"), [patch_of()])))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_are_upright_and_files_stay_as_they_are_stored(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = saved(Image.fromarray(noise()), kind, exif=exif)
    found = inspect_source(data, "a")
    upright = decode_image(data, as_data=True).pixels
    assert found.size == (upright.shape[1], upright.shape[0])
    assert np.array_equal(cut(found, [BOX])[0], upright[20:60, 30:80])
    after = paste_bytes(found, [patch_of()])
    check_edit(upright, decode_image(after, as_data=True).pixels)
    again = inspect_source(after, "b")
    assert again.orientation == orientation and again.stored == found.stored


def test_upright_pixels_are_those_of_the_decoder() -> None:
    pixels = noise()
    assert upright_pixels(pixels, 6).shape[:2] == (WIDTH, HEIGHT)
    assert np.array_equal(upright_pixels(upright_pixels(pixels, 6), 8), pixels)


def test_in_a_tiling_image_a_patch_lies_across_the_border() -> None:
    before, box = noise(), Box(WIDTH - 20, HEIGHT - 15, 50, 40)
    found = inspect_source(encode_png(before), "a.png")
    after = read_png(paste_bytes(found, [patch_of(box=box)]), (WIDTH, HEIGHT))
    check_edit(before, after, box)
    assert np.array_equal(cut(found, [box])[0], np.roll(before, (15, 20), (0, 1))[:40, :50])


def test_several_patches_and_borders() -> None:
    before = noise()
    boxes = [Box(0, 0, 40, 30), Box(WIDTH - 40, HEIGHT - 30, 40, 30), Box(50, 35, 20, 20)]
    data = encode_png(before)
    after = read_png(
        paste_bytes(inspect_source(data, "a"), [patch_of(box=box) for box in boxes]), (WIDTH, HEIGHT)
    )
    inside = np.zeros((HEIGHT, WIDTH), bool)
    for box in boxes:
        inside[box.top : box.bottom, box.left : box.right] = soft_weight(box) > 0
    assert np.array_equal(changed(before, after) & ~inside, np.zeros_like(inside))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("transparent", [False, True])
def test_a_palette_becomes_colors(bits: int, transparent: bool) -> None:
    image = Image.fromarray(noise()).quantize(2**bits)
    options = {"transparency": bytes((0, 128))} if transparent else {}
    data = saved(image, "PNG", bits=bits, icc_profile=PROFILE, **options)
    found = inspect_source(data, "a.png")
    assert "palette" in found.notes[0]
    after = paste_bytes(found, [patch_of()])
    with Image.open(io.BytesIO(after)) as opened:
        assert opened.mode == ("RGBA" if transparent else "RGB") and opened.info["icc_profile"] == PROFILE
        check_edit(shown(data), np.array(opened.convert("RGBA")))


def test_a_gray_of_one_bit_becomes_one_of_eight() -> None:
    image = Image.fromarray(noise(1)[..., 0]).convert("1")
    after = paste_bytes(inspect_source(saved(image, "PNG"), "a.png"), [patch_of(1)])
    check_edit(np.array(image.convert("L")), shown(after))


def test_a_color_that_means_transparent_stays_the_only_one() -> None:
    before = noise(1)
    before[40:50, 50:60] = 77
    data = saved(Image.fromarray(before[..., 0]), "PNG", transparency=77)
    after = shown(paste_bytes(inspect_source(data, "a.png"), [patch_of(1)]))
    assert np.array_equal(after == 77, before[..., 0] == 77)


def test_alpha_is_written_where_the_patch_brings_one() -> None:
    before = noise(4)
    patch = patch_of(4)
    after = read_png(paste_bytes(inspect_source(encode_png(before), "a"), [patch]), (WIDTH, HEIGHT))
    assert np.array_equal(after[40:44, 50:60], patch.pixels[20:24, 20:30])
    assert (after[..., 3] != before[..., 3])[20:60, 30:80].mean() > 0.5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_depths_are_fitted(dtype: type) -> None:
    """A patch of 8 bits in an image of 16, and the other way round."""
    before, other = noise(3, dtype), np.uint16 if dtype is np.uint8 else np.uint8
    patch = patch_of(3, other)
    after = read_png(paste_bytes(inspect_source(encode_png(before), "a"), [patch]), (WIDTH, HEIGHT))
    check_edit(before, after)
    middle = after[42, 55].astype(int) * (1 if dtype is np.uint16 else 257)
    assert np.abs(middle - patch.pixels[22, 25].astype(int) * (1 if other is np.uint16 else 257)).max() <= 128


def tiff(pixels: Pixels, *, big: bool = False, rows: int = 16, orientation: int = 1) -> bytes:
    """An uncompressed TIFF with strips; Pillow writes no RGB with 16 bits."""
    order = ">" if big else "<"
    height, width, channels = pixels.shape
    body = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    strips = -(-height // rows)
    row = width * channels * pixels.dtype.itemsize
    tables = [8 + 14 * 12]
    bits_at = 200
    offsets_at, counts_at, pixels_at = bits_at + 16, bits_at + 16 + 4 * strips, bits_at + 16 + 8 * strips
    bits = [8 * pixels.dtype.itemsize] * channels
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, channels, bits_at if channels > 2 else sum(bit << (16 * i) for i, bit in enumerate(bits))),
        (259, 3, 1, 1),
        (262, 3, 1, 2 if channels > 2 else 1),
        (273, 4, strips, offsets_at),
        (274, 3, 1, orientation),
        (277, 3, 1, channels),
        (278, 4, 1, rows),
        (279, 4, strips, counts_at),
        (284, 3, 1, 1),
        *([(338, 3, 1, 2)] if channels in (2, 4) else []),
    ]
    assert tables
    head = (b"MM" if big else b"II") + struct.pack(f"{order}HI", 42, 8)
    made = head + struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        packed = struct.pack(f"{order}HH", value, 0) if short else struct.pack(f"{order}I", value)
        if kind == 3 and count == 2:
            packed = struct.pack(f"{order}HH", *bits)
        made += struct.pack(f"{order}HHI", tag, kind, count) + packed
    made += bytes(4)
    made += bytes(bits_at - len(made)) + struct.pack(f"{order}{channels}H", *bits).ljust(16, b"\0")
    made += struct.pack(f"{order}{strips}I", *(pixels_at + number * rows * row for number in range(strips)))
    made += struct.pack(
        f"{order}{strips}I", *(min(rows, height - number * rows) * row for number in range(strips))
    )
    return made + body + b"the end"


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("channels", "dtype"),
    [
        *((channels, np.uint8) for channels in (1, 2, 3, 4)),
        *((channels, np.uint16) for channels in (1, 3, 4)),
    ],
)
def test_of_an_uncompressed_tiff_only_the_edit_is_written(channels: int, dtype: type, big: bool) -> None:
    before = noise(channels, dtype)
    data = tiff(before, big=big)
    found = inspect_source(data, "a.tif")
    assert found.way is Way.TIFF_ROWS and found.suffix == ".tif"
    patch = patch_of(3 if channels > 2 else 1, dtype)
    edited = paste_bytes(found, [patch])
    assert len(edited) == len(data)
    after = cut(inspect_source(edited, "b.tif"), [Box(0, 0, WIDTH, HEIGHT)])[0]
    check_edit(before, after, patch=patch)
    if dtype is np.uint8 and channels != 2:
        assert np.array_equal(np.atleast_3d(shown(edited)), after)


def test_a_tiff_that_names_strips_beyond_its_end() -> None:
    data = tiff(noise())[: -HEIGHT * WIDTH]
    with pytest.raises(InvalidRequestError):
        cut(inspect_source(data, "a.tif"), [Box(0, 0, WIDTH, HEIGHT)])


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_a_compressed_tiff(compression: str) -> None:
    before = noise()
    data = saved(Image.fromarray(before), "TIFF", compression=compression, icc_profile=PROFILE, dpi=(99, 99))
    found = inspect_source(data, "a.tif")
    assert found.way is Way.WHOLE
    after = paste_bytes(found, [patch_of()])
    check_edit(before, shown(after))
    with Image.open(io.BytesIO(after)) as image:
        assert image.info["compression"] == compression and image.info["icc_profile"] == PROFILE
        assert image.info["dpi"] == (99, 99)


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("BMP", "RGB", {}),
        ("BMP", "L", {}),
        ("TGA", "RGBA", {"compression": "tga_rle"}),
        ("TGA", "RGB", {}),
        ("WEBP", "RGB", {"lossless": True, "exact": True, "icc_profile": PROFILE}),
        ("WEBP", "RGBA", {"lossless": True, "exact": True}),
    ],
)
def test_other_formats_without_loss_keep_theirs(kind: str, mode: str, options: dict[str, Any]) -> None:
    before = np.array(Image.fromarray(noise(4)).convert(mode))
    data = saved(Image.fromarray(before), kind, **options)
    found = inspect_source(data, "a")
    assert found.way is Way.WHOLE and found.notes == ()
    after = paste_bytes(found, [patch_of(1 if mode == "L" else 3)])
    check_edit(shown(data), shown(after))
    with Image.open(io.BytesIO(after)) as image:
        assert image.format == kind and image.info.get("icc_profile") == options.get("icc_profile")


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("WEBP", {"quality": 80}), ("GIF", {})])
def test_what_loses_becomes_a_png_beside(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "me"
    extra = {} if kind == "GIF" else {"exif": exif, "icc_profile": PROFILE}
    data = saved(Image.fromarray(noise()), kind, **options, **extra)
    source = tmp_path / f"a.{kind.lower()}"
    source.write_bytes(data)
    found = inspect_source(source, source.name)
    assert found.way is Way.PNG_BESIDE and found.suffix == ".png"
    assert "becomes a PNG" in found.notes[0] and kind in found.notes[0]
    file = paste(found, [patch_of()], tmp_path / f"edited.{kind.lower()}")
    assert file == tmp_path / "edited.png" and source.read_bytes() == data
    before = decode_image(data, as_data=True).pixels
    check_edit(before, decode_image(file.read_bytes(), as_data=True).pixels)
    with Image.open(file) as image:
        assert image.info.get("icc_profile") == extra.get("icc_profile")
        assert image.getexif().get(ExifTags.Base.Artist) == ("me" if extra else None)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"v/1\x01" + bytes(100), "OpenEXR.*16 bits"),
        (b"#?RADIANCE\n" + bytes(100), "Radiance HDR"),
        (saved(Image.new("F", (20, 20)), "TIFF"), "floating-point"),
        (saved(Image.new("CMYK", (20, 20)), "JPEG"), "CMYK.*RGB"),
        (
            saved(
                Image.new("RGB", (20, 20)),
                "PNG",
                save_all=True,
                append_images=[Image.new("RGB", (20, 20), 9)],
            ),
            "animation",
        ),
        (b"nothing", "not an image"),
        (b"", "not an image"),
    ],
)
def test_what_cant_be_edited_is_refused_before(data: bytes, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        inspect_source(data, "a file")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="can't be read"):
        inspect_source(tmp_path / "no.png", "no.png")


def test_without_memory_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_source, "free_memory", lambda: 1000)
    inspect_source(encode_png(noise()), "a.png")
    with pytest.raises(InvalidRequestError, match="memory"):
        inspect_source(saved(Image.fromarray(noise()), "JPEG"), "a.jpg")


def test_a_file_that_was_replaced_meanwhile_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(encode_png(noise()))
    found = inspect_source(file, "a.png")
    for data in (
        encode_png(noise(size=(50, 50))),
        encode_png(noise())[:-900],
        saved(Image.new("L", (9, 9)), "GIF"),
    ):
        file.write_bytes(data)
        with pytest.raises(InvalidRequestError):
            paste(found, [patch_of()], tmp_path / "out.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]


def test_a_box_outside_the_image() -> None:
    found = inspect_source(encode_png(noise()), "a.png")
    for box in (Box(WIDTH, 0, 5, 5), Box(-1, 0, 5, 5), Box(0, 0, WIDTH + 1, 5), Box(0, 0, 0, 5)):
        with pytest.raises(ValueError, match="Box"):
            cut(found, [box])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_hard_patch_lies_exactly_in_its_box(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    ramp = np.add.outer(np.arange(HEIGHT) * 2, np.arange(WIDTH)).astype(np.uint8)
    data = saved(Image.fromarray(np.dstack([ramp, ramp * 3, ramp + 40])), "PNG", exif=exif)
    patch = make_patch(BOX, noise(3, seed=7, size=(50, 40)), np.ones((40, 50)))
    wanted = decode_image(data, as_data=True).pixels.copy()
    wanted[20:60, 30:80] = patch.pixels
    after = decode_image(paste_bytes(inspect_source(data, "a.png"), [patch]), as_data=True).pixels
    assert np.array_equal(after, wanted)
