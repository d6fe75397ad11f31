"""What a cell has no room for, on its way to the files beside the notebook. Pure: others write the files.

There are two of them for an execution. The text file has, once it is used, all text that the execution puts
out, in order: streams as they come, and of other outputs what `plaintext.text_of` makes of them. The other
one has whole outputs, one line of JSON each, of which the cell has but a note.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from typing import Any, Union

LIMIT_BYTES = 1_000_000_000
"""The most that one of these files holds, in bytes."""

_PIECE = 1 << 20  # characters handed on at a time
Spill = Union[Callable[[str], None], None]


def outputs_file(text_file: str) -> str:
    """Return the path of the file for whole outputs, which lies beside that for text."""
    return os.path.splitext(text_file)[0] + ".outputs.jsonl"


class Overflow:
    """Holds text back until there is too much of it, then hands all on.

    Args:
        limit_chars: how much is held back.
        spill: takes text, from the first character on; it must not raise.
        spill_output: takes lines of JSON; it must not raise.
        spill_name: the file that `spill` writes; none for a place that has no files.
        limit_bytes: how much each of the two files takes.

    Attributes:
        text_bytes: all text so far, in bytes of UTF-8: where in the text file the next will stand.
        spilled: whether `spill` was called.
    """

    def __init__(
        self, limit_chars: int, spill: Spill, spill_output: Spill, spill_name: str | None, limit_bytes: int
    ) -> None:
        self.text_bytes = 0
        self.spilled = False
        self._limit_chars = limit_chars
        self._limit_bytes = limit_bytes
        self._spill = spill
        self._spill_output = spill_output
        self._name = spill_name
        self._output_bytes = 0
        self._held = io.StringIO()
        self._held_chars = 0

    def text(self, text: str, size: int, *, now: bool = False) -> None:
        """Take the next text, `size` bytes of it; `now` says that the cell does not have all of it."""
        self.text_bytes += size
        if self._spill is None:
            return
        if not self.spilled:
            self._held_chars += len(text)
            if not now and self._held_chars <= self._limit_chars:
                self._held.write(text)
                return
            self.spilled = True
            held, self._held = self._held.getvalue(), io.StringIO()
            if held:
                self._spill(held)
        for piece in pieces(text):
            self._spill(piece)

    def held(self) -> bytes:
        """Return the text that is held back, which is all of it until it is handed on."""
        return self._held.getvalue().encode("utf-8", "replace")

    def output(self, output: dict[str, Any]) -> int:
        """Take a whole output; returns how long it is, in characters of JSON."""
        line = json.dumps(output, ensure_ascii=False, separators=(",", ":"))
        self._output_bytes += len(line) + 1
        if self._spill_output is not None:
            for piece in pieces(line):
                self._spill_output(piece)
            self._spill_output("\n")
        return len(line)

    def text_left_out(self, chars: int) -> str:
        """Return the line in the place of text that a cell leaves out."""
        where = ""
        if self._name and self.text_bytes > self._limit_bytes:
            where = f"; the first {self._limit_bytes:,} bytes of the full text are in {self._name}"
        elif self._name:
            where = f"; the full text is in {self._name}"
        return f"[… {chars:,} characters left out{where} …]\n"

    def outputs_left_out(self, what: str, chars: int) -> str:
        """Return the line in the place of outputs, or parts of one, that a cell leaves out."""
        where = ""
        if self._name and self._output_bytes > self._limit_bytes:
            where = (
                f"; the first {self._limit_bytes:,} bytes of such outputs are in {outputs_file(self._name)}"
            )
        elif self._name:
            where = f"; whole in {outputs_file(self._name)}"
        return f"[… {what}, {chars:,} characters, left out{where} …]\n"


def pieces(text: str) -> Iterator[str]:
    """Cut a text into pieces that are cheap to copy."""
    if len(text) <= _PIECE:
        yield text
        return
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE]
