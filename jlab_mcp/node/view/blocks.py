"""A cell's outputs as blocks that the live page draws: text, pictures, frames, trees, widgets. Pure.

Large data does not travel with them: a picture or a frame is an address, which the browser asks for when it
is about to be seen.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from .cleaning import has_script
from .markdown import markdown_tree
from .widgets import State, widget

Block = dict[str, Any]
"""What the page draws of one output; `kind` says what else is in it."""

WIDGET = "application/vnd.jupyter.widget-view+json"
PICTURES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp")
SCRIPT = "application/javascript"
_HEAD, _TAIL = 3_000, 12_000  # characters of a long text that are shown
_FIGURE = re.compile(r"<Figure size (\d+)x(\d+)")


def block(output: dict[str, Any], state_of: State, folder: str) -> Block:
    """Return one nbformat output as a block.

    Args:
        output: it.
        state_of: finds the states of widgets.
        folder: the notebook's folder, for pictures that markdown names.
    """
    kind = output.get("output_type")
    if kind == "stream":
        return _text(str(output.get("text", "")), name=str(output.get("name", "stdout")))
    if kind == "error":
        words = {"name": str(output.get("ename", "")), "value": str(output.get("evalue", ""))[:_HEAD]}
        return {**_text("\n".join(map(str, output.get("traceback") or []))), "kind": "error", **words}
    data = output.get("data")
    shown = _data(data if isinstance(data, dict) else {}, state_of, folder)
    return {**shown, "result": True} if kind == "execute_result" else shown


def _data(data: dict[str, Any], state_of: State, folder: str) -> Block:
    plain = str(data.get("text/plain", ""))
    view = data.get(WIDGET)
    if isinstance(view, dict) and (tree := widget(str(view.get("model_id")), state_of)):
        return {"kind": "widget", "tree": tree}
    picture = next((mime for mime in PICTURES if isinstance(data.get(mime), str)), None)
    page = data.get("text/html")
    if isinstance(page, str) and page.strip() and not (picture and has_script(page)):
        return {**_frame("text/html", page, plain), "script": has_script(page)}
    if isinstance(data.get("text/markdown"), str) and not picture:
        return {"kind": "tree", "tree": markdown_tree(data["text/markdown"], folder=folder)}
    if picture:
        return {"kind": "picture", "mime": picture, "key": content_key(data[picture]), "alt": _alt(plain)}
    if isinstance(data.get(SCRIPT), str):
        return {**_frame(SCRIPT, data[SCRIPT], plain), "script": True}
    return _words(data, plain)


def _words(data: dict[str, Any], plain: str) -> Block:
    if "application/json" in data:
        return _text(json.dumps(data["application/json"], indent=2, ensure_ascii=False))
    latex = data.get("text/latex")
    others = [mime for mime in data if mime != "text/plain"]
    return _text(plain or (latex if isinstance(latex, str) else f"[{', '.join(others)}]"))


def _frame(mime: str, source: str, plain: str) -> Block:
    return {"kind": "frame", "mime": mime, "key": content_key(source), "text": plain[:_HEAD]}


def _alt(plain: str) -> str:
    """What a picture is called by those who cannot see it."""
    if match := _FIGURE.search(plain):
        return f"figure, {match.group(1)} by {match.group(2)} pixels"
    return "" if plain.startswith("<") else plain[:200]


def _text(text: str, name: str = "") -> Block:
    left_out = len(text) - _HEAD - _TAIL
    if left_out <= _HEAD:
        return {"kind": "text", "name": name, "text": text}
    head, tail = text[:_HEAD], text[-_TAIL:]
    head, tail = head[: head.rfind("\n") + 1] or head, tail[tail.find("\n") + 1 :] or tail
    cut = len(text) - len(head) - len(tail)
    return {"kind": "text", "name": name, "text": tail, "head": head, "cut": cut}


def content_key(data: str) -> str:
    """A short name of the content, so that the browser knows when it is another one."""
    return hashlib.sha256(data.encode("utf-8", "replace")).hexdigest()[:16]
