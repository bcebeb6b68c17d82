"""Images as people have them, and Blenders whose other add-ons have changed Pillow's settings."""

from __future__ import annotations

import io
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import GifImagePlugin, Image, ImageFile, ImageOps, PngImagePlugin

from gpt_image_addon.core.errors import GptImageError, InvalidRequestError, InvalidResponseError
from gpt_image_addon.core.imaging.decoding import (
    UnusableImageError,
    decode_image,
    decode_small,
    open_image,
    read_header,
)
from gpt_image_addon.core.imaging.formats import decode, inspect_file, load_upload, verify
from gpt_image_addon.core.imaging.masks import load_mask
from gpt_image_addon.core.imaging.pixels import read_pixels
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.jobs.uploads import digest_request
from gpt_image_addon.core.request.request import GenerationRequest
from gpt_image_addon.core.request.styles import read_styles
from tests.core.profiled import encoded, exif, rgb_profile, with_chunk

DICE = np.random.default_rng(11)
RED, BLUE = (220, 40, 40), (40, 60, 200)


def noise(width: int = 96, height: int = 64, channels: int = 3) -> np.ndarray[Any, Any]:
    return DICE.integers(0, 256, (height, width, channels), np.uint8)


def red_over_blue() -> Image.Image:
    """What is seen: 48 wide, 80 high."""
    image = Image.new("RGB", (48, 80), BLUE)
    image.paste(RED, (0, 0, 48, 40))
    return image


def lying(orientation: int) -> Image.Image:
    """The same as a camera stores it that was held otherwise."""
    back = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
    image = red_over_blue()
    if orientation in back:
        image.getexif()[0x0112] = back[orientation]
        turned = ImageOps.exif_transpose(image)
        assert turned is not None
        image = turned
    return Image.fromarray(np.asarray(image))


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
    def test_everything_is_upright(self, kind: str, orientation: int, tmp_path: Path) -> None:
        data = encoded(lying(orientation), kind, exif=exif(orientation), quality=95)
        header = read_header(data)
        assert (header.width, header.height) == (48, 80)
        small = decode_small(data, 40)
        assert small.shape == (40, 24, 4)
        for pixels in (decode(data), read_pixels(data, "x"), small):
            assert pixels[2, 3, 0] > 180 > 90 > pixels[-3, 3, 0]
            assert pixels[-3, 3, 2] > 150
        path = tmp_path / "photo.x"
        path.write_bytes(data)
        assert (inspect_file(path).width, inspect_file(path).height) == (48, 80)
        upload = load_upload(path)
        assert (upload.width, upload.height) == (48, 80)
        with Image.open(io.BytesIO(upload.data)) as sent:  # a server may heed EXIF or not
            assert sent.size == (48, 80) and sent.getexif().get(0x0112, 1) == 1

    def test_upright_files_are_sent_bit_by_bit(self, tmp_path: Path) -> None:
        path = tmp_path / "photo.jpg"
        path.write_bytes(encoded(red_over_blue(), "JPEG", exif=exif(1)))
        assert load_upload(path).data == path.read_bytes()

    def test_a_chunk_behind_the_pixels_counts_too(self) -> None:
        body = exif(6).tobytes().removeprefix(b"Exif\0\0")
        data = with_chunk(encoded(lying(6)), b"eXIf", body, last=True)
        assert decode(data).shape == (80, 48, 3)

    @pytest.mark.parametrize("value", [0, 9, 255, 65535])
    def test_values_that_mean_nothing_turn_nothing(self, value: int) -> None:
        assert decode(encoded(red_over_blue(), "JPEG", exif=exif(value))).shape == (80, 48, 3)

    @pytest.mark.filterwarnings("ignore")
    def test_broken_exif_turns_nothing(self) -> None:
        data = encoded(red_over_blue(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff rubbish")
        assert decode(data).shape == (80, 48, 3)

    def test_sixteen_bits_are_turned_too(self) -> None:
        wide = DICE.integers(0, 65536, (20, 30, 3), np.uint16)
        body = exif(6).tobytes().removeprefix(b"Exif\0\0")
        assert (read_pixels(with_chunk(encode_png(wide), b"eXIf", body), "x") == np.rot90(wide, -1)).all()
        grey = wide[..., :1]
        assert (read_pixels(with_chunk(encode_png(grey), b"eXIf", body), "x") == np.rot90(grey, -1)).all()

    def test_a_mask_lies_over_what_is_seen(self, tmp_path: Path) -> None:
        mask = Image.new("L", (48, 80))
        mask.paste(255, (0, 0, 48, 40))
        lying_mask = mask.transpose(Image.Transpose.ROTATE_90)
        (tmp_path / "mask.jpg").write_bytes(encoded(lying_mask, "JPEG", exif=exif(6), quality=98))
        upload = load_mask(tmp_path / "mask.jpg", (48, 80))
        hole = decode(upload.data)[..., 3] == 0
        assert hole[:39].all() and not hole[41:].any() and upload.notes == ()


class TestFrames:
    @pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "TIFF", "MPO", "AVIF"])
    def test_the_first_frame_is_sent_and_told(self, kind: str, tmp_path: Path) -> None:
        more = [Image.new("RGB", (48, 80), BLUE)] * 2
        path = tmp_path / "moving.x"
        path.write_bytes(encoded(Image.new("RGB", (48, 80), RED), kind, save_all=True, append_images=more))
        upload = load_upload(path)
        assert upload.notes[0] == "Only the first frame of moving.x is used."
        with Image.open(io.BytesIO(upload.data)) as sent:
            assert (sent.format, getattr(sent, "n_frames", 1)) == ("PNG", 1)
            assert sent.convert("RGB").getpixel((9, 9))[0] > 200
        assert read_pixels(path.read_bytes(), "x")[9, 9, 0] > 200

    def test_a_received_animation_is_checked_to_its_end(self) -> None:
        data = encoded(
            Image.fromarray(noise()), "WEBP", save_all=True, append_images=[Image.fromarray(noise())]
        )
        assert verify(data).format == "webp"
        with pytest.raises(InvalidResponseError):
            verify(data[: len(data) * 2 // 3])


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        *(("CMYK", "JPEG"), ("CMYK", "TIFF"), ("LAB", "TIFF"), ("I;16", "PNG"), ("YCbCr", "TIFF")),
        *(("RGB", kind) for kind in ("BMP", "TGA", "JPEG2000", "PPM", "SGI", "PCX", "ICO")),
    ],
)
def test_what_goes_up_is_what_the_api_takes(mode: str, kind: str, tmp_path: Path) -> None:
    image = Image.new("RGB", (48, 48), (200, 60, 40))
    if mode == "I;16":
        image = Image.fromarray(np.full((48, 48), 200 * 257, np.uint16))
    elif mode == "LAB":
        image = image.convert("LAB")
    else:
        image = image.convert(mode)
    path = tmp_path / "reference.x"
    path.write_bytes(encoded(image, kind))
    upload = load_upload(path)
    with Image.open(io.BytesIO(upload.data)) as sent:
        assert (upload.mime, sent.format, sent.mode) == ("image/png", "PNG", "RGB")
        wanted = (200, 200, 200) if mode == "I;16" else (200, 60, 40)
        assert np.abs(np.subtract(sent.getpixel((20, 20)), wanted)).max() <= 6
    assert upload.notes == ("reference.x was converted to PNG before sending.",)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_usual_files_are_sent_bit_by_bit(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "reference.png"
    path.write_bytes(encoded(Image.fromarray(noise()).convert(mode)))
    upload = load_upload(path)
    assert (upload.data, upload.mime, upload.notes) == (path.read_bytes(), "image/png", ())


def test_colours_are_converted_before_sending(tmp_path: Path) -> None:
    path = tmp_path / "wide.jpg"
    path.write_bytes(encoded(Image.new("RGB", (32, 32), (60, 180, 70)), "JPEG", icc_profile=rgb_profile()))
    with Image.open(io.BytesIO(load_upload(path).data)) as sent:
        assert "icc_profile" not in sent.info
        assert np.abs(np.subtract(sent.getpixel((9, 9)), (0, 181, 56))).max() <= 5


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(200), "HEIC"),
        (b"v/1\x01" + bytes(200), "OpenEXR"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(200), "JPEG XL"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n", "PostScript"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"/>', "SVG"),
        (b"<!DOCTYPE html><html>not found</html>", "not an image"),
        (b"", "not an image"),
    ],
)
def test_what_cannot_be_read_is_called_by_its_name(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "reference.png"
    path.write_bytes(data)
    for read in (load_upload, inspect_file):
        with pytest.raises(InvalidRequestError, match=words) as caught:
            read(path)
        assert caught.value.code == "bad_picture" and caught.value.message.count("\n") == 0
    with pytest.raises(InvalidRequestError, match=words):
        read_pixels(data, "x")


def test_unsigned_32_bit_heights_keep_their_order() -> None:
    grey = np.tile(np.linspace(0, 2**32 - 1, 64).astype("<u4"), (64, 1))
    entries = [(256, 64), (257, 64), (258, 32), (259, 1), (262, 1), (273, 134), (277, 1), (278, 64)]
    entries += [(279, grey.nbytes), (339, 1)]
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    data = b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4) + grey.tobytes()
    row = read_pixels(data, "x")[0, :, 0].astype(int)
    assert (np.diff(row) > 0).all() and (row[0], row[-1]) == (0, 65535)


def test_premultiplied_alpha_is_divided_out() -> None:
    data = encoded(Image.new("RGBA", (32, 32), (100, 50, 25, 128)), "TIFF")
    straight, multiplied = (struct.pack("<HHII", 338, 3, 1, kind) for kind in (2, 1))
    assert data.count(straight) == 1
    found = decode(data.replace(straight, multiplied))[3, 3]
    assert np.abs(found.astype(int) - (200, 100, 50, 128)).max() <= 2


@pytest.fixture
def odd_pillow() -> Iterator[dict[tuple[Any, str], Any]]:
    """Pillow as other add-ons may leave it."""
    odd: dict[tuple[Any, str], Any] = {
        (ImageFile, "LOAD_TRUNCATED_IMAGES"): True,
        (Image, "MAX_IMAGE_PIXELS"): 100,
        (PngImagePlugin, "MAX_TEXT_CHUNK"): 10,
        (GifImagePlugin, "LOADING_STRATEGY"): GifImagePlugin.LoadingStrategy.RGB_ALWAYS,
    }
    before = {place: getattr(*place) for place in odd}
    for place, value in odd.items():
        setattr(*place, value)
    yield odd
    for place, value in before.items():
        setattr(*place, value)


def cut(kind: str) -> bytes:
    data = encoded(Image.fromarray(noise(256, 256)), kind)
    return data[: len(data) // 3]


@pytest.mark.usefixtures("odd_pillow")
class TestOtherAddOns:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"])
    def test_half_an_image_is_none(self, kind: str, tmp_path: Path) -> None:
        data = cut(kind)
        path = tmp_path / "half.x"
        path.write_bytes(data)
        for read in (decode, decode_image, lambda found: decode_small(found, 64)):
            with pytest.raises(UnusableImageError):
                read(data)
        for check in (lambda: load_upload(path), lambda: load_mask(path, (8, 8)), lambda: verify(data)):
            with pytest.raises(GptImageError):
                check()

    def test_a_broken_checksum_is_noticed(self) -> None:
        data = bytearray(encoded(Image.fromarray(noise())))
        data[60] ^= 255
        with pytest.raises(UnusableImageError):
            decode(bytes(data))

    def test_whole_images_are_read(self) -> None:
        pixels = noise()
        data = encoded(Image.fromarray(pixels), icc_profile=rgb_profile())
        assert decode_image(data, as_data=True).pixels.tolist() == pixels.tolist()
        assert decode(encoded(Image.new("RGB", (64, 64), RED), "GIF"))[0, 0].tolist() == list(RED)

    def test_what_they_set_stays(self, odd_pillow: dict[tuple[Any, str], Any]) -> None:
        decode(encoded(Image.fromarray(noise())))
        with pytest.raises(UnusableImageError):
            decode(cut("JPEG"))
        assert {place: getattr(*place) for place in odd_pillow} == odd_pillow

    def test_what_they_set_meanwhile_stays(self) -> None:
        with open_image(encoded(Image.fromarray(noise()))):
            Image.MAX_IMAGE_PIXELS = 77
        assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == (77, True)

    def test_threads_do_not_take_their_settings_from_each_other(
        self, odd_pillow: dict[tuple[Any, str], Any]
    ) -> None:
        half, whole = cut("JPEG"), encoded(Image.fromarray(noise(256, 256)))
        start = threading.Barrier(8)

        def work(number: int) -> bool:
            start.wait()
            for _ in range(20):
                if number % 2:
                    decode(whole)
                else:
                    with pytest.raises(UnusableImageError):
                        decode(half)
            return True

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(8)))
        assert {place: getattr(*place) for place in odd_pillow} == odd_pillow


def test_formats_that_others_taught_pillow_are_not_ours() -> None:
    class Fake(ImageFile.ImageFile):
        format = "FAKE"

        def _open(self) -> None:
            self._size, self._mode = (64, 64), "L"

    before = dict(Image.OPEN), list(Image.ID)
    Image.register_open("FAKE", Fake, lambda prefix: prefix.startswith(b"fake"))
    try:
        with pytest.raises(UnusableImageError):
            read_header(b"fake image")
    finally:
        Image.OPEN, Image.ID = before


def test_many_pixels_are_refused_before_they_are_decoded() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return with_chunk(bytes(33) + bytes(12), kind, body)[33:-12]

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    for read in (read_header, decode, decode_image):
        with pytest.raises(UnusableImageError, match="pixels"):
            read(data)


@pytest.mark.filterwarnings("ignore")
def test_no_damage_raises_anything_else() -> None:
    image = Image.fromarray(noise(40, 30))
    whole = [
        encoded(image, kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "JPEG2000", "AVIF")
    ]
    whole += [encoded(image, icc_profile=rgb_profile(), exif=exif(6)), encode_png(noise().astype(np.uint16))]
    for data in whole:
        for _ in range(25):
            broken = bytearray(data)
            for place in DICE.integers(0, min(len(broken), 600), 4):
                broken[place] = DICE.integers(0, 256)
            try:
                found = decode_image(bytes(broken), deep=True)
            except UnusableImageError:
                continue
            assert found.pixels.ndim == 3


READERS: list[Callable[[Path], object]] = [
    load_upload,
    inspect_file,
    lambda path: load_mask(path, (16, 16)),
    lambda path: digest_request(GenerationRequest(prompt="x", references=(str(path),))),
    read_styles,
]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only Unix has such files")
@pytest.mark.parametrize("read", READERS)
def test_special_files_are_refused_at_once(read: Callable[[Path], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    listening = socket.socket(socket.AF_UNIX)
    with listening:
        listening.bind(str(tmp_path / "socket.png"))
        special = [
            tmp_path / name for name in ("pipe.png", "folder.png", "socket.png", "gone.png", "a\0b.png")
        ]
        for path in (*special, Path("/dev/zero"), Path("/dev/tty")):
            with pytest.raises(InvalidRequestError) as caught:
                read(path)
            assert "can't be read" in caught.value.message


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as stream:
        stream.truncate(2**33)
    with pytest.raises(InvalidRequestError, match="larger than") as caught:
        load_upload(path)
    assert caught.value.code == "file_too_large"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only Unix has such files")
def test_a_pipe_put_in_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpt_image_addon.core.common import files

    path = tmp_path / "reference.png"
    path.write_bytes(encoded(red_over_blue()))
    real = files._open_without_waiting

    def swapped(name: str, flags: int) -> int:
        Path(name).unlink()
        os.mkfifo(name)
        return real(name, flags)

    monkeypatch.setattr(files, "_open_without_waiting", swapped)
    with pytest.raises(InvalidRequestError, match="regular"):
        load_upload(path)


def test_a_name_that_lies_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lies.png"
    path.write_bytes(encoded(red_over_blue(), "JPEG"))
    assert (load_upload(path).mime, inspect_file(path).format) == ("image/jpeg", "jpeg")
