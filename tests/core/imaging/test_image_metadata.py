"""What images say about their makers stays here; what they show goes up bit for bit."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from gpt_image_addon.core.imaging.formats import Upload, make_neutral
from gpt_image_addon.core.imaging.image_metadata import strip_metadata
from gpt_image_addon.core.jobs.uploads import load_uploads
from gpt_image_addon.core.request.request import GenerationRequest

SECRET = b"Ada Lovelace, 51.5N 0.1W"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + SECRET + b"</x:xmpmeta>"


def exif(turn: int = 1) -> Image.Exif:
    """The owner, a place, and which side is up."""
    made = Image.Exif()
    made[0x0112] = turn
    made[0x013B] = SECRET.decode()
    made.get_ifd(0x8825)[1] = "N"
    return made


def image(alpha: bool = False) -> Image.Image:
    random = np.random.default_rng(7)
    return Image.fromarray(random.integers(0, 255, (40, 60, 4 if alpha else 3), dtype=np.uint8))


def encoded(kind: str, turn: int = 1, **more: object) -> bytes:
    """A file full of what is nobody's business, with a profile."""
    stream = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("File", SECRET.decode())
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
        texts.add_text("Comment", SECRET.decode() * 20, zip=True)
        more["pnginfo"] = texts
    elif kind == "JPEG":
        more |= {"comment": SECRET, "xmp": XMP}
    else:
        more |= {"xmp": XMP}
    image(kind != "JPEG").save(stream, kind, exif=exif(turn).tobytes(), icc_profile=profile, **more)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("PNG", {}),
        ("JPEG", {"quality": 90}),
        ("JPEG", {"progressive": True, "restart_marker_blocks": 2}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 80}),
    ],
)
def test_nothing_but_the_image_is_left(kind: str, more: dict[str, object]) -> None:
    data = encoded(kind, **more) + (b"" if kind == "WEBP" else SECRET)
    assert SECRET in data
    stripped = strip_metadata(data)
    assert stripped is not None and SECRET not in stripped
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(stripped)) as after:
        assert (after.format, after.mode, after.size) == (before.format, before.mode, before.size)
        assert np.array_equal(np.asarray(after), np.asarray(before))
        assert after.info.get("icc_profile") == before.info["icc_profile"]
        assert not dict(after.getexif()) and not {"comment", "xmp", "Comment", "File"} & set(after.info)
    assert strip_metadata(stripped) == stripped


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("turn", [3, 6, 8])
def test_which_side_is_up_is_not_lost(kind: str, turn: int) -> None:
    data = encoded(kind, turn)
    stripped = strip_metadata(data)
    assert stripped is not None and SECRET not in stripped
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(stripped)) as after:
        assert dict(after.getexif()) == {0x0112: turn}
        upright = [np.asarray(ImageOps.exif_transpose(shown)) for shown in (before, after)]
    assert np.array_equal(*upright)


def test_a_thumbnail_goes_too() -> None:
    """Programs forget to crop it with the image."""
    stream = io.BytesIO()
    image().save(stream, "JPEG")
    plain = stream.getvalue()
    thumbnail = b"\x02\x01" + SECRET[:6]
    head = b"\xff\xe0" + struct.pack(">H", 16 + len(thumbnail) - 2) + plain[6:18] + thumbnail
    data = plain[:2] + head + plain[20:]
    with Image.open(io.BytesIO(data)) as image_file:
        image_file.load()
    assert SECRET[:6] in data
    assert strip_metadata(data) == plain


def test_private_parts_of_a_png_go() -> None:
    data = encoded("PNG")
    chunk = b"caBX" + SECRET
    part = struct.pack(">I", len(SECRET)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    stripped = strip_metadata(data[:33] + part + data[33:])
    assert stripped == strip_metadata(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_is_not_built_as_it_should_be_is_refused_at_any_place(kind: str) -> None:
    data = encoded(kind)
    whole = strip_metadata(data)
    assert strip_metadata(b"GIF89a" + data) is None and strip_metadata(b"") is None
    for length in range(0, len(data) - 1, 37):
        found = strip_metadata(data[:length])
        assert found is None or SECRET not in found
    random = np.random.default_rng(3)
    for _ in range(300):
        broken = bytearray(data)
        broken[int(random.integers(len(data)))] ^= int(random.integers(1, 256))
        strip_metadata(bytes(broken))  # no exception
    assert whole is not None


def test_an_image_that_can_not_be_stripped_is_written_anew() -> None:
    stream = io.BytesIO()
    image().save(stream, "BMP")
    made = make_neutral(Upload("ada's.bmp", stream.getvalue(), "image/bmp", 60, 40), "image-1")
    assert (made.name, made.mime, made.data[:4]) == ("image-1.png", "image/png", b"\x89PNG")
    with Image.open(io.BytesIO(made.data)) as shown:
        assert np.array_equal(np.asarray(shown), np.asarray(image()))


def test_all_files_of_an_edit_go_up_without_their_names(tmp_path: Path) -> None:
    paths = [tmp_path / "Project Nightingale.png", tmp_path / "ada at home.jpg"]
    for path, kind in zip(paths, ("PNG", "JPEG"), strict=True):
        path.write_bytes(encoded(kind))
    over = tmp_path / "hidden strokes.webp"
    over.write_bytes(encoded("WEBP"))
    request = GenerationRequest("x", references=tuple(map(str, paths)), markup=str(over))
    uploads = load_uploads(request)
    assert [upload.name for upload in uploads.all] == ["image-1.png", "image-2.jpeg", "markup.webp"]
    assert all(SECRET not in upload.data for upload in uploads.all)
    cut = tmp_path / "secret mask.png"
    Image.fromarray(np.repeat(np.uint8([0, 255]), 30)[None].repeat(40, 0)).save(cut)
    masked = load_uploads(GenerationRequest("x", references=(str(paths[0]),), mask=str(cut)))
    assert [upload.name for upload in masked.all] == ["image-1.png", "mask.png"]
