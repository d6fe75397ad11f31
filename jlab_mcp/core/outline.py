"""A cell's outputs in short, as lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jlab_mcp.core import shellforms, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEAD, _TAIL = 20, 10
"""Lines of an output that are shown."""
_LONGEST = 400
"""Characters of a line that are shown."""


def short_outputs(outputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a text for each output: its first and last lines, with its colours; pictures are named."""
    return [text for text in map(_short, outputs) if text.strip()]


def _short(output: Mapping[str, Any]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return _within(shellforms.joined(output.get("text", "")))
    if kind == "error":
        return _within(shellforms.error_words(output))
    data = output.get("data")
    if not isinstance(data, dict):
        return ""
    picture = shellforms.picture_in(data)
    if picture is None:
        return _within(shellforms.words_in(data))
    return f"[picture: {picture.suffix[1:].upper()}, {words.bytes_in_words(len(picture.data))}]"


def _within(text: str) -> str:
    lines = [words.shorten(line, _LONGEST) for line in text.rstrip("\n").split("\n")]
    return "\n".join(words.middle_out(lines, _HEAD, _TAIL))
