"""Sessions and their executions as the API shows them."""

from __future__ import annotations

from typing import Any

from ..notebook.document import CellNotFound
from .executor import Execution
from .session import Session


def session_json(session: Session) -> dict[str, Any]:
    """Return a session as the API shows it."""
    running = session.running
    return {
        "session_id": session.session_id,
        "name": session.name,
        "notebook_path": session.file.path,
        "kernel_id": session.kernel.kernel_id,
        "kernel_name": session.spec["name"],
        "kernel_state": "busy" if running is not None else session.kernel.state,
        "kernel_pid": session.kernel.pid,
        "created_at": session.created_at,
        "last_activity": session.last_activity,
        "cells": len(session.document),
        "queued": session.queued,
        "running": running.execution_id if running is not None else None,
        "generation": session.kernel.generation,
        "notice": session.notice,
        "save_error": session.file.save_error,
    }


def execution_json(session: Session, execution: Execution, *, outputs: bool = True) -> dict[str, Any]:
    """Return one of a session's executions as the API shows it, with what became of the file meanwhile.

    What Output widgets caught follows the output that shows them, as on the screen.
    """
    if execution.ended:
        for news in session.file.take_notices():
            execution.tell(news)
    index = _cell_index(session, execution.cell_id)
    shown = execution.as_json(notebook_path=session.file.path, cell_index=index, outputs=outputs)
    caught_in = session.incoming.widgets.caught_in
    shown["outputs"] = [each for output in shown["outputs"] for each in (output, *caught_in(output))]
    if session.file.save_error is not None:  # as it is now, in every answer while it lasts
        said = f"{session.file.save_error}."
        shown["notice"] = f"{shown['notice']} {said}" if shown["notice"] else said
    return shown


def _cell_index(session: Session, cell_id: str | None) -> int | None:
    """Index of a cell by its id, or None when it is gone."""
    if cell_id is None:
        return None
    try:
        return session.document.index_of(cell_id)
    except CellNotFound:
        return None
