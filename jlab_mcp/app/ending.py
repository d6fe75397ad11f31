"""End a server's processes and remove its files."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from jlab_mcp.errors import StopFailed
from jlab_mcp.runners.local import exit_code, launcher_of
from jlab_mcp.runners.processes import descendants, gone, send
from jlab_mcp.storage.locks import held
from jlab_mcp.storage.records import read_record, remove_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import ServerRecord
    from jlab_mcp.runners.processes import Identity

_KILLED_SECONDS = 5.0
"""How long the system may take to remove a process that was killed."""
_ORPHAN_SECONDS = 3.0
"""How long kernels get to notice that their server is gone, before they are killed."""


async def end_process(process: Identity, *, grace: float, on_kill: Callable[[], None] | None = None) -> None:
    """End a process and everything below it, and wait until all of it is gone.

    Args:
        process: the launcher.
        grace: seconds from SIGTERM to SIGKILL; 0 kills what is left without asking.
        on_kill: called when SIGTERM was not enough.

    Raises:
        StopFailed: it is still there after SIGKILL.
    """
    below = descendants(process.pid)
    if grace:
        send(process, signal.SIGTERM)
        if await gone([process], grace) and on_kill:
            on_kill()
    below = list(dict.fromkeys([*below, *descendants(process.pid)]))
    send(process, signal.SIGKILL)
    if await gone([process], _KILLED_SECONDS):
        raise StopFailed(f"process {process.pid} is still there after SIGKILL")
    for orphan in await gone(below, _ORPHAN_SECONDS):
        send(orphan, signal.SIGKILL)
    if left := await gone(below, _KILLED_SECONDS):
        pids = ", ".join(str(orphan.pid) for orphan in left)
        raise StopFailed(f"the server is gone, but its processes {pids} are still there after SIGKILL")


async def end_server(
    target: Target,
    record: ServerRecord,
    *,
    grace: float,
    keep_sessions: bool = False,
    on_kill: Callable[[], None] | None = None,
) -> None:
    """End the server of a record and remove its files, unless they are another server's by now.

    Args:
        target: which server it is.
        record: the server.
        grace: as for `end_process`.
        keep_sessions: as for `remove_record`.
        on_kill: as for `end_process`.
    """
    await end_process(launcher_of(record), grace=grace, on_kill=on_kill)
    exit_code(record)  # reaps it, if it was ours
    async with held(target.paths.lock_file):
        current = read_record(target.paths)
        if current is None or current.server_id == record.server_id:
            remove_record(target.paths, keep_sessions=keep_sessions)
