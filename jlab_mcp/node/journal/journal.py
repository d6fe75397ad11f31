"""The journal of one session: what was accepted, started, put out and done, one JSON line each.

It holds what the notebook's file does not have yet, for a server that is killed and a node that loses power.

- It is only ever appended to, until all that it tells is saved: then it is cut back to its first line. One
  that grows is written anew without what a replay does not need.
- A crash can tear the last line, and a full disk any line; reading skips what is torn, and writing starts a
  line of its own after it. Writing never stops an execution: a failure leaves a gap, which is noted as soon
  as that can be, and `trouble` says why.
- What is put out is gathered for a fifth of a second and written at once; a thread brings it to the disk
  once a second. What happens to executions is written at once.
- While the file is open it is locked: that of a server which lives is told from one that was left.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Union

from .index import Entry, JournalIndex

_GATHER = 0.2  # seconds in which outputs are gathered for one write
_SYNC = 1.0  # seconds from a write until it is brought to the disk
_GATHERED = 1 << 20  # bytes of outputs that are written without waiting
_WORTHWHILE = 8 << 20  # bytes from which on writing it anew is thought of
CAP = 256 << 20  # bytes; outputs beyond are not noted

PathLike = Union[str, "os.PathLike[str]"]
Duplicate = Callable[[], Union[int, None]]


class Journal:
    """Appends to the journal file of one session, which is made with the first line.

    Args:
        path: the file.
        about: what its first line tells of the session.
        loop: gives the times at which gathered outputs are written; without one, `flush` does it.
        cap: bytes beyond which no outputs are noted.

    Attributes:
        trouble: why something could not be noted, in words; none again once all is saved.
    """

    def __init__(
        self,
        path: PathLike,
        about: Mapping[str, Any] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        cap: int = CAP,
    ) -> None:
        self.path = os.fspath(path)
        self.trouble: str | None = None
        self._about = dict(about or {})
        self._first = _first_line(self._about)
        self._loop = loop
        self._cap = cap
        self._file: int | None = None
        self._torn = False
        self._size = 0
        self._compact_at = _WORTHWHILE
        self._index = JournalIndex()
        self._gaps: set[str] = set()  # executions of which something is missing
        self._gaps_noted: set[str] = set()
        self._gathered: list[Entry] = []
        self._gathered_bytes = 0
        self._stream: tuple[str, str, list[str]] | None = None  # execution, name, texts
        self._spooled: tuple[str, str, int, int] | None = None  # execution, name, where in the file, bytes
        self._spools: dict[str, tuple[Callable[[], None], Duplicate]] = {}
        self._at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._sync_timer: asyncio.TimerHandle | None = None
        self._syncing = False

    # -- what happens ------------------------------------------------------------------------------

    def accepted(self, execution_id: str, cell_id: str | None, code: str, at: float, **place: Any) -> bool:
        """Note code that will run, and where its cell stands; returns whether that was written."""
        self._index.open(execution_id)
        return self._now("accepted", execution_id, at, cell_id=cell_id, code=code, **place)

    def started(self, execution_id: str, at: float) -> bool:
        """Note that the kernel was given the code; returns whether that was written."""
        return self._now("started", execution_id, at)

    def done(self, execution_id: str, state: str, at: float, **more: Any) -> bool:
        """Note how the execution ended; returns whether that was written."""
        written = self._now("done", execution_id, at, state=state, **more)
        self._spools.pop(execution_id, None)
        self._index.done(execution_id)
        return written

    # -- what is put out ---------------------------------------------------------------------------

    def stream(self, execution_id: str, name: str, text: str, at: float) -> None:
        """Note text of a stream; without any there is nothing to note, as nothing of it is shown."""
        if not text or not self._index.is_open(execution_id):
            return
        if self._stream is None or self._stream[:2] != (execution_id, name):
            self._end_streams()
            self._stream = (execution_id, name, [])
        self._at = at
        self._stream[2].append(text)
        self._grew(len(text))

    def spooled(
        self,
        execution_id: str,
        name: str,
        start: int,
        size: int,
        at: float,
        spool: tuple[Callable[[], None], Duplicate],
    ) -> None:
        """Note that text of a stream is in the spool.

        Args:
            execution_id: whose.
            name: of the stream.
            start: where it begins in the spool's file, in bytes.
            size: how long it is, in bytes.
            at: when, in seconds of the epoch.
            spool: what hands the file's text to the system, and what gives another descriptor of it.
        """
        if not self._index.is_open(execution_id):
            return
        self._spools[execution_id] = spool
        last = self._spooled
        if last is not None and last[:2] == (execution_id, name) and last[2] + last[3] == start:
            self._spooled = (execution_id, name, last[2], last[3] + size)
        else:
            self._end_streams()
            self._spooled = (execution_id, name, start, size)
        self._at = at
        self._grew(0)

    def output(self, execution_id: str, msg_type: str, content: Mapping[str, Any], at: float) -> None:
        """Note another message of a kernel; the time at which it came is in seconds of the epoch."""
        if not self._index.is_open(execution_id):
            return
        self._end_streams()
        self._at = at
        self._gather(execution_id, at, msg_type, content)

    def gap(self, execution_id: str) -> None:
        """Note, with the next line, that something of an execution is not noted."""
        if self._index.is_open(execution_id):
            self._gaps.add(execution_id)

    def saved(self, execution_ids: set[str]) -> None:
        """Forget executions that are done and whose outputs are in the notebook's file."""
        known = {each for each in execution_ids if self._index.is_open(each)}
        if not known:
            return
        self.flush()
        self._index.forget(known)
        self._gaps -= known
        self._gaps_noted -= known
        if self._index.empty:
            self._cut_back()
        else:
            self._write(_line("saved", None, self._at, {"executions": sorted(known)}))

    def tell(self, **about: Any) -> bool:
        """Tell something else of the session from now on; returns whether the file does so as well."""
        about = {**self._about, **about}
        first = _first_line(about)
        if self._file is not None:
            self.flush()
            if not self._rewrite(first):
                return False
        self._about, self._first = about, first
        return True

    def ended(self) -> set[str]:
        """Return the executions that are done and not saved."""
        return self._index.ended()

    # -- the file ----------------------------------------------------------------------------------

    def flush(self) -> bool:
        """Write what is gathered; returns whether nothing is missing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._end_streams()
        entries, self._gathered, self._gathered_bytes = self._gathered, [], 0
        if not entries:
            return True
        for flush_spool, _ in self._spools.values():
            flush_spool()
        return self._append(entries)

    def close(self) -> None:
        """Write what is gathered and close the file; another line opens it again."""
        self.flush()
        if self._sync_timer is not None:
            self._sync_timer.cancel()
            self._sync_timer = None
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def remove(self) -> None:
        """Delete the file, and its folder if it was the last one there: what it tells is saved elsewhere."""
        self._gathered, self._stream, self._spooled = [], None, None
        self.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)
            os.rmdir(os.path.dirname(self.path))

    def _now(self, event: str, execution_id: str, at: float, **more: Any) -> bool:
        self._end_streams()
        self._at = at
        line = _line(event, execution_id, at, more)
        self._gathered.append(Entry(line, execution_id, event))
        return self.flush()

    def _grew(self, size: int) -> None:
        self._gathered_bytes += size
        if self._gathered_bytes > _GATHERED:
            self.flush()
        elif self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(_GATHER, self.flush)

    def _end_streams(self) -> None:
        if self._stream is not None:
            (execution_id, name, texts), self._stream = self._stream, None
            self._gather(execution_id, self._at, "stream", {"name": name, "text": "".join(texts)})
        if self._spooled is not None:
            (execution_id, name, start, size), self._spooled = self._spooled, None
            self._gather(execution_id, self._at, "spooled", {"name": name, "from": start, "bytes": size})

    def _gather(self, execution_id: str, at: float, msg_type: str, content: Mapping[str, Any]) -> None:
        line = _line("output", execution_id, at, {"type": msg_type, "content": content})
        entry = Entry.of_output(line, execution_id, msg_type, content)
        self._gathered.append(entry)
        self._grew(0 if msg_type == "stream" else len(line))

    def _append(self, entries: list[Entry]) -> bool:
        """Write entries; of outputs only as many as the cap allows."""
        if self._size > self._compact_at:
            self._compact()
        size = sum(len(entry.line) for entry in entries)
        if self._size + size > self._cap:
            entries = self._without_outputs(entries)
        gaps = sorted(self._gaps - self._gaps_noted)
        entries = [*(Entry(_line("gap", each, self._at, {}), each, "gap") for each in gaps), *entries]
        text = b"".join(entry.line for entry in entries)
        if not self._write(text):
            self._gaps.update(entry.execution_id for entry in entries)
            return False
        self._gaps_noted.update(gaps)
        start = self._size - len(text)
        for entry in entries:
            self._index.add(entry, start)
            start += len(entry.line)
        return not self._gaps

    def _without_outputs(self, entries: list[Entry]) -> list[Entry]:
        self._gaps.update(entry.execution_id for entry in entries if entry.is_output)
        self.trouble = (
            f"the journal is full ({self._cap >> 20} MB): should the server be killed, "
            "the last second of what the running code puts out is lost"
        )
        return [entry for entry in entries if not entry.is_output]

    def _write(self, text: bytes) -> bool:
        """Append whole lines; where that fails, `trouble` says why and the size is that of the torn file."""
        try:
            if self._file is None:
                self._file = self._open()
            if self._torn:
                os.write(self._file, b"\n")
                self._size += 1
            self._torn = True
            left = memoryview(text)
            while left:
                left = left[os.write(self._file, left) :]
            self._torn = False
            self._size += len(text)
        except OSError as error:
            self.trouble = (
                f"the journal {self.path} cannot be written ({error.strerror}): should the server be killed, "
                "what is not saved yet is lost"
            )
            if self._file is not None:
                self._size = os.fstat(self._file).st_size
            return False
        self._sync_soon()
        return True

    def _open(self) -> int:
        os.makedirs(os.path.dirname(self.path) or ".", mode=0o700, exist_ok=True)
        file = _locked(self.path, os.O_CREAT)
        self._size = os.fstat(file).st_size
        self._torn = self._size > 0 and os.pread(file, 1, self._size - 1) != b"\n"
        if self._size == 0:
            try:
                self._size = os.write(file, self._first)
            except OSError:
                os.close(file)
                raise
        return file

    def _cut_back(self) -> None:
        """Leave only the first line."""
        self._compact_at = _WORTHWHILE
        self.trouble = None
        if self._file is not None:
            with contextlib.suppress(OSError):  # what is left is known to be saved, and harmless
                os.ftruncate(self._file, len(self._first))
                self._torn = False
            self._size = os.fstat(self._file).st_size

    def _compact(self) -> None:
        """Write the file anew if a replay needs less than half of it."""
        needed = sum(length for _, length in self._index.kept())
        if 2 * needed < self._size:
            self._rewrite(self._first)
        self._compact_at = max(_WORTHWHILE, 2 * needed, self._size * 3 // 2)

    def _rewrite(self, first: bytes) -> bool:
        """Write the file anew with that first line and what a replay needs; returns whether it could be."""
        if self._file is None:
            return False
        anew = f"{self.path}.new"
        try:
            file = _locked(anew, os.O_CREAT | os.O_TRUNC)
            try:
                os.write(file, first)
                for start, length in self._index.kept():
                    _copy(self._file, file, start, length)
                os.replace(anew, self.path)
            except OSError:
                os.close(file)
                os.unlink(anew)
                raise
        except OSError:
            return False  # the old file is whole: it goes on with that
        os.close(self._file)
        self._file, self._torn = file, False
        self._size = self._index.moved(len(first))
        return True

    def _sync_soon(self) -> None:
        if self._loop is not None and self._sync_timer is None and not self._syncing:
            self._sync_timer = self._loop.call_later(_SYNC, self._sync)

    def _sync(self) -> None:
        """Have a thread bring the file, and the spools it speaks of, to the disk."""
        self._sync_timer = None
        if self._file is None or self._loop is None or self._size <= len(self._first):
            return
        with contextlib.suppress(OSError):
            spools = [duplicate() for _, duplicate in self._spools.values()]
            files = [each for each in (os.dup(self._file), *spools) if each is not None]
            self._syncing = True
            size = self._size
            done = self._loop.run_in_executor(None, _to_disk, files)
            done.add_done_callback(lambda _: self._synced(size))

    def _synced(self, size: int) -> None:
        self._syncing = False
        if self._size != size:
            self._sync_soon()


def _first_line(about: Mapping[str, Any]) -> bytes:
    return _line("session", None, None, {"version": 1, **about})


def _line(event: str, execution_id: str | None, at: float | None, more: Mapping[str, Any]) -> bytes:
    given: dict[str, Any] = {"event": event}
    if execution_id is not None:
        given["execution_id"] = execution_id
    if at is not None:
        given["at"] = at
    return json.dumps({**given, **more}, separators=(",", ":"), default=str).encode() + b"\n"


def _locked(path: str, flags: int) -> int:
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | flags, 0o600)
    with contextlib.suppress(OSError):  # a file system without locks: nobody else has this file in any case
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _copy(source: int, target: int, start: int, length: int) -> None:
    while length:
        text = os.pread(source, min(length, _GATHERED), start)
        if not text:
            return
        start += len(text)
        length -= len(text)
        while text:
            text = text[os.write(target, text) :]


def _to_disk(files: list[int]) -> None:
    for file in files:
        with contextlib.suppress(OSError):  # it is in the system's hands in any case
            os.fsync(file)
        os.close(file)
