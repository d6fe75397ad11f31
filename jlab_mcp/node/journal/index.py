"""What stands where in a journal, and what of it a replay still needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_CLEAR = "clear_output"
_SHOWING = frozenset({"stream", "spooled", "display_data", "execute_result", "error"})


@dataclass(frozen=True)
class Entry:
    """A line that is to be written.

    Attributes:
        line: its text, with the newline.
        execution_id: the execution that it is about.
        kind: the event, or of an output the type of its message.
        display_id: the display that an update changes.
        waits: whether a clearing waits for the next output.
        is_output: whether it is what a kernel has put out.
    """

    line: bytes
    execution_id: str
    kind: str
    display_id: str | None = None
    waits: bool = False
    is_output: bool = False

    @classmethod
    def of_output(cls, line: bytes, execution_id: str, kind: str, content: Mapping[str, Any]) -> Entry:
        """Return the entry of a kernel's message."""
        transient = content.get("transient")
        shown = transient.get("display_id") if isinstance(transient, dict) else None
        display_id = str(shown) if shown and kind == "update_display_data" else None
        waits = kind == _CLEAR and bool(content.get("wait"))
        return cls(line, execution_id, kind, display_id, waits, is_output=True)


class _Run:
    """What is known of one execution: its lines as (start, length), in order."""

    def __init__(self) -> None:
        self.lines: dict[int, tuple[int, int]] = {}  # by a number that grows
        self.outputs: set[int] = set()
        self.updates: dict[str, int] = {}
        self.clears_next: int | None = None
        self.done = False


class JournalIndex:
    """The lines of the executions that are not saved yet."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._number = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is left that is not saved."""
        return not self._runs

    def open(self, execution_id: str) -> None:
        """Take an execution in."""
        self._runs.setdefault(execution_id, _Run())

    def is_open(self, execution_id: str) -> bool:
        """Whether the execution is there and not forgotten."""
        return execution_id in self._runs

    def done(self, execution_id: str) -> None:
        """Note that an execution is done."""
        if execution_id in self._runs:
            self._runs[execution_id].done = True

    def ended(self) -> set[str]:
        """Return the executions that are done."""
        return {execution_id for execution_id, run in self._runs.items() if run.done}

    def forget(self, execution_ids: set[str]) -> None:
        """Let executions go."""
        for execution_id in execution_ids:
            self._runs.pop(execution_id, None)

    def add(self, entry: Entry, start: int) -> None:
        """Note that a line stands at `start`, and which ones before it are superseded."""
        run = self._runs.get(entry.execution_id)
        if run is None:
            return
        self._number += 1
        if entry.is_output:
            self._supersede(run, entry)
            run.outputs.add(self._number)
        run.lines[self._number] = (start, len(entry.line))

    def _supersede(self, run: _Run, entry: Entry) -> None:
        if entry.kind == _CLEAR:
            if entry.waits:
                run.clears_next = self._number
                return
            self._drop_outputs(run, before=self._number)
        elif run.clears_next is not None and entry.kind in _SHOWING:
            self._drop_outputs(run, before=run.clears_next)
        if entry.display_id is not None:
            older = run.updates.get(entry.display_id)
            if older is not None and older in run.outputs:
                run.outputs.discard(older)
                run.lines.pop(older, None)
            run.updates[entry.display_id] = self._number

    def _drop_outputs(self, run: _Run, before: int) -> None:
        for number in [each for each in run.outputs if each < before]:
            run.outputs.discard(number)
            del run.lines[number]
        run.clears_next = None

    def kept(self) -> list[tuple[int, int]]:
        """Return the places, as start and length, of the lines that a replay needs, in order."""
        return sorted(place for run in self._runs.values() for place in run.lines.values())

    def moved(self, start: int) -> int:
        """Note that these lines now stand one behind the other from `start` on; returns where they end."""
        places: dict[tuple[int, int], int] = {}
        for place in self.kept():
            places[place] = start
            start += place[1]
        for run in self._runs.values():
            run.lines = {number: (places[place], place[1]) for number, place in run.lines.items()}
        return start
