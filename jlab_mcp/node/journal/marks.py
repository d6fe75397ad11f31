"""What tells cells and their runs apart in a journal, and the line that ends one cut short. Pure."""

from __future__ import annotations

import hashlib
from typing import Any

_BUSY = "iopub.status.busy"  # when a run began, by the kernel's clock: this tells one run from another


def cell_key(cell: dict[str, Any]) -> list[Any]:
    """Return what tells one run of a cell from another: its execution count, and when it began."""
    execution = cell["metadata"].get("execution")
    return [cell.get("execution_count"), execution.get(_BUSY) if isinstance(execution, dict) else None]


def run_key(execution_count: int | None, timing: dict[str, Any]) -> list[Any]:
    """Return the same of a run."""
    return [execution_count, timing.get(_BUSY)]


def fingerprint(source: str) -> str:
    """Return what tells one source from another."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def cut_line(why: str) -> str:
    """Return what stands at the end of a cell that the end of the server, in a word, has cut short."""
    return f"jlab-mcp: the server ended ({why}) while this cell ran"
