"""Text for a model to read: no escape codes, no endless repeats, head and tail within a budget."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_REPEATS = 3
"""Identical lines in a row that are still shown one by one."""
_CYCLE = 4
"""Lines of which something repeated may consist: a warning is two, the line of code and what is wrong."""
_SLACK = 13 / 12
"""Bytes of JSON for a character of the budget; text beyond ASCII takes more, and is cut sooner."""


def clean(text: str) -> str:
    """Drop ANSI escape codes and control characters other than line feed and tab."""
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    return _CONTROL.sub("", text)


def in_utf8(text: str) -> str:
    """Write bytes that were no UTF-8, as variables and arguments may hold, so that they can be shown."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def fold_repeats(text: str) -> str:
    """Replace what is repeated, of one or a few lines, by one of it and how many more there were."""
    lines = text.split("\n")
    if len(lines) <= _REPEATS:
        return text
    folded: list[str] = []
    at = 0
    while at < len(lines):
        if lines[at] not in lines[at + 1 : at + 1 + _CYCLE]:
            folded.append(lines[at])
            at += 1
            continue
        period, count = _repeats(lines, at)
        folded += lines[at : at + period]
        if count > 1:
            what = "line" if period == 1 else f"{period} lines"
            folded.append(f"[the {what} above {count - 1:,} more times]")
        at += period * count
    return "\n".join(folded)


def _repeats(lines: list[str], at: int) -> tuple[int, int]:
    """Return of how many lines that which begins here consists, and how often in a row it is there."""
    for period in range(1, _CYCLE + 1):
        end = at + period
        while end < len(lines) and lines[end] == lines[end - period]:
            end += 1
        if not any(lines[at : at + period]) and end > at + 1:
            return end - at, 1  # blank lines stay
        count = (end - at) // period
        if count > _REPEATS:
            return period, count
    return 1, 1


def head_and_tail(text: str, limit: int, *, total: int | None = None, where: str | None = None) -> str:
    """Keep the start and the end of `text` within `limit` characters, and within a little more bytes of JSON.

    Args:
        text: what to shorten.
        limit: characters that may stay, besides the note of what was left out.
        total: characters of the text this one was already cut from, if it was.
        where: where the full text is, for the note.
    """
    if limit <= 0:
        return _note(total or len(text), where) if text else ""
    keep = min(limit, len(text))
    shown = text
    while True:
        if keep < len(text):
            shown = _cut(text, keep, total or len(text), where)
        size = _json_bytes(shown)
        if size <= limit * _SLACK + _NOTE_BYTES:
            return shown
        keep = min(keep - 1, int(keep * limit * _SLACK / size))
        if keep <= 0:
            return _note(total or len(text), where)


def shorten(text: str, limit: int) -> str:
    """Shorten to one piece of at most `limit` characters that ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def listed(names: Iterable[str], word: str = "and", most: int = 12) -> str:
    """Write names as a sentence does: `a, b and c`; of very many the first, and how many more there are."""
    shown = list(names)
    if len(shown) > most + 1:
        shown[most:] = [f"{len(shown) - most} more"]
    return f" {word} ".join([part for part in (", ".join(shown[:-1]), *shown[-1:]) if part])


def middle_out(lines: list[str], head: int, tail: int) -> list[str]:
    """Drop lines from the middle, if that saves some."""
    dropped = len(lines) - head - tail
    return lines if dropped <= 1 else [*lines[:head], f"[… {dropped:,} lines left out …]", *lines[-tail:]]


def bytes_in_words(count: float) -> str:
    """Say a size: `812 bytes`, `23 kB`, `1.5 MB`, `12 GB`."""
    if count < 1000:  # noqa: PLR2004 - a kilobyte
        return f"{count:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.5:  # noqa: PLR2004 - rounds to the next unit
            return f"{count:.1f} {unit}" if count < 9.95 else f"{count:.0f} {unit}"  # noqa: PLR2004
    return f"{count / 1000:.1f} TB"


def duration(seconds: float) -> str:
    """Write a duration in its two largest units, such as `2 h 5 min`."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_NOTE_BYTES = 300


def _cut(text: str, keep: int, total: int, where: str | None) -> str:
    head, tail = text[: keep - keep // 2], text[len(text) - keep // 2 :]
    # Whole lines read better, if that costs little.
    if (end := head.rfind("\n")) > len(head) * 3 // 4:
        head = head[:end]
    if 0 <= (start := tail.find("\n")) < len(tail) // 4:
        tail = tail[start + 1 :]
    return f"{head}\n{_note(total - len(head) - len(tail), where)}\n{tail}"


def _note(left_out: int, where: str | None) -> str:
    return f"[… {left_out:,} characters left out{f'; {where}' if where else ''} …]"


def _json_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass"))
