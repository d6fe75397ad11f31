"""The journals that earlier servers with the same files have left, and their way into the notebooks.

They wait until somebody opens their notebook: 30 days at most, and the newest 200 of them. One that is locked
belongs to a server that still lives, and is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import time

from ..notebook.document import Document
from ..notebook.file import NotebookFile
from ..settings import NodeSettings
from .recovery import recover
from .replay import LostRun, about, lost_runs

_LOG = logging.getLogger("jlab_mcp_node")
_SUFFIX = ".jsonl"
_KEPT_SECONDS = 30 * 86400.0
_KEPT = 200


class LeftJournals:
    """The journals that were there when this server began.

    Args:
        settings: where they lie.
    """

    def __init__(self, settings: NodeSettings) -> None:
        self._folder = settings.own_folder("journals")
        self._left = _left_in(self._folder)
        self._one_at_a_time = asyncio.Lock()
        for path in _outdated(self._left):
            self._drop(path)

    def path_for(self, session_id: str) -> str:
        """Return the path of a new session's journal: not that of one that is left."""
        path = os.path.join(self._folder, session_id + _SUFFIX)
        return path if path not in self._left else f"{path[: -len(_SUFFIX)]}-{os.getpid()}{_SUFFIX}"

    async def shown_in(self, document: Document, path: str) -> str | None:
        """Put what the journals of a notebook tell into a copy of it that is only looked at.

        Returns:
            What was put in, in words; None for nothing.
        """
        runs = await self._runs_of(self._of(path))
        words = recover(document, runs).words()
        return f"the file has not got this yet: {words}" if words else None

    async def take_in(self, file: NotebookFile) -> str | None:
        """Put what the journals of a notebook tell into its file, and remove them.

        Returns:
            What was done, in words; None for nothing.
        """
        async with self._one_at_a_time:
            journals = self._of(file.path)
            if not journals:
                return None
            words = recover(file.document, await self._runs_of(journals)).words()
            if words:
                file.mark()
                await file.flush()
            if file.unsaved:  # they stay: another server may be luckier
                return f"{words}. {file.save_error}"
            for path in journals:
                self._drop(path)
            return words

    def _of(self, notebook: str) -> list[str]:
        """Return the journals of a notebook that no server holds, the oldest first."""
        real = os.path.realpath(notebook)
        found = []
        for path in list(self._left):
            try:
                told = about(path)
            except OSError:
                self._left.remove(path)  # somebody has cleared it away
                continue
            if told and os.path.realpath(str(told.get("notebook_path"))) == real and not _held(path):
                found.append(path)
        return found

    async def _runs_of(self, journals: list[str]) -> list[LostRun]:
        loop = asyncio.get_running_loop()
        runs: list[LostRun] = []
        for path in journals:
            with contextlib.suppress(OSError):
                runs += await loop.run_in_executor(None, lost_runs, path)
        return runs

    def _drop(self, path: str) -> None:
        self._left.remove(path)
        with contextlib.suppress(OSError):
            os.unlink(path)
            os.rmdir(self._folder)


def _left_in(folder: str) -> list[str]:
    """Return the journals of a folder, the oldest first."""
    found: list[tuple[float, str]] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(_SUFFIX):
                with contextlib.suppress(OSError):
                    found.append((entry.stat(follow_symlinks=False).st_mtime, entry.path))
    return [path for _, path in sorted(found)]


def _outdated(journals: list[str]) -> list[str]:
    """Return the journals that are too many or too old, and that nobody holds."""
    now = time.time()
    outdated = []
    for index, path in enumerate(journals):
        with contextlib.suppress(OSError):
            too_many = index < len(journals) - _KEPT
            if (too_many or now - os.stat(path).st_mtime > _KEPT_SECONDS) and not _held(path):
                outdated.append(path)
    return outdated


def _held(path: str) -> bool:
    """Whether a server that lives has this journal open."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system without locks: there is but one server with these files
    finally:
        os.close(file)
    return False
