"""The parts that a cell's outputs are folded from, and what they leave out where there is too much. Pure."""

from __future__ import annotations

import json
from typing import Any, Union

from .overflow import Overflow
from .terminal import TerminalText

Output = dict[str, Any]
"""One nbformat 4 output, plain JSON, text not split into lines."""

OUTPUT_COST = 100  # characters that an output costs besides its text, so that a million tiny ones count
_EVALUE_SHARE = 10  # an error's own words are in its traceback too
_NAMED = 5  # MIME types that a note names


class Stream:
    """A stream output in the making."""

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.text = TerminalText(limit)

    @property
    def cost(self) -> int:
        """How much it counts, in characters."""
        return self.text.kept + OUTPUT_COST

    def output(self, overflow: Overflow) -> Output:
        """Return it as it is now."""
        head, left_out, tail = self.text.cut()
        text = _with_gap(head, left_out, tail, overflow) if left_out else head + tail
        return {"output_type": "stream", "name": self.name, "text": text}


class Gap:
    """The place of outputs that were let go, because there were too many."""

    cost = 0

    def __init__(self) -> None:
        self.chars = 0  # of streams
        self.outputs = 0
        self.output_chars = 0  # of those, as JSON

    def take(self, item: Stream | Gap) -> None:
        """Count an item that is let go."""
        if isinstance(item, Gap):
            self.chars += item.chars
            self.outputs += item.outputs
            self.output_chars += item.output_chars
        else:
            self.chars += item.text.shown

    def output(self, overflow: Overflow) -> Output:
        """Return the note of it."""
        text = overflow.text_left_out(self.chars) if self.chars else ""
        if self.outputs:
            what = "1 output" if self.outputs == 1 else f"{self.outputs:,} outputs"
            text += overflow.outputs_left_out(what, self.output_chars)
        return {"output_type": "stream", "name": "stdout", "text": text}


class Fixed:
    """A display, a result or an error; its body is never changed, but replaced, `version` times so far."""

    def __init__(self, body: Output) -> None:
        self.body = body
        self.version = 0

    def output(self, _overflow: Overflow) -> Output:
        """Return it; what is in it is to be read only."""
        return {**self.body}


Item = Union[Stream, Gap, Fixed]


def cost(output: Output) -> int:
    """Return how much a display, a result or an error counts, in characters."""
    if output["output_type"] == "error":
        return OUTPUT_COST + len(output["evalue"]) + _lines_cost(output["traceback"])
    metadata = len(json.dumps(output["metadata"])) if output["metadata"] else 0
    return OUTPUT_COST + metadata + sum(len(mime) + _chars(data) for mime, data in output["data"].items())


def too_long(output: Output, limit: int) -> bool:
    """Return whether a text in it is longer than a cell shows."""
    if output["output_type"] != "error":
        return len(output["data"].get("text/plain", "")) > limit
    longest = max(len(output["evalue"]), len(output["ename"]))
    return longest > limit // _EVALUE_SHARE or _lines_cost(output["traceback"]) > limit


def shortened(output: Output, limit: int, overflow: Overflow) -> Output:
    """Return it with the head and the tail of texts that are too long."""
    if output["output_type"] != "error":
        plain = _shortened(output["data"]["text/plain"], limit, overflow)
        return {**output, "data": {**output["data"], "text/plain": plain}}
    named = {key: _shortened(output[key], limit // _EVALUE_SHARE, overflow) for key in ("ename", "evalue")}
    lines = output["traceback"]
    if _lines_cost(lines) > limit:
        lines = _shortened("\n".join(lines), limit, overflow).split("\n")
    return {**output, **named, "traceback": lines}


def stub(output: Output, chars: int, overflow: Overflow, *, plain: bool) -> Output:
    """Return what a cell shows of an output that it has no room for: a note, after its plain text if wanted.

    Args:
        output: as `shortened` leaves it.
        chars: how long the whole is.
        overflow: where that went.
        plain: whether its plain text is shown.
    """
    if output["output_type"] == "error":
        return {**output, "traceback": [overflow.outputs_left_out("traceback", chars)]}
    types = [mime for mime in output["data"] if mime != "text/plain"] or ["text/plain"]
    what = ", ".join([*types[:_NAMED], *(["…"] if len(types) > _NAMED else [])])
    text = output["data"].get("text/plain", "") if plain else ""
    note = overflow.outputs_left_out(what, chars)
    return {**output, "data": {"text/plain": f"{text}{edge(text)}{note}"}, "metadata": {}}


def edge(head: str) -> str:
    """Return what is missing for a note to begin a line."""
    return "" if not head or head.endswith("\n") else "\n"


def _shortened(text: str, limit: int, overflow: Overflow) -> str:
    half = limit // 2
    if len(text) <= limit:
        return text
    return _with_gap(text[:half], len(text) - 2 * half, text[-half:], overflow)


def _with_gap(head: str, left_out: int, tail: str, overflow: Overflow) -> str:
    return f"{head}{edge(head)}{overflow.text_left_out(left_out)}{tail}"


def _lines_cost(lines: list[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _chars(data: Any) -> int:
    return len(data) if isinstance(data, str) else len(json.dumps(data))
