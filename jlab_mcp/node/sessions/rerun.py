"""Runs all code cells of a notebook again, and heeds their tags as nbclient does."""

from __future__ import annotations

import secrets
from typing import Any

from ..ids import random_id
from ..outputs.spool import Spool
from .executor import NOT_RUN, Execution
from .session import Session

RAISES, SKIP = "raises-exception", "skip-execution"


def rerun(session: Session, *, stop_on_error: bool) -> list[Execution]:
    """Queue every code cell that has code; returns their executions in order.

    A cell tagged `skip-execution` is not run, and its outputs stay. One tagged `raises-exception` may fail:
    with `stop_on_error`, only another failure keeps the cells behind it from being run.
    """
    batch = secrets.token_hex(8) if stop_on_error else None
    cells = [
        cell for cell in session.document.cells if cell["cell_type"] == "code" and cell["source"].strip()
    ]
    return [_queue(session, cell, batch) for cell in cells]


def _queue(session: Session, cell: dict[str, Any], batch: str | None) -> Execution:
    tags = cell["metadata"].get("tags", [])
    if SKIP not in tags:
        execution = session.submit(random_id(16), cell["source"], cell["id"], batch)
        execution.may_fail = RAISES if RAISES in tags else None
        return execution
    skipped = Execution(random_id(16), session.session_id, cell["source"], cell["id"], Spool(""))
    skipped.tag = SKIP
    skipped.end(NOT_RUN, f"its tag {SKIP} says so; its outputs are those of an earlier run")
    session.executions[skipped.execution_id] = skipped
    return skipped
