"""Decoding and encoding pictures with Pillow; apart from `images` because its import takes a while."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

from PIL import Image, UnidentifiedImageError

from jlab_mcp.core.images import Picture, PictureError

_QUALITY = 85
_WORSE = (70, 50, 30)
"""Qualities of JPEG that are tried, in turn, before the picture is made smaller."""
_LEAST_SHRINK, _MOST_SHRINK = 0.8, 0.3
"""Factors of one step towards a smaller picture."""
_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
"""What models read, by Pillow's name; all else is converted."""


def refit(data: bytes, edge: int, max_bytes: int, *, whole: bool) -> Picture:
    """Decode a picture and encode it anew; see `images.fit`. Only a `whole` original may stay as it is.

    The smaller of a PNG of 256 colours (drawings) and a good JPEG (photographs) is taken if it fits; then
    worse JPEGs, then smaller pictures, until one fits.
    """
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
    if whole and mime_type is not None and max(original) <= edge and len(data) <= max_bytes:
        return Picture(data, mime_type, *original, original=original)
    while True:
        best, kind = _encode(picture, max_bytes)
        if len(best) <= max_bytes:
            return Picture(best, kind, *picture.size, original=original)
        if max(picture.size) == 1:
            raise PictureError(f"no picture fits into {max_bytes:,} bytes")
        # Noise does not shrink in proportion to the pixels: the estimate may have to be made again.
        factor = min(_LEAST_SHRINK, max(_MOST_SHRINK, (max_bytes / len(best)) ** 0.5))
        picture = picture.resize(
            (max(1, int(picture.width * factor)), max(1, int(picture.height * factor))), reducing_gap=2.0
        )


def _encode(picture: Image.Image, max_bytes: int) -> tuple[bytes, str]:
    """Return the best encoding that fits, else the smallest there is."""
    choice = min(_as_png(picture), _as_jpeg(picture, _QUALITY), key=lambda encoded: len(encoded[0]))
    for quality in _WORSE:
        if len(choice[0]) <= max_bytes:
            break
        choice = min(choice, _as_jpeg(picture, quality), key=lambda encoded: len(encoded[0]))
    return choice


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


def _as_jpeg(picture: Image.Image, quality: int) -> tuple[bytes, str]:
    if picture.mode == "RGBA":
        # JPEG knows no transparency; notebooks stand on white.
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue(), "image/jpeg"
