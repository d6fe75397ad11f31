"""The journal of one session: which executions were accepted, started and done, one JSON line each.

It is only ever appended to. A crash can tear the last line, and a full disk any line; reading skips what is
torn, and writing starts a line of its own after it. Writing never stops an execution: a failure is kept in
`last_error` and the call returns False.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import Any, Union

_ACCEPTED, _STARTED, _DONE = "accepted", "started", "done"

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class JournalEntry:
    """One line of the journal.

    Attributes:
        event: "accepted", "started" or "done".
        execution_id: the execution it is about.
        at: when, in seconds of the epoch.
        cell_id: the cell (accepted; none for code without one).
        code: the source that was accepted.
        state: how it ended (done).
    """

    event: str
    execution_id: str
    at: float
    cell_id: str | None = None
    code: str | None = None
    state: str | None = None


class Journal:
    """Appends to the journal file of one session, which is made with the first line.

    Attributes:
        last_error: why the last line could not be written; none if it was.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = os.fspath(path)
        self.last_error: OSError | None = None
        self._file: int | None = None
        self._torn = False

    def accepted(self, execution_id: str, cell_id: str | None, code: str, at: float) -> bool:
        """Note code that will run; returns whether the line was written."""
        return self._append(_ACCEPTED, execution_id, at, cell_id=cell_id, code=code)

    def started(self, execution_id: str, at: float) -> bool:
        """Note that the kernel was given the code; returns whether the line was written."""
        return self._append(_STARTED, execution_id, at)

    def done(self, execution_id: str, state: str, at: float) -> bool:
        """Note how the execution ended; returns whether the line was written."""
        return self._append(_DONE, execution_id, at, state=state)

    def close(self) -> None:
        """Close the file; another line opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def remove(self) -> None:
        """Delete the file, and its folder if it was the last one there: what it tells is saved elsewhere."""
        self.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)
            os.rmdir(os.path.dirname(self.path))

    def _append(self, event: str, execution_id: str, at: float, **more: str | None) -> bool:
        line = json.dumps({"event": event, "execution_id": execution_id, "at": at, **more})
        try:
            self._write(line.encode() + b"\n")
        except OSError as error:
            self.last_error = error
            return False
        self.last_error = None
        return True

    def _write(self, line: bytes) -> None:
        if self._file is None:
            self._file = self._open()
        if self._torn:
            line = b"\n" + line
        self._torn = True
        while line:
            line = line[os.write(self._file, line) :]
        self._torn = False

    def _open(self) -> int:
        os.makedirs(os.path.dirname(self.path) or ".", mode=0o700, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        size = os.fstat(file).st_size
        self._torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        return file


def read(path: PathLike) -> list[JournalEntry]:
    """Return the entries of a journal, oldest first; torn and foreign lines are left out.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    entries = (_entry(line) for line in lines)
    return [entry for entry in entries if entry]


def _entry(line: bytes) -> JournalEntry | None:
    try:
        content: Any = json.loads(line)
        return JournalEntry(
            event=str(content["event"]),
            execution_id=str(content["execution_id"]),
            at=float(content["at"]),
            cell_id=content.get("cell_id"),
            code=content.get("code"),
            state=content.get("state"),
        )
    except (ValueError, TypeError, LookupError):
        return None
