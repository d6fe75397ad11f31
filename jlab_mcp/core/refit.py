"""Decoding and encoding pictures with Pillow; apart from `images` because its import takes a while."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

from PIL import Image, UnidentifiedImageError

from jlab_mcp.core.images import Picture, PictureError

_JPEG_QUALITY = 85
_TRIES = 4
_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
"""What models read, by Pillow's name; all else is converted."""


def refit(data: bytes, edge: int, max_bytes: int, *, whole: bool) -> Picture:
    """Decode a picture and encode it anew; see `images.fit`. Only a `whole` original may stay as it is."""
    try:
        with warnings.catch_warnings():
            # A picture large enough for Pillow's warning is still decoded; at twice that size it refuses.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as opened:
                original, mime_type = opened.size, _FORMATS.get(opened.format or "")
                picture = _plain(opened, edge)
    except UnidentifiedImageError:
        raise PictureError("no known picture format") from None
    except Image.DecompressionBombError:
        raise PictureError("too many pixels") from None
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error) as exc:
        raise PictureError(f"damaged: {exc}") from exc
    for _ in range(_TRIES):
        choices = [_as_png(picture), _as_jpeg(picture)]
        if whole and mime_type is not None and picture.size == original:
            choices.append((data, mime_type))
        best, kind = min(choices, key=lambda choice: len(choice[0]))
        if len(best) <= max_bytes:
            return Picture(best, kind, *picture.size, original=original)
        shrink = min(0.9, (max_bytes / len(best)) ** 0.5)
        picture.thumbnail((max(1, int(picture.width * shrink)), max(1, int(picture.height * shrink))))
    raise PictureError(f"does not fit into {max_bytes:,} bytes")


def _plain(opened: Image.Image, edge: int) -> Image.Image:
    """Decode (the first frame), in a mode that both encoders take, no larger than `edge`."""
    if opened.format == "JPEG":
        opened.draft("RGB", (edge, edge))
    opened.load()
    has_alpha = opened.mode in {"RGBA", "LA", "PA"} or "transparency" in opened.info
    mode = "RGBA" if has_alpha else "L" if opened.mode in {"1", "L"} else "RGB"
    if opened.mode.startswith("I"):
        # 16-bit grey: converting would clip everything bright to white.
        low, high = opened.getextrema()
        span = max(1.0, float(high) - float(low))  # type: ignore[arg-type]
        picture = opened.point(lambda value: (value - float(low)) * (255 / span), "F").convert("L")  # type: ignore[arg-type]
    else:
        picture = opened.convert(mode)
    picture.thumbnail((edge, edge), reducing_gap=2.0)
    return picture


def _as_png(picture: Image.Image) -> tuple[bytes, str]:
    if picture.mode != "L":
        picture = picture.quantize(256, method=Image.Quantize.FASTOCTREE)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue(), "image/png"


def _as_jpeg(picture: Image.Image) -> tuple[bytes, str]:
    if picture.mode == "RGBA":
        # JPEG knows no transparency; notebooks stand on white.
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue(), "image/jpeg"
