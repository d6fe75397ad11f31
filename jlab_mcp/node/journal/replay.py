"""What a journal tells: the runs of cells that were not saved, with their outputs. Only reads."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..outputs.folding import Output, OutputFolder
from .journal import PathLike
from .marks import cut_line

_CHUNK = 1 << 20  # bytes of a spool that are folded at a time


@dataclass(frozen=True)
class JournalEntry:
    """One line of a journal.

    Attributes:
        event: "session", "accepted", "started", "output", "gap", "done" or "saved".
        execution_id: the execution it is about; "" for none.
        at: when, in seconds of the epoch.
        more: what else it says.
    """

    event: str
    execution_id: str = ""
    at: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class LostRun:
    """A run of a cell that was accepted, and of which the notebook's file may lack something.

    Attributes:
        execution_id: the execution.
        cell_id: the cell.
        code: the source that was accepted.
        index: where the cell stood; None if that is not known.
        after: the cell before it; None for none.
        was: how the file had the cell: `source` (its fingerprint) and `run`; None if it had none.
        started: whether the kernel was given it.
        state: how it ended; None if it did not.
        outputs: what it had put out.
        execution_count: the kernel's number of it.
        timing: when it began and ended, as a cell's metadata has it.
        last_at: when something of it was last noted, in seconds of the epoch.
        gap: whether outputs are missing.
    """

    execution_id: str
    cell_id: str
    code: str
    index: int | None
    after: str | None
    was: dict[str, Any] | None
    last_at: float
    started: bool = False
    state: str | None = None
    outputs: list[Output] = field(default_factory=list)
    execution_count: int | None = None
    timing: dict[str, str] = field(default_factory=dict)
    gap: bool = False


def read(path: PathLike) -> list[JournalEntry]:
    """Return the entries of a journal, oldest first; torn and foreign lines are left out.

    Raises:
        OSError: the file cannot be read.
    """
    return list(_entries(path))


def about(path: PathLike) -> dict[str, Any] | None:
    """Return what a journal's first line tells of its session; None if it tells nothing.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        entry = _entry(file.readline())
    return entry.more if entry is not None and entry.event == "session" else None


def lost_runs(path: PathLike) -> list[LostRun]:
    """Fold a journal: return the runs that are not known to be saved, in the order of their acceptance.

    Raises:
        OSError: the file cannot be read.
    """
    folds: dict[str, _Fold] = {}
    for entry in _entries(path):
        if entry.event == "saved":
            for execution_id in entry.more.get("executions") or ():
                folds.pop(execution_id, None)
        elif entry.event == "accepted":
            if isinstance(entry.more.get("cell_id"), str) and isinstance(entry.more.get("code"), str):
                folds[entry.execution_id] = _Fold(entry)
        elif entry.execution_id in folds:
            folds[entry.execution_id].take(entry)
    return [fold.result() for fold in folds.values()]


def _entries(path: PathLike) -> Iterator[JournalEntry]:
    with open(path, "rb") as file:
        for line in file:
            entry = _entry(line)
            if entry is not None:
                yield entry


def _entry(line: bytes) -> JournalEntry | None:
    if not line.endswith(b"\n"):
        return None  # torn, even if it reads as JSON
    try:
        content: Any = json.loads(line)
        event = str(content.pop("event"))
        execution_id = str(content.pop("execution_id", ""))
        return JournalEntry(event, execution_id, float(content.pop("at", 0.0)), content)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


class _Fold:
    """The entries of one run, folded in the order in which they come."""

    def __init__(self, accepted: JournalEntry) -> None:
        more = accepted.more
        index, after = more.get("index"), more.get("after")
        self.run = LostRun(
            accepted.execution_id,
            more["cell_id"],
            more["code"],
            index if isinstance(index, int) else None,
            after if isinstance(after, str) else None,
            more["was"] if isinstance(more.get("was"), dict) else None,
            accepted.at,
        )
        self._spool = str(more.get("spool") or "")
        self._folder = OutputFolder(spill_name=self._spool or None)

    def take(self, entry: JournalEntry) -> None:
        """Fold one entry."""
        run, more = self.run, entry.more
        run.last_at = max(run.last_at, entry.at)
        if entry.event == "started":
            run.started = True
        elif entry.event == "gap":
            run.gap = True
        elif entry.event == "done":
            run.state = str(more.get("state"))
            self._settle(more)
            last_line = more.get("last_line")
            self._folder.last_line = last_line if isinstance(last_line, str) else None
        elif entry.event == "output" and isinstance(more.get("content"), dict):
            self._put_out(str(more.get("type")), more["content"])

    def _put_out(self, msg_type: str, content: dict[str, Any]) -> None:
        if msg_type == "execute_input":
            self._settle(content)
        elif msg_type == "spooled":
            for text in self._spooled(content.get("from"), content.get("bytes")):
                self._folder.feed("stream", {"name": content.get("name"), "text": text})
        else:
            self._folder.feed(msg_type, content)

    def _settle(self, more: dict[str, Any]) -> None:
        if isinstance(more.get("execution_count"), int):
            self.run.execution_count = more["execution_count"]
        if isinstance(more.get("timing"), dict):
            self.run.timing = {str(key): str(value) for key, value in more["timing"].items()}

    def _spooled(self, start: Any, size: Any) -> Iterator[str]:
        """Yield text of the spool; what is not there, or was never written, is left out."""
        if not isinstance(start, int) or not isinstance(size, int):
            return
        with contextlib.suppress(OSError), open(self._spool, "rb") as file:
            file.seek(start)
            held = b""
            while size > 0 and (read := file.read(min(size, _CHUNK))):
                size -= len(read)
                held += read
                whole = _whole(held) if size else len(held)
                yield held[:whole].decode("utf-8", "replace")
                held = held[whole:]

    def result(self) -> LostRun:
        """Return the run as far as it was noted; one that was cut short says so at its end."""
        if self.run.started and self.run.state is None:
            last = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.run.last_at))
            self._folder.last_line = f"{cut_line('killed')}; the last sign of it is of {last}"
        self.run.outputs = self._folder.outputs()
        if self.run.execution_count is None:
            self.run.execution_count = self._folder.execution_count
        return self.run


def _whole(text: bytes) -> int:
    """Return how many bytes of a piece of UTF-8 are whole characters."""
    for back in range(1, min(4, len(text)) + 1):
        byte = text[-back]
        if byte < 0x80:  # noqa: PLR2004 - ASCII
            return len(text)
        if byte >= 0xC0:  # noqa: PLR2004 - the first byte of a character
            width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4  # noqa: PLR2004
            return len(text) if back >= width else len(text) - back
    return len(text)
