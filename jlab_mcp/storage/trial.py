"""Try whether a folder can be written, and leave nothing behind."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_BYTES = 65_536
MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it.

    Attributes:
        folder: the one that was tried: the nearest there is, where the one meant is still to be made.
        refusal: why it cannot be written, in the system's words; None if it can.
        is_full: whether that is because a disk or a quota is full.
        ahead: seconds by which the clock of whoever keeps the files is ahead of this host's.
        free: bytes that are free for this user on the file system; a quota may leave less.
    """

    folder: Path
    refusal: str | None = None
    is_full: bool = False
    ahead: float = 0.0
    free: int | None = None


def try_folder(meant: Path) -> Trial:
    """Write to a folder what is gone again at once; a folder that is not there yet is made by nobody."""
    folder = meant
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(prefix=".jlab-mcp-doctor-", dir=folder) as file:
            file.write(bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
            ahead = os.fstat(file.fileno()).st_mtime - time.time()
        space = os.statvfs(folder)
    except OSError as error:
        return Trial(folder, os.strerror(error.errno or 0), error.errno in (errno.ENOSPC, errno.EDQUOT))
    return Trial(folder, ahead=ahead, free=space.f_bavail * space.f_frsize)


def mounts_text() -> str:
    """Return what the kernel says of this process's mounts; empty where it says nothing."""
    try:
        return MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
