"""Pictures in sizes that a model can take: bytes in, bytes out."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that fits; width and height in pixels, `original` is the size before it was fitted."""

    data: bytes
    mime_type: str
    width: int
    height: int
    original: tuple[int, int]

    @property
    def kind(self) -> str:
        """The format's name: PNG, JPEG, WEBP or GIF."""
        return self.mime_type.partition("/")[2].upper()


class PictureError(ValueError):
    """The bytes are no picture, or one that is too large to decode."""


def fit(data: bytes, *, edge: int, max_bytes: int) -> Picture:
    """Fit a picture into `edge` pixels a side and `max_bytes`; an original that fits stays as it is.

    A whole PNG that fits is not even decoded.

    Raises:
        PictureError: no model should be given these bytes.
    """
    size = _png_size(data)
    if size is not None and max(size) <= edge and len(data) <= max_bytes:
        return Picture(data, "image/png", *size, original=size)
    from jlab_mcp.core.refit import refit  # noqa: PLC0415 - Pillow is slow to import and seldom needed

    # A cut PNG decodes as far as it goes, but must not be passed on as it is.
    return refit(data, edge, max_bytes, whole=size is not None or not data.startswith(_PNG))


def _png_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG whose chunks are all there and undamaged."""
    if not data.startswith(_PNG):
        return None
    position = len(_PNG)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if (
            end > len(data)
            or zlib.crc32(data[position + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]
        ):
            return None
        if kind == b"IEND":
            width, height = struct.unpack_from(">II", data, len(_PNG) + 8)
            return int(width), int(height)
        position = end
    return None
