"""Add to a JSON file that a person wrote: everything else in it is kept, and so is its indentation."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_INDENT = re.compile(r"\n([ \t]+)\S")


def set_entry(text: str, section: str, name: str, entry: Mapping[str, Any]) -> str:
    """Return the text with one entry of a section set; what an entry of that name says beyond it is kept.

    Args:
        text: the file's text; empty where there is none.
        section: key of the top-level object that holds the entries.
        name: key of the entry.
        entry: what it must say; mappings in it are merged into those that are there.

    Raises:
        ValueError: the text is no JSON object, or cannot be changed without losing something.
    """
    whole = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_unique) if text.strip() else {}
    if not isinstance(whole, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - as json's own errors are
    entries = whole.setdefault(section, {})
    if not isinstance(entries, dict) or not isinstance(entries.get(name, {}), dict):
        raise ValueError(f"`{section}` in it is not a JSON object of objects")  # noqa: TRY004
    before = entries.get(name)
    entries[name] = _merged(before or {}, entry)
    if before == entries[name]:
        return text
    found = _INDENT.search(text)
    return json.dumps(whole, indent=found[1] if found else 2, ensure_ascii=False) + "\n"


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        merged[key] = {**inner, **value} if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands there twice: one of them would be lost."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key in it stands there twice")
    return found
