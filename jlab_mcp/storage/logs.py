"""The end of a server's log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

from jlab_mcp.storage.files import make_private_folder

_TAIL_BYTES = 16_384
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def prepare_log(path: Path) -> None:
    """Make the folder of a log and an empty, private log; that of the last time stays as `….log.1`.

    SLURM would make the file with the mode that the umask gives; one that is there keeps its mode.
    """
    make_private_folder(path.parent)
    if path.exists():
        path.replace(path.with_name(f"{path.name}.1"))
    path.touch(mode=0o600)


class LogReader:
    """Reads a log piece by piece; one that a new server began anew is read from its start.

    Args:
        path: of the log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._file = -1

    def last(self, lines: int, *, whole: bool = False) -> str | None:
        """Return the last lines, all of them for 0, at will without an unfinished one; None without a log."""
        try:
            content = self._path.read_bytes()
            self._file = self._path.stat().st_ino
        except OSError:
            return None
        self._at = content.rfind(b"\n") + 1 if whole else len(content)
        found = _text(content[: self._at]).splitlines()
        return "\n".join(found[-lines:] if lines else found)

    def more(self, *, whole: bool = True) -> str:
        """Return what has come since; only with `whole` false also a line that is unfinished."""
        try:
            state = self._path.stat()
            if state.st_ino != self._file or state.st_size < self._at:
                self._at, self._file = 0, state.st_ino
            with self._path.open("rb") as file:
                file.seek(self._at)
                content = file.read()
        except OSError:
            return ""
        end = content.rfind(b"\n") + 1 if whole else len(content)
        self._at += end
        return _text(content[:end]).rstrip("\n")


def log_tail(path: Path, lines: int = 12) -> list[str]:
    """Return the last lines of a log, without colours; nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            text = _text(file.read())
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-lines:]


def _text(content: bytes) -> str:
    return _ANSI.sub("", content.decode("utf-8", "replace"))
