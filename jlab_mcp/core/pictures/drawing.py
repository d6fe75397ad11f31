"""One picture of an output, drawn for one terminal."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.core.images import PictureError
from jlab_mcp.core.pictures.sequences import iterm, kitty, through_tmux
from jlab_mcp.core.pictures.ways import Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

_LARGEST = 2000
"""Pixels a side beyond which a picture is made smaller before it is sent."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What pictures are drawn for.

    Attributes:
        way: how it shows them.
        columns: characters in a line.
        rows: lines.
        cell: width and height of a character in pixels.
        in_tmux: whether sequences have to be handed through tmux.
    """

    way: Way
    columns: int = 80
    rows: int = 24
    cell: tuple[int, int] = (10, 20)
    in_tmux: bool = False


def drawn(data: bytes, screen: Screen) -> bytes:
    """Return the sequences that draw a picture, of any format, no wider than the screen.

    Raises:
        PictureError: the bytes are no picture, or one that is too large to decode.
    """
    room = max(screen.columns * screen.cell[0], 1)
    picture = _decoded(data)
    if screen.way is Way.SIXEL:
        from jlab_mcp.core.pictures.sixel import sixel  # noqa: PLC0415 - as Pillow

        height = max(screen.rows - 1, 1) * screen.cell[1]
        return sixel(_within(picture, min(room, _LARGEST), min(height, _LARGEST)))
    columns = screen.columns if picture.width > room else None
    picture = _within(picture, _LARGEST, _LARGEST)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    sequences: Iterator[bytes]
    sequences = (kitty if screen.way is Way.KITTY else iterm)(buffer.getvalue(), columns)
    return b"".join(through_tmux(sequences) if screen.in_tmux else sequences)


def _decoded(data: bytes) -> Image.Image:
    """Return a picture on white, without transparency."""
    from PIL import Image  # noqa: PLC0415 - slow to import, and seldom needed

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as opened:
                opened.load()
                if not opened.has_transparency_data:
                    return opened.convert("RGB")
                layer = opened.convert("RGBA")
    except Exception as exc:  # Pillow's readers raise whatever damaged bytes make of them
        raise PictureError(f"it cannot be decoded: {exc}") from exc
    ground = Image.new("RGBA", layer.size, "white")
    ground.alpha_composite(layer)
    return ground.convert("RGB")


def _within(picture: Image.Image, width: int, height: int) -> Image.Image:
    factor = min(width / picture.width, height / picture.height, 1.0)
    if factor == 1.0:
        return picture
    size = (max(1, int(picture.width * factor)), max(1, int(picture.height * factor)))
    return picture.resize(size, reducing_gap=2.0)
