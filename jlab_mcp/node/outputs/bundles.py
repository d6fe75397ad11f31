"""What a kernel sends, made into what a notebook can hold: text that is UTF-8, JSON, MIME bundles. Pure.

Nothing is copied that is fine as it is: what is given belongs to the caller of these functions.
"""

from __future__ import annotations

import json
import math
from typing import Any

_PIECE = 1 << 20  # characters encoded at a time: the whole of a large text would be in memory twice
_DEEPEST = 100  # levels of JSON; readers and writers of JSON give up at some hundreds


def clean(text: str) -> tuple[str, int]:
    """Return the text as UTF-8 can hold it, and its size in bytes; a lone surrogate becomes U+FFFD."""
    if text.isascii():
        return text, len(text)
    try:
        return text, _size(text)
    except UnicodeEncodeError:
        text = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
        return text, _size(text)


def _size(text: str) -> int:
    return sum(len(text[start : start + _PIECE].encode()) for start in range(0, len(text), _PIECE))


def text_from(value: object) -> str:
    """Return a text of any value."""
    return clean(value if isinstance(value, str) else str(value))[0]


def listed(value: object) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mapping(value: object) -> dict[str, Any]:
    """Return the value if it is a JSON object, as a file can hold it; else an empty one."""
    return _valid(value, 0) if isinstance(value, dict) else {}


def bundle(value: object) -> dict[str, Any]:
    """Return a MIME bundle that is valid in a notebook: text, except under JSON types."""
    made: dict[str, Any] = {}
    for mime, data in mapping(value).items():
        is_json = mime == "application/json" or (mime.startswith("application/") and mime.endswith("+json"))
        if is_json or isinstance(data, str):
            made[mime] = data
        elif isinstance(data, list) and all(isinstance(line, str) for line in data):
            made[mime] = "".join(data)
        elif data is not None:
            made[mime] = json.dumps(data, ensure_ascii=False)
    return made


def display_body(content: dict[str, Any]) -> dict[str, Any]:
    """Return `data` and `metadata` of a display message as an output has them."""
    return {"data": bundle(content.get("data")), "metadata": mapping(content.get("metadata"))}


def _valid(value: Any, depth: int) -> Any:
    """Replace what no file can hold: lone surrogates, NaN, and by its JSON what is nested too deep."""
    if isinstance(value, str):
        return clean(value)[0]
    if isinstance(value, (dict, list, tuple)):
        if depth > _DEEPEST:
            return clean(_rendered(value))[0]
        if isinstance(value, dict):
            return {text_from(key): _valid(item, depth + 1) for key, item in value.items()}
        return [_valid(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _rendered(value: Any) -> str:
    """Return JSON of any depth, which the standard library's writer gives up on."""
    parts: list[str] = []
    todo: list[tuple[bool, Any]] = [(False, value)]  # what comes last stands first; True for text
    while todo:
        is_text, item = todo.pop()
        if is_text:
            parts.append(item)
        elif isinstance(item, dict):
            parts.append("{")
            todo.append((True, "}"))
            for at, (key, inner) in reversed(list(enumerate(item.items()))):
                todo += [(False, inner), (True, f"{', ' if at else ''}{json.dumps(str(key))}: ")]
        elif isinstance(item, (list, tuple)):
            parts.append("[")
            todo.append((True, "]"))
            for at, inner in reversed(list(enumerate(item))):
                todo += [(False, inner), (True, ", " if at else "")]
        else:
            parts.append(json.dumps(item, ensure_ascii=False))
    return "".join(parts)
