"""The text of a new profile file: its settings, each with its reason as a comment."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

import tomli_w

from jlab_mcp.core.fields import CONTROL
from jlab_mcp.core.resolver import setting_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WIDTH = 88
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 40


def profile_text(
    schema: str, head: Sequence[str], values: Mapping[str, Any], reasons: Mapping[str, str]
) -> str:
    """Write a profile file.

    Args:
        schema: where an editor finds the JSON Schema: a URL.
        head: comments that the file begins with, a paragraph each.
        values: dotted path -> value, as TOML has them.
        reasons: dotted path -> why.
    """
    lines = [f"#:schema {CONTROL.sub('', schema)}"]
    for paragraph in head:
        lines += _comment(paragraph)
    lines += ["version = 1", *_table("", _nested(values), reasons)]
    return "\n".join(lines) + "\n"


def fit_name(text: str) -> str:
    """Make a profile's name of any text."""
    name = _UNFIT.sub("-", text.lower()).strip("-._")[:_LONGEST_NAME].strip("-._")
    return name if name and name != "none" else "mine"


def free_name(wanted: str, taken: Sequence[str]) -> str:
    """Return the name, or the first of NAME-2, NAME-3, … that is not taken."""
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}-{number}" in taken:
        number += 1
    return f"{wanted}-{number}"


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nest dotted paths in the order of the model's settings; unknown ones come last."""
    order = {path: number for number, path in enumerate(setting_paths())}
    nested: dict[str, Any] = {}
    for path in sorted(values, key=lambda path: order.get(path, len(order))):
        *sections, field = path.split(".") if not path.startswith("env.vars.") else ("env", "vars", path[9:])
        table = nested
        for section in sections:
            table = table.setdefault(section, {})
        table[field] = values[path]
    return nested


def _table(path: str, values: Mapping[str, Any], reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield a table's own keys, then its tables."""
    for key, value in values.items():
        if not isinstance(value, dict):
            yield from _comment(reasons.get(f"{path}{key}", ""))
            yield tomli_w.dumps({key: value}).rstrip("\n")
    for key, value in values.items():
        if isinstance(value, dict):
            if any(not isinstance(inner, dict) for inner in value.values()):
                yield f"\n[{path}{key}]"
            yield from _table(f"{path}{key}.", value, reasons)


def _comment(text: str) -> list[str]:
    words = CONTROL.sub(" ", text).encode("utf-8", "replace").decode("utf-8")
    return [f"# {line}" for line in textwrap.wrap(words, _WIDTH - 2, break_long_words=False)]
