"""What a model sees of a cell's outputs: words in their order, and pictures that fit."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jlab_mcp.core import images, markup, words
from jlab_mcp.core.svg import draw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp", "image/tiff")
_TRACEBACK_HEAD, _TRACEBACK_TAIL = 12, 28
"""Lines kept of a long traceback: where it started, and where it broke."""
_SVG_WORDS = 500
_EVALUE = 2_000
_CUT_TABLE = re.compile(r"\A.*\s\.\.\.(?:\s|\Z)|\\\s*$", re.MULTILINE)
"""A column of dots in the head of a plain table, or a backslash where its lines were wrapped."""
_VIEW = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a model is shown; `edge` in pixels a side, `picture_bytes` for each picture."""

    chars: int = 12_000
    edge: int = 1_568
    picture_bytes: int = 600_000
    pictures: int = 8


@dataclass(frozen=True, slots=True)
class Content:
    """The words, with a line in the place of each picture, and the pictures in the same order."""

    text: str
    pictures: tuple[images.Picture, ...] = ()


@dataclass(slots=True)
class _Sheet:
    """Collects pieces of text and pictures in order."""

    limits: Limits
    pieces: list[str] = field(default_factory=list)
    pictures: list[images.Picture] = field(default_factory=list)
    seen: int = 0
    beyond: list[int] = field(default_factory=list)

    def write(self, text: str) -> None:
        text = words.clean(text).strip("\n")
        if text.strip():
            self.pieces.append(text)

    @property
    def text(self) -> str:
        """All pieces, with what is repeated folded, within one of them or from one to the next."""
        return words.fold_repeats("\n".join(self.pieces))

    def note(self, text: str) -> None:
        self.pieces.append(f"[{text}]")


def render(
    outputs: Sequence[Mapping[str, Any]],
    limits: Limits,
    *,
    full_text: str | None = None,
    full_chars: int | None = None,
) -> Content:
    """Turn nbformat outputs into words and pictures.

    Args:
        outputs: in the notebook's order.
        limits: budget of the words and size of the pictures.
        full_text: where the full text is, as words for the note of what was left out.
        full_chars: how long the full text is, if `outputs` hold only its head and tail.
    """
    sheet = _Sheet(limits)
    previous = ""
    for output in outputs:
        kind = str(output.get("output_type", ""))
        stream = str(output.get("name", "")) if kind == "stream" else ""
        if kind == "stream":
            if stream == "stderr" and previous != "stderr":
                sheet.note("stderr")
            elif previous == "stderr":
                sheet.note("stdout")
            sheet.write(_joined(output.get("text", "")))
        elif kind == "error":
            sheet.write(_error(output))
        else:
            _bundle(sheet, _mapping(output.get("data")))
        previous = stream
    if sheet.beyond:
        _beyond(sheet)
    text = words.head_and_tail(sheet.text, limits.chars, total=full_chars, where=full_text)
    return Content(text, tuple(sheet.pictures))


def summary(outputs: Sequence[Mapping[str, Any]], chars: int) -> str:
    """Say in at most `chars` characters what the outputs are; pictures are only named."""
    sheet = _Sheet(Limits(chars=chars, pictures=0))
    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream":
            sheet.write(_joined(output.get("text", "")))
        elif kind == "error":
            sheet.write(
                f"{output.get('ename', 'error')}: {words.shorten(str(output.get('evalue', '')), chars)}"
            )
        else:
            _bundle(sheet, _mapping(output.get("data")))
    return words.head_and_tail(sheet.text, chars)


def _bundle(sheet: _Sheet, data: Mapping[str, Any]) -> None:
    """Write the one form of a rich output that says most to a model."""
    plain = _joined(data.get("text/plain", ""))
    picture = next((mime for mime in _PICTURES if mime in data), None)
    if picture is not None:
        _encoded_picture(sheet, picture, _joined(data[picture]))
    elif "image/svg+xml" in data:
        _svg(sheet, _joined(data["image/svg+xml"]))
    elif "text/markdown" in data:
        sheet.write(_joined(data["text/markdown"]))
    elif "text/html" in data:
        sheet.write(_plainest(plain, _joined(data["text/html"]), sheet.limits.chars) or plain)
    elif "text/latex" in data and (not plain or _is_repr(plain)):
        sheet.write(_joined(data["text/latex"]))
    elif plain:
        sheet.write(plain)
        _others(sheet, data, known={"text/plain", "text/latex", _VIEW})
    elif "application/json" in data:
        sheet.write(json.dumps(data["application/json"], ensure_ascii=False, indent=1))
    else:
        _others(sheet, data, known=set())


def _plainest(plain: str, html: str, chars: int) -> str:
    """Choose between the plain form and the text of the HTML form.

    `<IPython.core.display.HTML object>` says nothing. A table's plain form says all and is aligned, unless
    columns were left out (`...`) or wrapped to fit a terminal: then the HTML form has more of them.
    """
    if plain and not _is_repr(plain) and not ("<table" in html and _CUT_TABLE.search(plain)):
        return plain
    text = markup.html_text(html)
    return plain if plain and not _is_repr(plain) and len(text) > chars else text


def _others(sheet: _Sheet, data: Mapping[str, Any], known: set[str]) -> None:
    for mime, value in data.items():
        if mime not in known:
            size = len(value) if isinstance(value, str) else len(json.dumps(value))
            sheet.note(f"{mime}, {words.bytes_in_words(size)}, in the notebook only")


def _encoded_picture(sheet: _Sheet, mime: str, encoded: str) -> None:
    if sheet.limits.pictures == 0:
        sheet.note(f"picture: {_kind(mime)}, {words.bytes_in_words(len(encoded) * 3 // 4)}")
    elif len(sheet.pictures) >= sheet.limits.pictures:
        sheet.seen += 1
        sheet.beyond.append(sheet.seen)
    else:
        try:
            data = base64.b64decode(encoded)
        except binascii.Error as exc:
            sheet.seen += 1
            sheet.note(_not_shown(sheet.seen, _kind(mime), exc))
        else:
            _picture(sheet, data, _kind(mime))


def _picture(sheet: _Sheet, data: bytes, kind: str, said: str = "") -> None:
    sheet.seen += 1
    try:
        fitted = images.fit(data, edge=sheet.limits.edge, max_bytes=sheet.limits.picture_bytes)
    except images.PictureError as exc:
        sheet.note(_not_shown(sheet.seen, kind, exc))
        return
    sheet.pictures.append(fitted)
    shrunk = "" if fitted.original == (fitted.width, fitted.height) else f", from {_size(fitted.original)}"
    size = f"{_size((fitted.width, fitted.height))}{shrunk}, {words.bytes_in_words(len(fitted.data))}"
    sheet.note(f"picture {sheet.seen}: {fitted.kind} {size}{said}")


def _not_shown(number: int, kind: str, why: Exception) -> str:
    return f"picture {number}: {kind}, not shown: {why}; it is in the notebook"


def _beyond(sheet: _Sheet) -> None:
    """Say in one line which pictures an answer has no room for; there may be hundreds."""
    first, last = sheet.beyond[0], sheet.beyond[-1]
    which = f"picture {first}" if first == last else f"pictures {first} to {last}"
    where = "it is" if first == last else "they are"
    most = sheet.limits.pictures
    sheet.note(f"{which}: not shown because an answer holds at most {most}; {where} in the notebook")


def _svg(sheet: _Sheet, svg: str) -> None:
    """Draw it, if something that can is installed and there is room; its words are told in any case."""
    text = words.shorten(markup.svg_text(svg), _SVG_WORDS)
    said = f"; text in it: {text}" if text else ""
    if len(sheet.pictures) < sheet.limits.pictures:
        drawn = draw(svg, sheet.limits.edge)
        if drawn is not None:
            _picture(sheet, drawn, "SVG", f", drawn from SVG{said}")
            return
    size = " ".join(filter(None, ["SVG picture", markup.svg_size(svg)]))
    sheet.note(f"{size}, {words.bytes_in_words(len(svg))}, in the notebook only{said}")


def _error(output: Mapping[str, Any]) -> str:
    """Return the traceback, which ends in the error's own words, or just those."""
    last = f"{output.get('ename') or 'error'}: {words.shorten(str(output.get('evalue', '')), _EVALUE)}"
    traceback = words.clean(_joined(output.get("traceback") or [], "\n"))
    lines = [line.rstrip() for line in traceback.split("\n")]
    if not traceback.strip():
        return last
    return "\n".join(
        middle if len(middle) <= _EVALUE else words.shorten(middle, _EVALUE) for middle in _kept(lines)
    )


def _kept(lines: list[str]) -> list[str]:
    return words.middle_out(lines, _TRACEBACK_HEAD, _TRACEBACK_TAIL)


def _joined(value: Any, separator: str = "") -> str:
    """Return nbformat's multi-line string as one; other values as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return separator.join(str(line) for line in value)
    return json.dumps(value, ensure_ascii=False)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_repr(text: str) -> bool:
    return text.startswith("<") and text.rstrip().endswith(">")


def _kind(mime: str) -> str:
    return mime.partition("/")[2].upper()


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}{markup.TIMES}{size[1]}"
