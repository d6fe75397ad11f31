"""What terminals make of the sequences that show pictures: decoders, written from the protocols' descriptions."""

from __future__ import annotations

import base64
import io
import re

from PIL import Image

_SIXEL = re.compile(
    rb'"(\d+);(\d+);(\d+);(\d+)|#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)([?-~])|([?-~])|(\$)|(-)'
)


def decode_kitty(data: bytes) -> tuple[Image.Image, dict[str, str]]:
    """Return the picture of one kitty transmission, and its first keys."""
    pieces = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", data)
    assert b"".join(b"\x1b_G%b;%b\x1b\\" % piece for piece in pieces) == data.strip(b"\r\n")
    keys = [dict(pair.split("=") for pair in head.decode().split(",")) for head, _ in pieces]
    assert [each["m"] for each in keys] == ["1"] * (len(keys) - 1) + ["0"]
    assert keys[0]["f"] == "100"
    picture = Image.open(io.BytesIO(base64.b64decode(b"".join(body for _, body in pieces), validate=True)))
    assert picture.format == "PNG"
    picture.load()
    return picture, keys[0]


def decode_iterm(data: bytes) -> tuple[Image.Image, dict[str, str]]:
    """Return the picture of one inline file of iTerm2, and its keys."""
    found = re.fullmatch(rb"\x1b\]1337;File=([^:]*):([^\x07]*)\x07", data.strip(b"\r\n"))
    assert found
    body = base64.b64decode(found[2], validate=True)
    keys = dict(pair.split("=") for pair in found[1].decode().split(";"))
    assert int(keys["size"]) == len(body)
    picture = Image.open(io.BytesIO(body))
    picture.load()
    return picture, keys


def decode_sixel(data: bytes) -> Image.Image:
    """Draw a sixel sequence; what is not drawn is black."""
    found = re.fullmatch(rb"\x1bP0;1;0q(.*)\x1b\\", data.strip(b"\r\n"), re.DOTALL)
    assert found
    palette: dict[int, tuple[int, int, int]] = {}
    colour, x, top, at = 0, 0, 0, 0
    picture = Image.new("RGB", (1, 1))
    for token in _SIXEL.finditer(found[1]):
        assert token.start() == at, f"no sixel: {found[1][at : token.start()]!r}"
        at = token.end()
        raster, register, run = token[4], token[5], token[10] or token[11]
        if raster:
            assert token[1] == token[2] == b"1"
            picture = Image.new("RGB", (int(token[3]), int(token[4])))
        elif register:
            colour = int(register)
            if token[6]:
                red, green, blue = (round(int(part) * 255 / 100) for part in token.groups()[5:8])
                palette[colour] = (red, green, blue)
        elif run:
            for _ in range(int(token[9] or 1)):
                for bit in range(6):
                    if (run[0] - 63) >> bit & 1:
                        picture.putpixel((x, top + bit), palette[colour])
                x += 1
        elif token[12]:
            x = 0
        else:
            x, top = 0, top + 6
    assert at == len(found[1])
    return picture
