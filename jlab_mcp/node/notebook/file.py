"""One notebook on disk: written behind the answers, atomically, and never over what was not read.

The node is the only writer of ours. A person may save the same file in JupyterLab meanwhile: the file's
identity (inode, size, mtime) is compared before each write and each new cell, and what changed is merged
by cell id. What a page of JupyterLab saves is compared with what that page knew (`pages.py`), which may be
less than what the file had. While pages share the notebook as one document (`room.py`), it is kept in that,
and the room alone writes the file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from ..errors import ApiError, NotebookUnwritable
from .changes import Changes
from .document import Document
from .merge import deletions, merge
from .paths import free_names
from .reading import parse, read_text
from .room import no_rooms
from .shown import Shown
from .together import Together
from .writing import Stamp, Writer, stamp_of, write_new

_DELAY = 0.25  # seconds from a change to its save; changes meanwhile share the save
_LONGEST_DELAY = 1.0
_ROOM_WITHIN = 10.0  # seconds in which a room that is just opened has its content
_AGAIN = "the notebook is saved again, with all that came meanwhile"
_ANEW = "the notebook's file had been deleted or moved; it was written anew to"
_MERGED = "the notebook had been changed on disk meanwhile"
_SAVED_BY_PERSON = ", by a person in JupyterLab"
_MERGED_IN = "; its cells were merged in"
_DELETED = "the notebook's file had been deleted or moved; the next change writes it again"


class NotebookFile:
    """A `Document` and the file that it is kept in.

    Args:
        path: absolute path of the notebook.
        document: its content as read, or as just made.
    """

    def __init__(self, path: str, document: Document) -> None:
        self.path = path
        self.document = document
        self._saved = document.snapshot()
        self._stamp = stamp_of(path)
        self._dirty = False
        self._gone = False  # somebody has deleted or moved the file since it was last read or saved
        self._pages: int | None = None  # how many there are, while one of them saves
        self._write = Writer(path, self._saved)
        self.shown = Shown(self._saved)
        self.together = Together(self.refresh)
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self._writes = 0  # that are under way
        self._last_duration = 0.0
        self.notices: list[str] = []
        self.save_error: str | None = None
        self.before_save: Callable[[], None] = lambda: None  # brings a running cell's outputs in
        self.watchers: list[Callable[[], object]] = []  # told of each change
        self.after_save: Callable[[], None] = lambda: None  # what there was before the save is in the file

    @classmethod
    def create(cls, path: str, document: Document) -> NotebookFile:
        """Write a new notebook.

        Raises:
            FileExistsError: there is a file of that name.
            NotebookUnwritable: the folder cannot be made or written.
        """
        try:
            write_new(path, document.dump())
        except FileExistsError:
            raise
        except OSError as error:
            raise NotebookUnwritable(f"{path} cannot be written: {error.strerror}") from error
        return cls(path, document)

    @classmethod
    def read(cls, path: str) -> NotebookFile:
        """Read a notebook.

        Raises:
            NotebookInvalid: it is no notebook of nbformat 4.
        """
        return cls(path, parse(read_text(path), path))

    @property
    def saved(self) -> Document:
        """The notebook as the file has it, as far as is known."""
        return self._saved

    @property
    def unsaved(self) -> bool:
        """Whether the file lacks something that the document has."""
        return self._dirty or self._writes > 0

    def rescue(self, folder: str) -> str:
        """Write what cannot be saved to a new file, beside the notebook or else in `folder`.

        A folder of the notebook's that somebody has removed is not made anew.

        Returns:
            Its path.

        Raises:
            NotebookUnwritable: there is no room in either place.
        """
        self.before_save()
        text = self.document.dump()
        beside = os.path.splitext(self.path)[0] + "_rescued"
        own = os.path.join(folder, os.path.basename(beside))
        for stem in (beside, own) if os.path.isdir(os.path.dirname(beside)) else (own,):
            for path in free_names(stem):
                try:
                    write_new(path, text)
                except FileExistsError:
                    continue
                except OSError:
                    break
                return path
        raise NotebookUnwritable(
            f"{self.save_error or 'the notebook is not saved'}, and no copy could be written"
        )

    def mark(self) -> None:
        """Note a change of the document, to be saved by `flush` or `flush_now`."""
        self._dirty = True
        for tell in self.watchers:
            tell()

    def changed(self) -> None:
        """Note a change of the document; it is saved within a second."""
        self.mark()
        if self._timer is None and self._saving is None:
            delay = min(_LONGEST_DELAY, max(_DELAY, 10 * self._last_duration))
            self._timer = asyncio.get_running_loop().call_later(delay, self._begin_save)

    def save_now(self) -> None:
        """Begin at once to save what is not saved yet."""
        if self._dirty and self._saving is None:
            self._cancel_timer()
            self._begin_save()

    def refresh(self) -> None:
        """Take in what somebody else has written to the file since it was last read or saved."""
        # While a save of ours is under way the stamp is about to change by our own hand.
        if self._saving is None and self._take_in():
            self._save_merged()

    @asynccontextmanager
    async def read_by_page(self) -> AsyncIterator[None]:
        """Note what a page of JupyterLab reads: what the file has while this context is open."""
        async with self._write.held():
            if not self.is_shared and self._take_in_file():
                self.shown.add(self._saved)
            yield
        self._save_merged()

    @asynccontextmanager
    async def saved_by_page(self, pages: int) -> AsyncIterator[None]:
        """Merge what a page of JupyterLab saves while this context is open.

        Args:
            pages: how many there are of this notebook.
        """
        async with self._write.held():
            self._take_in()
            # A save of ours that begins before this context ends finds the page's in the file already.
            self._pages = pages
            try:
                yield
                if self._take_in():
                    self.shown.add(self._saved)
            finally:
                self._pages = None
        self._save_merged()

    def _save_merged(self) -> None:
        if self._dirty:
            self.changed()

    def held(self) -> AbstractAsyncContextManager[None]:
        """Have nothing written meanwhile."""
        return self._write.held()

    def moved(self, path: str) -> None:
        """Note that somebody has renamed the file; who missed it at its old place meanwhile was wrong."""
        self.path = self._write.path = path
        self._gone = False
        self.notices = [said for said in self.notices if said != _DELETED]
        self.notices.append(f"the notebook was renamed: it is {path} now")

    def _take_in(self) -> bool:
        """Merge what somebody else has changed; False if what is kept must not be overwritten now."""
        return self._take_in_room() if self._in_room() else self._take_in_file()

    def _take_in_file(self) -> bool:
        """Merge the file if it was changed; False if it cannot be read, and so must not be overwritten."""
        stamp = stamp_of(self.path)
        if stamp is not None and stamp == self._write.last[0] != self._stamp:
            self._written()  # by a thread that has not been heard of yet
        if stamp is None and self._stamp is not None:
            self._gone, self._stamp = True, None
            if not self._dirty:  # else it is written at once, and that is said
                self.notices.append(_DELETED)
        if stamp in (None, self._stamp):
            return True
        try:
            text = read_text(self.path)
            if text != self._saved.dump():
                disk = parse(text, self.path)
                self._merge(disk)
        except ApiError as error:
            self.save_error = f"the notebook is not saved: {error.message}"
            return False
        self._stamp = stamp
        return True

    def _merge(self, disk: Document) -> None:
        base = self._saved if self._pages is None else self.shown.base_of(disk, self._pages)
        mine, changes = self.document, Changes()
        self.document, notes = merge(base, mine, disk)
        if base.has_ids and disk.has_ids:
            changes.note(base, disk)
        who, what = _SAVED_BY_PERSON if self._pages else "", changes.words()
        said = f"{_MERGED}{who}{f': {what}' if what else ''}{_MERGED_IN}"
        self.notices += [said, *deletions(mine, self.document), *notes]
        if disk.has_ids:
            self._saved = disk
        # Without ids the older state stays the base until the next save: cells may then come twice,
        # but none is taken for deleted.
        self._dirty = True

    def heard(self) -> list[str]:
        """Return what has become of the file since the last `take_notices`, a sentence each."""
        return [*self.together.notices(), *dict.fromkeys(self.notices)]

    def take_notices(self) -> list[str]:
        """Return the same, and take it as told."""
        heard = self.heard()
        self.notices = []
        self.together.told()
        return heard

    def _begin_save(self) -> None:
        self._timer = None
        self._saving = asyncio.ensure_future(self._save())
        self._saving.add_done_callback(self._save_ended)

    def _save_ended(self, task: asyncio.Task[None]) -> None:
        self._saving = None
        if task.cancelled() or task.exception() is not None:
            return
        if self._dirty:
            self.changed()
        elif self.is_shared:
            self.refresh()  # what people did while it was saved

    async def _save(self, *, whole: bool = False) -> None:
        """Write what is not saved yet; `whole`: also where a room would save it a little later."""
        loop = asyncio.get_running_loop()
        before = loop.time()
        if self._in_room():
            await self._save_in_room(whole=whole)
            return
        self._writes += 1
        try:
            # The text is made there too: it must not hold up what runs meanwhile.
            while (order := self._prepare()) and not await loop.run_in_executor(None, self._write, *order):
                self._dirty = True  # somebody else was quicker: that is taken in first
            if order:
                self._written()
        except OSError as error:
            self._failed(error)
        finally:
            self._writes -= 1
        self._last_duration = loop.time() - before

    def _prepare(self) -> tuple[int, Document, Stamp | None] | None:
        """Merge what is on disk; returns what to write, None when the file must not be touched."""
        if not self._take_in():
            return None
        self.before_save()
        self._dirty = False
        return self._write.ticket(), self.document.snapshot(), self._stamp

    def _written(self) -> None:
        if self.save_error is not None:
            self.notices.append(_AGAIN)
        elif self._gone:
            self.notices.append(f"{_ANEW} {self.path}")
        (self._stamp, self._saved), self.save_error, self._gone = self._write.last, None, False
        self.after_save()

    def _failed(self, error: OSError) -> None:
        # Stays dirty: the save is tried again a second later, until it succeeds.
        self._dirty = True
        self._last_duration = _LONGEST_DELAY
        why = error.strerror if os.path.isdir(os.path.dirname(self.path)) else "its folder is gone"
        self.save_error = f"the notebook could not be saved to {self.path}: {why}; it is tried again"

    async def flush(self) -> None:
        """Save now what is not saved yet, and wait for it."""
        self._cancel_timer()
        if self._saving is not None:
            await asyncio.wait({self._saving})
        if self._dirty:
            await self._room_is_open()
            await self._save(whole=True)
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def flush_now(self) -> None:
        """Save without an event loop: the last thing done when the server ends, and its rooms with it."""
        self.together.rooms = no_rooms
        self._in_room()
        if not self._dirty and self._saving is None:
            return
        try:
            while (order := self._prepare()) and not self._write(*order):
                self._dirty = True
            if order:
                self._written()
        except OSError as error:
            self._failed(error)

    # -- while pages share the notebook ------------------------------------------------------------

    @property
    def is_shared(self) -> bool:
        """Whether the notebook is kept in a room by now, which alone writes the file."""
        return self._in_room() and self.together.base is not None

    def _in_room(self) -> bool:
        """Whether pages share the notebook; here, and nowhere else, it is chosen where it is kept."""
        room = self.together.rooms(self.path)
        if room is not self.together.room:
            self._leave_room()
            self.together.enter(room)
            self.mark()  # in the new place
            if room is not None:
                self.changed()
        return room is not None

    def _leave_room(self) -> None:
        """Take in what the room had last, if there was one; the file is what the room has written."""
        room = self.together.room
        if room is None or room.base is None:
            return
        self._merge_room()
        if room.knows_file(self.path):
            self._stamp, self._saved = stamp_of(self.path), room.base

    def _take_in_room(self) -> bool:
        room = self.together.room
        if room is None or not room.ready:
            return False
        self._merge_room()
        return True

    def _merge_room(self) -> None:
        if self.together.room is not None:
            self.document, notes = self.together.merge(self.together.room, self._saved, self.document)
            self.notices += notes

    async def _room_is_open(self) -> None:
        """Wait for a room that is just being opened, not for ever."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _ROOM_WITHIN
        while self._in_room() and not self._take_in() and loop.time() < end:  # noqa: ASYNC110
            await asyncio.sleep(_DELAY)  # the room tells nobody

    async def _save_in_room(self, *, whole: bool) -> None:
        """Bring the notebook into the room, and have that save its file once in a while."""
        loop, room = asyncio.get_running_loop(), self.together.room
        before = loop.time()
        if room is None or not self._take_in_room():
            return
        self.before_save()
        state = self.document.snapshot()
        room.put(state, self.together.at_work())
        self._last_duration = loop.time() - before
        if not (whole or self.together.is_due):
            return  # stays dirty: it comes here again
        self._dirty, self._writes, old = False, self._writes + 1, stamp_of(self.path)
        try:
            await self.together.save(room)
            if stamp_of(self.path) == old:
                self._failed(OSError(0, "JupyterLab does not write it"))
            else:
                self._saved, self.save_error = state, None
                self.after_save()
        except OSError as error:
            self._failed(error)
        finally:
            self._writes -= 1
