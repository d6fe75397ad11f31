"""A lock between processes, which the system frees when its holder dies."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from jlab_mcp.errors import CannotWrite, Remedy, ServerStarting
from jlab_mcp.storage.files import make_private_folder, writing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@asynccontextmanager
async def held(path: Path, *, limit: float = 20.0) -> AsyncIterator[None]:
    """Hold the lock at `path`; its file stays behind, since removing it would let two holders in.

    Args:
        path: the lock's file; made if missing.
        limit: seconds to wait for another holder.

    Raises:
        CannotWrite: the lock's file cannot be made, or its file system has no locks.
        ServerStarting: another process kept the lock for all that time.
    """
    descriptor = _open(path)
    try:
        started = time.monotonic()
        pause = 0.005
        while not _try_lock(descriptor, path):
            if time.monotonic() - started > limit:
                raise ServerStarting(
                    f"another jlab-mcp has held `{path}` for {limit:.0f} s", remedy=Remedy.RETRY
                )
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.1)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def held_briefly(path: Path) -> Iterator[None]:
    """Hold the lock at `path` while one small file is changed; waits as long as others do so.

    Raises:
        CannotWrite: as for `held`.
    """
    descriptor = _open(path)
    try:
        with _locking(path):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    with writing(path):
        make_private_folder(path.parent)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int, path: Path) -> bool:
    try:
        with _locking(path):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _locking(path: Path) -> Iterator[None]:
    try:
        yield
    except BlockingIOError:
        raise
    except OSError as error:  # some network file systems are mounted without locks
        raise CannotWrite(f"cannot lock `{path}`: {error.strerror}", details={"path": str(path)}) from error
