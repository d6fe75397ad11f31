"""Pictures as sixels: bands of six rows, in each of them one row of bits for every colour."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_BAND = 6
_COLOURS = 256
_RUN = re.compile(rb"(.)\1{3,}", re.DOTALL)
_SHOWN = bytes((value + 63) % 256 for value in range(256))
"""A row of six bits as the character that stands for it."""


def sixel(picture: Image.Image) -> bytes:
    """Return the sequence that draws a picture of mode RGB in its own size, in 256 colours at most."""
    quantized = picture.quantize(_COLOURS)
    palette = quantized.getpalette() or []
    width, height = quantized.size
    pixels = quantized.tobytes()
    parts = [b'\x1bP0;1;0q"1;1;%d;%d' % (width, height)]
    for colour in sorted(set(pixels)):
        red, green, blue = (round(part * 100 / 255) for part in palette[3 * colour : 3 * colour + 3])
        parts.append(b"#%d;2;%d;%d;%d" % (colour, red, green, blue))
    for top in range(0, height, _BAND):
        rows = [pixels[at * width : (at + 1) * width] for at in range(top, min(top + _BAND, height))]
        parts += [b"$".join(_row(rows, colour, width) for colour in sorted(set(b"".join(rows)))), b"-"]
    return b"".join([*parts[:-1], b"\x1b\\"])


def _row(rows: list[bytes], colour: int, width: int) -> bytes:
    """Return where in a band a colour is."""
    bits = 0
    for at, row in enumerate(rows):
        if colour in row:
            bits |= int.from_bytes(row.translate(_bit(colour, at)), "big")
    shown = bits.to_bytes(width, "big").translate(_SHOWN).rstrip(b"?")
    return b"#%d" % colour + _RUN.sub(_shortened, shown)


def _shortened(run: re.Match[bytes]) -> bytes:
    return b"!%d%c" % (len(run[0]), run[0][0])


@cache
def _bit(colour: int, at: int) -> bytes:
    """Return a table that makes a bit of each pixel of a colour, and nothing of the others."""
    table = bytearray(256)
    table[colour] = 1 << at
    return bytes(table)
