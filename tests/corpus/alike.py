"""When two runs of a notebook are alike: the same outputs in the same order, but for what differs by nature.

Rules, each for a difference that two runs by nbclient show as well, or that says how the text arrived and
not what it is:

- texts of one stream are joined, and of the two streams between two displays each is taken by itself: the kernel
  sends them by the clock;
- a line reads as a terminal shows it after its carriage returns: nbclient keeps them raw;
- memory addresses, numbers of processes, times and durations, the length and rate of progress bars, ids of widgets,
  displays and parts of figures, and the folder that the notebook lies in are replaced;
- colours are dropped.

What numpy draws is seeded by the kernel that runs the corpus, so it needs no rule.
"""

from __future__ import annotations

import json
import re
from typing import Any

_UNSTEADY = [
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0x…"),
    (re.compile(r"ipykernel_\d+"), "ipykernel"),
    (
        re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?![0-9a-f])"),
        "ID",
    ),
    (re.compile(r"\b([pmCi])[0-9a-f]{10}\b"), r"\1ID"),  # of parts of matplotlib's SVG
    (re.compile(r"\|[█▉▊▋▌▍▎▏# 0-9]*\|"), "|BAR|"),
    (re.compile(r", *(?:\d+(?:\.\d+)?|\?)[kMG]? ?[A-Za-z]*/[A-Za-z]+"), ", RATE"),
    (re.compile(r"\b\d+(?:\.\d+)?(?:e-?\d+)? ?(?:[nµμm]?s|min)\b"), "TIME"),
    (re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?\b"), "CLOCK"),
    (re.compile(r"\d{4}-\d{2}-\d{2}[ T]CLOCK|datetime\.datetime\([^)]*\)|\b1[5-9]\d{8}\.\d+\b"), "DATE"),
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


def state_alike(metadata: dict[str, Any], folder: str, *, by_clock: bool = False) -> list[str]:
    """Return the saved widgets without their ids, in an order that does not depend on them.

    Args:
        metadata: the notebook's.
        folder: where it lies.
        by_clock: whether what the widgets show depends on the time; then only what they are counts.
    """
    saved = metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    if by_clock:
        return sorted(f"{model['model_module']} {model['model_name']}" for model in saved.values())
    return sorted(json.dumps(_structured(model, folder), sort_keys=True) for model in saved.values())


def _structured(value: Any, folder: str) -> Any:
    if isinstance(value, str):
        return _steady(value, folder)
    if isinstance(value, list):
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
