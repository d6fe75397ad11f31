"""When two runs of a notebook are alike: the same outputs in the same order, but for what differs by nature.

Rules, each for a difference that two runs by nbclient show as well, or that says how the text arrived and
not what it is:

- texts of one stream are joined, and of the two streams between two displays each is taken by itself: the kernel
  sends them by the clock;
- a line reads as a terminal shows it after its carriage returns: nbclient keeps them raw;
- numbers of memory addresses, processes, times, rates and durations, ids of widgets, figures and displays, and the
  folder that the notebook lies in are replaced;
- colours of a traceback are dropped, as are the numbers of frames' files.
"""

from __future__ import annotations

import json
import re
from typing import Any

_UNSTEADY = [
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0x…"),
    (re.compile(r"ipykernel_\d+"), "ipykernel"),
    (re.compile(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b(?:id|ID)(?:=|-|_)?\d{9,}\b"), "ID"),
    (re.compile(r"\b\d+(?:\.\d+)?(?:e-?\d+)? ?(?:it/s|s/it|[nµμm]?s|min|B/s|kB/s|MB/s|\?B/s)\b"), "TIME"),
    (re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?\b"), "CLOCK"),
    (re.compile(r"\d{4}-\d{2}-\d{2}[ T]CLOCK"), "DATE"),
]


def outputs_alike(outputs: list[dict[str, Any]], folder: str) -> list[Any]:
    """Return outputs in a form that is equal for two runs which are alike."""
    alike: list[Any] = []
    streams: dict[str, str] = {}
    for output in [*outputs, None]:
        if output is not None and output["output_type"] == "stream":
            streams[output["name"]] = streams.get(output["name"], "") + _joined(output["text"])
            continue
        alike += [(name, _shown(_steady(streams[name], folder))) for name in sorted(streams) if streams[name]]
        streams = {}
        if output is not None:
            alike.append(_structured(output, folder))
    return alike


def state_alike(metadata: dict[str, Any], folder: str) -> list[str]:
    """Return the saved widgets without their ids, in an order that does not depend on them."""
    saved = metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    return sorted(json.dumps(_structured(model, folder), sort_keys=True) for model in saved.values())


def _structured(value: Any, folder: str) -> Any:
    if isinstance(value, str):
        return _steady(value, folder)
    if isinstance(value, list):
        if value and all(isinstance(line, str) for line in value):
            return _steady("".join(value), folder)
        return [_structured(item, folder) for item in value]
    if isinstance(value, dict):
        return {key: _structured(item, folder) for key, item in value.items()}
    return value


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _steady(text: str, folder: str) -> str:
    text = text.replace(folder, "FOLDER")
    for pattern, word in _UNSTEADY:
        text = pattern.sub(word, text)
    return text


def _shown(text: str) -> str:
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return "\n".join(line.rstrip() for line in lines)
