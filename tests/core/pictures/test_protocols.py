"""Pictures for terminals, decoded again and compared."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import Image, ImageChops

from jlab_mcp.core.images import PictureError
from jlab_mcp.core.pictures.drawing import Screen, drawn
from jlab_mcp.core.pictures.ways import Way
from tests.core.pictures.terminals import decode_iterm, decode_kitty, decode_sixel


def picture(width: int = 61, height: int = 47) -> Image.Image:
    """A picture of few colours, whose sides are no multiples of anything."""
    made = Image.new("RGB", (width, height), "white")
    for x in range(width):
        for y in range(height):
            if (x // 7 + y // 5) % 2:
                made.putpixel((x, y), ((x * 4) // 51 * 51 % 256, 102, (y * 4) // 51 * 51 % 256))
    return made


def encoded(made: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    made.save(buffer, kind)
    return buffer.getvalue()


def same(one: Image.Image, other: Image.Image, tolerance: int = 0) -> bool:
    """Whether two pictures agree, but for so much of each colour."""
    assert one.size == other.size
    extrema = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getextrema()
    return all(most <= tolerance for _, most in extrema)  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "WEBP", "TIFF"])
def test_kitty_gets_the_very_picture(kind: str) -> None:
    made = picture()
    options = {"lossless": True} if kind == "WEBP" else {}
    buffer = io.BytesIO()
    made.save(buffer, kind, **options)
    shown, keys = decode_kitty(drawn(buffer.getvalue(), Screen(Way.KITTY)))
    assert same(shown, made)
    assert (keys["a"], keys["q"], "c" in keys) == ("T", "2", False)


def test_kitty_gets_a_large_picture_in_pieces_of_its_size_and_scaled_to_the_screen() -> None:
    noise = Image.effect_noise((900, 300), 90).convert("RGB")
    sent = drawn(encoded(noise), Screen(Way.KITTY, columns=40, cell=(10, 20)))
    assert max(len(piece) for piece in re.findall(rb";([^\x1b]*)\x1b", sent)) == 4096
    shown, keys = decode_kitty(sent)
    assert same(shown, noise)
    assert keys["c"] == "40"


def test_iterm_gets_the_very_picture() -> None:
    made = picture()
    shown, keys = decode_iterm(drawn(encoded(made), Screen(Way.ITERM)))
    assert same(shown, made)
    assert keys["inline"] == "1"
    assert int(keys["size"]) > 0


@pytest.mark.parametrize("size", [(61, 47), (1, 1), (6, 6), (200, 7)])
def test_sixels_decode_to_the_picture(size: tuple[int, int]) -> None:
    made = picture(*size)
    # A sixel's colours are in percent.
    assert same(decode_sixel(drawn(encoded(made), Screen(Way.SIXEL))), made, tolerance=3)


def test_sixels_are_made_to_fit_the_screen() -> None:
    shown = decode_sixel(
        drawn(encoded(picture(600, 400)), Screen(Way.SIXEL, columns=30, rows=100, cell=(10, 20)))
    )
    assert shown.size == (300, 200)


def test_a_photograph_is_close_in_sixels() -> None:
    made = Image.radial_gradient("L").convert("RGB")
    assert same(decode_sixel(drawn(encoded(made, "JPEG"), Screen(Way.SIXEL, rows=100))), made, tolerance=24)


def test_tmux_hands_on_exactly_what_the_terminal_is_to_get() -> None:
    plain = drawn(encoded(picture()), Screen(Way.KITTY))
    wrapped = drawn(encoded(picture()), Screen(Way.KITTY, in_tmux=True))
    pieces = re.findall(rb"\x1bPtmux;((?:[^\x1b]|\x1b\x1b)*)\x1b\\", wrapped)
    assert b"".join(pieces).replace(b"\x1b\x1b", b"\x1b") == plain
    assert len(b"".join(b"\x1bPtmux;" + piece + b"\x1b\\" for piece in pieces)) == len(wrapped)


def test_what_is_transparent_is_white() -> None:
    made = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    shown, _ = decode_kitty(drawn(encoded(made), Screen(Way.KITTY)))
    assert shown.convert("RGB").getcolors() == [(64, (255, 255, 255))]


@pytest.mark.parametrize("way", [Way.KITTY, Way.ITERM, Way.SIXEL])
def test_damaged_bytes_are_refused(way: Way) -> None:
    for data in (b"", b"nonsense", encoded(picture())[:60], base64.b64encode(encoded(picture()))):
        with pytest.raises(PictureError):
            drawn(data, Screen(way))
