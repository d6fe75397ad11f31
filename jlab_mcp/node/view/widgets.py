"""Widgets as the live page shows them: what they say, not what they do. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Optional

from .cleaning import Tree, text_tree

State = Callable[[str], Optional[Mapping[str, Any]]]
"""Gives the state of a widget by its id, or None if it is not known."""

_REFERENCE = "IPY_MODEL_"
_DEEPEST = 12
_SHOWN = 2000  # characters of a widget's text


def widget(model_id: str, state_of: State, depth: int = 0) -> dict[str, Any] | None:
    """Return a widget as a tree: `box` with `children`, `progress`, or `text`; None if it is not known."""
    state = state_of(model_id)
    if state is None or depth > _DEEPEST:
        return None
    name = str(state.get("_model_name", ""))
    said = _text(state.get("description"))
    if isinstance(state.get("children"), list):
        inner = (
            widget(str(each).replace(_REFERENCE, "", 1), state_of, depth + 1) for each in state["children"]
        )
        return {"kind": "box", "row": name == "HBoxModel", "children": [each for each in inner if each]}
    if "Progress" in name:
        low, high, done = (_number(state.get(key)) for key in ("min", "max", "value"))
        style = str(state.get("bar_style", ""))
        return {"kind": "progress", "label": said, "value": done - low, "max": high - low, "style": style}
    value = state.get("value")
    shown = _text(value) if name.startswith(("HTML", "Label")) else _plain(value)
    label = f"{said}: " if said and shown else said
    return {"kind": "text", "text": f"{label}{shown}"[:_SHOWN]}


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and value == value else 0.0  # noqa: PLR0124 - NaN


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "☑" if value else "☐"
    return "" if value is None or isinstance(value, (dict, bytes)) else str(value)


def _text(value: object) -> str:
    return _words(text_tree(str(value or "")[:_SHOWN], lambda _: None, lambda _: None))


def _words(tree: Tree) -> str:
    return "".join(each if isinstance(each, str) else _words(each["children"]) for each in tree)
