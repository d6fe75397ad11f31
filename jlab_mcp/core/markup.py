"""HTML and SVG as the plain text that is in them."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

TIMES = "\u00d7"
_SILENT = {"script", "style", "head", "template", "title", "metadata", "defs"}
_BLOCKS = {
    "p",
    "div",
    "br",
    "tr",
    "li",
    "table",
    "ul",
    "ol",
    "pre",
    "section",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
}
_CELLS = {"td", "th"}
_SIZE = re.compile(r"<svg\b[^>]*", re.IGNORECASE)


def html_text(html: str) -> str:
    """Return the text of HTML: a line for each block, the cells of a table row joined by ` | `."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(line.rstrip(" |") for line in lines if line.strip(" |"))


def svg_text(svg: str) -> str:
    """Return the words in an SVG picture on one line; empty if it has none."""
    words = (" ".join(piece.split()) for piece in map(unescape, _text_pieces(svg)))
    return " · ".join(word for word in words if word)


def svg_size(svg: str) -> str:
    """Return the picture's own width and height; empty if it gives none."""
    root = _SIZE.search(svg)
    if root is None:
        return ""
    found = [re.search(rf'\s{side}\s*=\s*["\']([^"\']+)', root.group()) for side in ("width", "height")]
    return TIMES.join(match.group(1) for match in found if match) if all(found) else ""


def _text_pieces(svg: str) -> list[str]:
    return re.findall(r">([^<]+)<", re.sub(r"(?s)<(style|script|metadata)\b.*?</\1>|<!--.*?-->", "", svg))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base's
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _CELLS:
            self.parts.append(" | ")
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data.replace("\n", " "))
