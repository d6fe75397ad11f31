"""One notebook on disk: written behind the answers, atomically, and never over what was not read.

The node is the only writer of ours. A person may save the same file in JupyterLab meanwhile: the file's
identity (inode, size, mtime) is compared before each write and each new cell, and what changed is merged
by cell id.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from .document import Document, NotANotebook
from .errors import ApiError, NotebookInvalid, NotebookUnwritable
from .merge import merge
from .paths import free_names
from .writing import Stamp, Writer, stamp_of, write_new

_DELAY = 0.25  # seconds from a change to its save; changes meanwhile share the save
_LONGEST_DELAY = 1.0
_MERGED = "the notebook had been changed on disk meanwhile; its cells were merged in"


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
        self._write = Writer(path)
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self._writes = 0  # that are under way
        self._last_duration = 0.0
        self.notices: list[str] = []
        self.save_error: str | None = None
        self.before_save: Callable[[], None] = lambda: None  # brings a running cell's outputs in
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

        Returns:
            Its path.

        Raises:
            NotebookUnwritable: there is no room in either place.
        """
        self.before_save()
        text = self.document.dump()
        beside = os.path.splitext(self.path)[0] + "_rescued"
        for stem in (beside, os.path.join(folder, os.path.basename(beside))):
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
        if self._saving is None and self._take_in() and self._dirty:
            self.changed()

    def _take_in(self) -> bool:
        """Merge the file if it was changed; False if it cannot be read, and so must not be overwritten."""
        stamp = stamp_of(self.path)
        if stamp is None or stamp == self._stamp:
            return True
        try:
            text = read_text(self.path)
            if text != self._saved.dump():
                self._merge(parse(text, self.path))
        except ApiError as error:
            self.save_error = f"the notebook is not saved: {error.message}"
            return False
        self._stamp = stamp
        return True

    def _merge(self, disk: Document) -> None:
        self.document, notes = merge(self._saved, self.document, disk)
        self.notices += [_MERGED, *notes]
        if disk.has_ids:
            self._saved = disk
        # Without ids the older state stays the base until the next save: cells may then come twice,
        # but none is taken for deleted.
        self._dirty = True

    def take_notices(self) -> list[str]:
        """Return what was merged since the last call, and why saving fails if it does."""
        notices, self.notices = self.notices, []
        return [*notices, self.save_error] if self.save_error else notices

    def _begin_save(self) -> None:
        self._timer = None
        self._saving = asyncio.ensure_future(self._save())
        self._saving.add_done_callback(self._save_ended)

    def _save_ended(self, task: asyncio.Task[None]) -> None:
        self._saving = None
        if not task.cancelled() and task.exception() is None and self._dirty:
            self.changed()

    async def _save(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        state = self._prepare()
        if state is None:
            return
        text = state.dump()
        self._writes += 1
        try:
            stamp = await loop.run_in_executor(None, self._write, self._write.ticket(), text)
            self._written(state, stamp)
        except OSError as error:
            self._failed(error)
        finally:
            self._writes -= 1
        self._last_duration = loop.time() - before

    def _prepare(self) -> Document | None:
        """Merge what is on disk; returns what is to be saved, None when the file must not be touched."""
        if not self._take_in():
            return None
        self.before_save()
        self._dirty = False
        return self.document.snapshot()

    def _written(self, state: Document, stamp: Stamp) -> None:
        self._saved, self._stamp, self.save_error = state, stamp, None
        self.after_save()

    def _failed(self, error: OSError) -> None:
        # Stays dirty: the save is tried again a second later, until it succeeds.
        self._dirty = True
        self._last_duration = _LONGEST_DELAY
        self.save_error = (
            f"the notebook could not be saved to {self.path}: {error.strerror}; it is tried again"
        )

    async def flush(self) -> None:
        """Save now what is not saved yet, and wait for it."""
        self._cancel_timer()
        if self._saving is not None:
            await asyncio.wait({self._saving})
        if self._dirty:
            await self._save()
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def flush_now(self) -> None:
        """Save without an event loop: the last thing done when the server ends."""
        if not self._dirty and self._saving is None:
            return
        state = self._prepare()
        if state is not None:
            try:
                self._written(state, self._write(self._write.ticket(), state.dump()))
            except OSError as error:
                self._failed(error)


def parse(text: str, path: str) -> Document:
    """Parse a notebook's text.

    Raises:
        NotebookInvalid: it is none; the message names the file.
    """
    try:
        return Document.parse(text)
    except NotANotebook as error:
        raise NotebookInvalid(f"{path} is not a notebook that can be used: {error}") from error


def read_text(path: str) -> str:
    """Read a file as UTF-8.

    Raises:
        NotebookInvalid: it cannot be read, or is no UTF-8 text.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise NotebookInvalid(f"{path} is not a notebook that can be used: it is no UTF-8 text") from error
    except OSError as error:
        raise NotebookInvalid(f"{path} cannot be read: {error.strerror}") from error
