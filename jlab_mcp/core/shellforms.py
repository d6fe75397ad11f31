"""What a shell is shown of one output: its words, and its picture if it has one."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jlab_mcp.core import markup, words

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/tiff": ".tiff",
}
_SVG = "image/svg+xml"


@dataclass(frozen=True, slots=True)
class PictureForm:
    """A picture as an output has it; `suffix` is that of a file that holds it, with its dot."""

    data: bytes
    suffix: str

    @property
    def is_svg(self) -> bool:
        """Whether it has to be drawn first."""
        return self.suffix == ".svg"


def picture_in(data: Mapping[str, Any]) -> PictureForm | None:
    """Return the picture of a rich output, if it has one that can be read."""
    for mime, suffix in _SUFFIXES.items():
        if mime in data:
            try:
                return PictureForm(base64.b64decode(joined(data[mime])), suffix)
            except binascii.Error:
                continue
    return PictureForm(joined(data[_SVG]).encode("utf-8", "replace"), ".svg") if _SVG in data else None


def words_in(data: Mapping[str, Any]) -> str:
    """Return the words of a rich output: the plain form, unless that only names the object.

    `<IPython.core.display.Markdown object>` says nothing; then it is the Markdown, the text of the HTML, the
    LaTeX, the JSON, or else what kinds of data there are.
    """
    plain = joined(data.get("text/plain", ""))
    if plain and not _is_name(plain):
        return plain
    for mime in ("text/markdown", "text/latex"):
        if mime in data:
            return joined(data[mime])
    if "text/html" in data:
        return markup.html_text(joined(data["text/html"])) or plain
    if plain:
        return plain
    if "application/json" in data:
        return json.dumps(data["application/json"], ensure_ascii=False, indent=1)
    return "\n".join(
        f"[{mime}, {words.bytes_in_words(len(joined(value)))}]"
        for mime, value in data.items()
        if not mime.startswith("image/")
    )


def error_words(output: Mapping[str, Any]) -> str:
    """Return a traceback with its colours, or where there is none the error's own words."""
    lines = output.get("traceback")
    text = "\n".join(map(str, lines)) if isinstance(lines, list) else joined(lines or "")
    return text or f"{output.get('ename') or 'error'}: {output.get('evalue', '')}"


def joined(value: Any) -> str:
    """Return nbformat's multi-line string as one; other values as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return json.dumps(value, ensure_ascii=False)


def _is_name(plain: str) -> bool:
    return plain.startswith("<") and plain.rstrip().endswith(">")
