"""A session and its notebook as the live page shows them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..outputs.terminal import uncoloured
from . import blocks
from .changes import Look
from .markdown import markdown_tree

if TYPE_CHECKING:
    from ..sessions.executor import Execution
    from ..sessions.session import Session
    from ..settings import NodeSettings

_LINE = 200  # characters of the latest line
_BEGAN, _ENDED = "iopub.execute_input", "shell.execute_reply"


def session_shown(session: Session, settings: NodeSettings) -> dict[str, Any]:
    """Return a session as the page lists it."""
    running = session.running
    cell_id = running.cell_id if running is not None else None
    return {
        "session_id": session.session_id,
        "name": session.name,
        "notebook": settings.api_path(session.file.path),
        "kernel": session.spec.get("display_name") or session.spec["name"],
        "language": session.spec["language"],
        "kernel_state": "busy" if running is not None else session.kernel.state,
        "generation": session.kernel.generation,
        "cells": len(session.document),
        "queued": session.queued,
        "dead": session.dead_reason,
        "notice": session.notice,
        "save_error": session.file.save_error,
        "created_at": session.created_at,
        "running": running
        and {
            "cell": cell_id,
            "index": session.document.index_of(cell_id) if cell_id in session.document and cell_id else None,
            "started_at": running.started_at,
            "line": uncoloured(running.folder.latest_line())[-_LINE:],
        },
    }


def outputs_of(session: Session, cell: dict[str, Any], execution: Execution | None) -> list[dict[str, Any]]:
    """Return a cell's outputs as they are now: while it runs, the document's are behind by a moment."""
    if execution is not None and execution is session.running:
        return execution.folder.outputs()
    outputs: list[dict[str, Any]] = cell.get("outputs", [])
    return outputs


def looks(session: Session, settings: NodeSettings) -> Iterator[tuple[str, Look]]:
    """Yield the cells of a session's notebook, by their ids, in their order."""
    last = {each.cell_id: each for each in session.executions.values() if each.cell_id is not None}
    folder = settings.api_path(os.path.dirname(session.file.path))
    for cell in session.document.cells:
        cell_id = str(cell["id"])
        yield cell_id, _look(session, cell, last.get(cell_id), folder)


def _look(session: Session, cell: dict[str, Any], execution: Execution | None, folder: str) -> Look:
    if cell["cell_type"] != "code":
        return Look(cell, None, lambda: _text_cell(cell, folder), list)
    outputs = outputs_of(session, cell, execution)
    state_of = session.incoming.widgets.state_of

    def shown() -> list[dict[str, Any]]:
        caught = session.incoming.widgets.caught_in
        every = (each for output in outputs for each in (output, *caught(output)))
        return [blocks.block(output, state_of, folder) for output in every]

    return Look(
        cell,
        execution and (execution.execution_id, execution.state, execution.seq),
        lambda: _code_cell(session, cell, execution),
        shown,
        alive=any(blocks.WIDGET in (output.get("data") or {}) for output in outputs),
    )


def _text_cell(cell: dict[str, Any], folder: str) -> dict[str, Any]:
    head: dict[str, Any] = {"type": cell["cell_type"], "source": cell["source"]}
    if cell["cell_type"] == "markdown":
        head["tree"] = markdown_tree(cell["source"], cell.get("attachments"), folder)
    return head


def _code_cell(session: Session, cell: dict[str, Any], execution: Execution | None) -> dict[str, Any]:
    head: dict[str, Any] = {
        "type": "code",
        "source": cell["source"],
        "language": session.spec["language"],
        "count": cell.get("execution_count"),
    }
    if execution is None or execution.code != cell["source"]:
        took = None if execution is not None else _took(cell.get("metadata", {}).get("execution", {}))
        return {**head, "state": "", "took": took}
    if execution is session.running:
        head["count"] = execution.folder.execution_count
    return {
        **head,
        "state": execution.state,
        "started_at": execution.started_at,
        "took": _between(execution.started_at, execution.ended_at),
        "reason": execution.reason,
    }


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)


def _took(timing: Any) -> float | None:
    """How long a cell took, in seconds, by the times that JupyterLab and we write into the notebook."""
    try:
        began, ended = (
            datetime.fromisoformat(str(timing[key]).replace("Z", "+00:00")) for key in (_BEGAN, _ENDED)
        )
        return max(0.0, (ended - began).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None
