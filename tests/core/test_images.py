"""Pictures in sizes that a model can take."""

import io
import random

import pytest
from PIL import Image

from jlab_mcp.core.images import Picture, PictureError, fit


def encode(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    size = width * height * len(mode)
    return Image.frombytes(mode, (width, height), random.Random(1).randbytes(size))  # noqa: S311 - noise


def decode(picture: Picture) -> Image.Image:
    opened = Image.open(io.BytesIO(picture.data))
    opened.load()
    assert opened.size == (picture.width, picture.height)
    assert Image.MIME[opened.format or ""] == picture.mime_type
    return opened


def test_a_small_png_is_left_untouched():
    data = encode(Image.new("RGB", (640, 480), "red"))
    picture = fit(data, edge=1568, max_bytes=600_000)
    assert picture.data is data
    assert (picture.width, picture.height, picture.kind) == (640, 480, "PNG")


def test_a_large_picture_is_fitted_into_the_edge():
    picture = fit(encode(Image.linear_gradient("L").resize((4000, 1000))), edge=1568, max_bytes=600_000)
    assert max(decode(picture).size) <= 1568
    assert picture.original == (4000, 1000)


def test_a_drawing_becomes_a_png_and_a_photo_a_jpeg():
    drawing = Image.new("RGB", (2000, 2000), "white")
    for x in range(0, 2000, 50):
        drawing.paste((x % 256, 0, 0), (x, 0, x + 3, 2000))
    photo = Image.linear_gradient("L").resize((2000, 2000)).convert("RGB")
    photo = Image.blend(photo, noise(2000, 2000), 0.2)
    assert fit(encode(drawing), edge=1568, max_bytes=600_000).kind == "PNG"
    assert fit(encode(photo), edge=1568, max_bytes=600_000).kind == "JPEG"


def test_the_byte_limit_is_kept_by_shrinking():
    picture = fit(encode(noise(1500, 1500)), edge=1568, max_bytes=100_000)
    assert len(picture.data) <= 100_000
    decode(picture)


def test_an_original_within_both_limits_stays_as_it_is():
    data = encode(noise(400, 400))
    assert 400_000 < len(data) < 600_000
    assert fit(data, edge=1568, max_bytes=600_000).data is data


def test_noise_in_few_bytes_is_shown_however_much_it_grows_when_scaled():
    figure = Image.new("RGB", (3000, 3000), "white")
    figure.paste(noise(300, 300).resize((2300, 2300), Image.Resampling.NEAREST), (350, 350))
    data = encode(figure)
    assert len(data) < 600_000
    picture = fit(data, edge=1568, max_bytes=600_000)
    assert len(picture.data) <= 600_000
    assert max(decode(picture).size) > 1000


@pytest.mark.parametrize("max_bytes", [1_000, 5_000, 20_000])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_whatever_the_limit_something_fits(mode, max_bytes):
    picture = fit(encode(noise(1500, 40, mode)), edge=1568, max_bytes=max_bytes)
    assert len(picture.data) <= max_bytes
    decode(picture)


def test_a_limit_below_any_picture_is_said():
    with pytest.raises(PictureError, match="no picture fits into 9 bytes"):
        fit(encode(noise(100, 100)), edge=1568, max_bytes=9)


def test_a_small_jpeg_that_nothing_beats_stays_as_it_is():
    data = encode(noise(300, 200), "JPEG", quality=40)
    assert fit(data, edge=1568, max_bytes=600_000).data == data


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "F"])
def test_every_mode_can_be_fitted(mode):
    kind = {"CMYK": "JPEG", "F": "TIFF"}.get(mode, "PNG")
    source = Image.new(mode, (2000, 100))
    decode(fit(encode(source, kind), edge=1000, max_bytes=600_000))


def test_sixteen_bit_grey_keeps_its_contrast():
    source = Image.new("I;16", (200, 100))
    source.paste(40_000, (0, 0, 100, 100))
    picture = fit(encode(source, "TIFF"), edge=1568, max_bytes=600_000)
    assert decode(picture).convert("L").getextrema() == (0, 255)


def test_transparency_stands_on_white_in_a_jpeg():
    picture = fit(encode(noise(1000, 1000, "RGBA")), edge=1568, max_bytes=600_000)
    decode(picture)


def test_a_cut_png_is_not_passed_on_as_it_is():
    data = encode(noise(100, 100))
    try:
        picture = fit(data[:-20], edge=1568, max_bytes=600_000)
    except PictureError:
        return
    assert picture.data != data[:-20]
    decode(picture)


def test_a_damaged_png_is_not_passed_on_as_it_is():
    data = bytearray(encode(noise(100, 100)))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(PictureError):
        fit(bytes(data), edge=1568, max_bytes=600_000)


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + b"\xff" * 40]
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(PictureError):
        fit(data, edge=1568, max_bytes=600_000)


def test_a_picture_of_too_many_pixels_is_refused():
    data = encode(Image.new("1", (20_000, 20_000)))
    with pytest.raises(PictureError, match="too many pixels"):
        fit(data, edge=1568, max_bytes=600_000)
