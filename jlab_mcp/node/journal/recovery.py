"""What an earlier server had not saved, put into a notebook: runs of its journal meet the file. Pure.

A cell gets the outputs of its last run, and the source that was accepted last. What somebody else has
changed in it since is left as it is; what was lost then follows in a cell of its own. Doing it twice
changes nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..notebook.cells import Cell
from ..notebook.document import Document
from .marks import cell_key, fingerprint, run_key
from .replay import LostRun

_BLANK = [None, None]  # the key of a cell that was never run
_NAMED = 10  # cells that are named in a sentence


@dataclass
class Recovery:
    """What was done with what a journal tells.

    Attributes:
        at: when something was last noted, in seconds of the epoch.
        restored: cells that got outputs.
        put_back: cells that the file did not have.
        cut: cells that were running.
        unrun: cells that waited and were never run.
        beside: cells that somebody else has changed since; what was lost follows each in a cell of its own.
        partial: cells whose outputs are those of the file, because the journal has not all of them.
    """

    at: float = 0.0
    restored: list[str] = field(default_factory=list)
    put_back: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    unrun: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)

    def words(self) -> str | None:
        """Say what was done, in one sentence without a full stop; None if there was nothing."""
        told = [
            f"{words} {_named(cells)}"
            for words, cells in (
                ("put back, as the file had not got it yet:", self.put_back),
                ("outputs brought in:", self.restored),
                ("cut short while it ran, and marked so:", self.cut),
                ("queued and not run:", self.unrun),
                ("changed since by somebody else, with what was lost in a cell after it:", self.beside),
                ("not noted to the end, so that the outputs are those of the file:", self.partial),
            )
            if cells
        ]
        if not told:
            return None
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.at))
        return f"taken from the journal of an earlier server, which ended at about {at}: {'; '.join(told)}"


def _named(cells: list[str]) -> str:
    more = f" and {len(cells) - _NAMED} more" if len(cells) > _NAMED else ""
    return f"cell{'' if len(cells) == 1 else 's'} {', '.join(cells[:_NAMED])}{more}"


def recover(document: Document, runs: Iterable[LostRun]) -> Recovery:
    """Put runs that were not saved into a notebook.

    Args:
        document: the notebook as the file has it; it is changed.
        runs: in the order of their acceptance.

    Returns:
        What was done.
    """
    recovery = Recovery()
    by_cell: dict[str, list[LostRun]] = {}
    for run in runs:
        by_cell.setdefault(run.cell_id, []).append(run)
        recovery.at = max(recovery.at, run.last_at)
    for cell_runs in by_cell.values():
        _Cell(document, cell_runs, recovery).recover()
    return recovery


class _Cell:
    """One cell and its lost runs, the last of which counts."""

    def __init__(self, document: Document, runs: list[LostRun], recovery: Recovery) -> None:
        self._document = document
        self._runs = runs
        self._last = runs[-1]
        self._shown = next((run for run in reversed(runs) if run.started), None)
        self._recovery = recovery

    def recover(self) -> None:
        """Bring the cell to where the lost runs had it."""
        cell_id = self._found()
        if self._last is not self._shown:
            self._recovery.unrun.append(cell_id or self._last.cell_id)
        if cell_id is None:
            cell_id = self._document.insert(self._place(), "code", self._last.code, self._last.cell_id)
            self._recovery.put_back.append(cell_id)
            self._show(cell_id)
        elif self._foreign(self._document.cell(cell_id)):
            self._put_beside(cell_id)
        else:
            if self._document.cell(cell_id)["source"] != self._last.code:
                self._document.set_source(cell_id, self._last.code)
                self._recovery.put_back.append(cell_id)
            self._show(cell_id)

    def _found(self) -> str | None:
        cell_id = self._last.cell_id
        if cell_id in self._document:
            return cell_id
        if self._document.has_ids:
            return None
        # The file has no ids, and those in memory went with the server: source and place have to do.
        alike = [
            index
            for index, cell in enumerate(self._document.cells)
            if cell["cell_type"] == "code" and fingerprint(cell["source"]) in self._sources()
        ]
        if not alike:
            return None
        index = min(alike, key=lambda each: abs(each - (self._last.index or 0)))
        return str(self._document.cell(index)["id"])

    def _place(self) -> int:
        after, total = self._last.after, len(self._document)
        if after in self._document:
            return self._document.index_of(str(after)) + 1
        return total if self._last.index is None else min(self._last.index, total)

    def _sources(self) -> set[str]:
        """The sources that the server knew the cell to have."""
        was = self._runs[0].was or {}
        return {*(fingerprint(run.code) for run in self._runs), str(was.get("source"))}

    def _foreign(self, cell: Cell) -> bool:
        """Whether somebody else has changed the cell, or has run it."""
        if cell["cell_type"] != "code" or fingerprint(cell["source"]) not in self._sources():
            return True
        if self._shown is None:
            return False
        key = cell_key(cell)
        known: list[Any] = [(self._runs[0].was or {}).get("run")]
        known += [run_key(run.execution_count, run.timing) for run in self._runs if run.started]
        if key in known or (key[1] is not None and key[1] in [each[1] for each in known if each]):
            return False
        return key != _BLANK or cell["outputs"] != []

    def _put_beside(self, cell_id: str) -> None:
        run = self._shown or self._last
        own = f"{run.execution_id[:16]}-lost"
        saved = str((self._runs[0].was or {}).get("source"))
        if own in self._document or (self._shown is None and saved == fingerprint(run.code)):
            return
        self._document.insert(self._document.index_of(cell_id) + 1, "code", run.code, own)
        self._document.set_outputs(own, run.outputs, run.execution_count, run.timing or None)
        self._recovery.beside.append(cell_id)

    def _show(self, cell_id: str) -> None:
        run = self._shown
        if run is None:
            return
        if run.state is None:
            self._recovery.cut.append(cell_id)
        outputs = self._document.cell(cell_id)["outputs"]
        if run.gap and outputs:
            line = run.outputs[-1:] if run.state is None else []
            if line and outputs[-1:] != line:
                self._document.set_outputs(cell_id, [*outputs, *line], run.execution_count)
            self._recovery.partial.append(cell_id)
            return
        self._document.set_outputs(cell_id, run.outputs, run.execution_count, run.timing or None)
        if run.outputs:
            self._recovery.restored.append(cell_id)
