"""One output as plain text: what a full text, a search and a log hold of it. Pure."""

from __future__ import annotations

import json
from typing import Any

_WORDY = ("text/plain", "text/markdown", "text/latex", "text/html")


def text_of(output: dict[str, Any]) -> str:
    """Return the plain text of one nbformat output, whole; each but a stream's ends with a line feed.

    Streams as they are, tracebacks with their colours, of rich data the plain form after a note of what else
    there is.
    """
    kind = output.get("output_type")
    if kind == "stream":
        return _joined(output.get("text"))
    if kind == "error":
        lines = output.get("traceback") or [f"{output.get('ename', '')}: {output.get('evalue', '')}"]
        return _joined(lines, "\n") + "\n"
    data = output.get("data")
    return _bundle_text(data if isinstance(data, dict) else {}) + "\n"


def _bundle_text(data: dict[str, Any]) -> str:
    form = next((mime for mime in _WORDY if mime in data), None)
    notes = [f"[{mime}, {_size(data[mime]):,} characters]" for mime in data if mime != form]
    return "\n".join([*notes, *([_joined(data[form])] if form else [])])


def _joined(value: object, between: str = "") -> str:
    if isinstance(value, list):
        return between.join(str(line) for line in value)
    return value if isinstance(value, str) else ""


def _size(value: object) -> int:
    return len(_joined(value)) if isinstance(value, (str, list)) else len(json.dumps(value))
