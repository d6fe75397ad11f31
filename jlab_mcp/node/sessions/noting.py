"""What of a session's executions goes into its journal, and what of it is in the notebook's file by now."""

from __future__ import annotations

import time
from typing import Any

from ..journal.journal import Journal
from ..journal.marks import cell_key, fingerprint
from ..notebook.document import Document
from .executor import Execution

_BUSY = "iopub.status.busy"  # when a run began, by the kernel's clock: this tells one run from another
_LARGE = 8_000_000  # characters of a message beyond which it would cost too much memory and time
_NOTED = frozenset({"display_data", "execute_result", "update_display_data", "clear_output", "error"})


class Noting:
    """Notes a session's executions.

    Args:
        journal: where.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._in_save: set[str] = set()
        self._told: str | None = None

    def accepted(self, execution: Execution, document: Document, saved: Document) -> None:
        """Note an execution that is queued, with the place of its cell and how the file has that cell."""
        place = _place(execution.cell_id, document)
        was = _state(execution.cell_id, saved)
        self._journal.accepted(
            execution.execution_id,
            execution.cell_id,
            execution.code,
            execution.queued_at,
            was=was,
            spool=execution.spool.path,
            **place,
        )

    def started(self, execution: Execution) -> None:
        """Note that the kernel has it."""
        self._journal.started(execution.execution_id, execution.started_at or 0.0)

    def fed(self, execution: Execution, message: dict[str, Any], text_before: int) -> None:
        """Note a message that the execution has taken.

        Args:
            execution: which.
            message: the kernel's.
            text_before: how many bytes of text the execution had before it.
        """
        msg_type, content = message["header"]["msg_type"], message["content"]
        execution_id, folder, spool = execution.execution_id, execution.folder, execution.spool
        now = time.time()
        if msg_type == "stream":
            size = folder.text_bytes - text_before
            name = str(content.get("name") or "stdout")
            if folder.spilled and spool.trouble is None:
                backing = (spool.flush, spool.duplicate)
                self._journal.spooled(execution_id, name, text_before, size, now, backing)
            elif size and isinstance(content.get("text"), str):
                self._journal.stream(execution_id, name, content["text"], now)
        elif msg_type == "execute_input":
            begun = {"execution_count": folder.execution_count, "timing": dict(execution.timing)}
            self._journal.output(execution_id, msg_type, begun, now)
        elif msg_type in _NOTED:
            kept = _kept(execution, msg_type, content)
            if kept is None:
                self._journal.gap(execution_id)
            else:
                self._journal.output(execution_id, msg_type, kept, now)

    def done(self, execution: Execution) -> None:
        """Note how it ended."""
        self._journal.done(
            execution.execution_id,
            execution.state,
            execution.ended_at or 0.0,
            execution_count=execution.folder.execution_count,
            timing=execution.timing,
            last_line=execution.folder.last_line,
        )

    def saving(self) -> None:
        """Note that the document as it is now is about to be written."""
        self._in_save = self._journal.ended()

    def saved(self) -> None:
        """Note that it was written: what had ended by then need not be replayed."""
        self._journal.saved(self._in_save)

    def moved(self, notebook: str) -> None:
        """Note that the notebook has another path now, by which a later server finds what is noted."""
        self._journal.tell(notebook_path=notebook)

    def take_trouble(self) -> str | None:
        """Return, once, why something could not be noted."""
        trouble, told = self._journal.trouble, self._told
        self._told = trouble
        return trouble if trouble != told else None

    def close(self) -> None:
        """Let the journal's file go; it stays."""
        self._journal.close()

    def remove(self) -> None:
        """Remove the journal: all that it tells is saved."""
        self._journal.remove()


def _kept(execution: Execution, msg_type: str, content: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is noted of a message: of a large one what the cell has; None if that is large too."""
    if _size(content) <= _LARGE:
        return content
    outputs = execution.folder.outputs()
    if outputs and outputs[-1]["output_type"] == msg_type and _size(outputs[-1]) <= _LARGE:
        return {**outputs[-1], "transient": content.get("transient")}
    return None


def _size(value: Any) -> int:
    """About how many characters some JSON has."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 8


def _place(cell_id: str | None, document: Document) -> dict[str, Any]:
    """Where a cell stands: its index, and the id of the cell before it."""
    if cell_id not in document:
        return {"index": None, "after": None}
    index = document.index_of(str(cell_id))
    return {"index": index, "after": document.cell(index - 1)["id"] if index else None}


def _state(cell_id: str | None, saved: Document) -> dict[str, Any] | None:
    """How the file has a cell: its source and its run; None where it has none."""
    if cell_id not in saved:
        return None
    cell = saved.cell(str(cell_id))
    return {"source": fingerprint(cell["source"]), "run": cell_key(cell)}
