"""Stay with a server until it ends."""

from __future__ import annotations

from enum import Enum, unique
from math import inf
from typing import TYPE_CHECKING

from jlab_mcp.app.ending import end_server
from jlab_mcp.errors import NoServer, RecordBroken, Remedy
from jlab_mcp.runners.local import launcher_of
from jlab_mcp.runners.processes import gone
from jlab_mcp.storage.logs import log_tail
from jlab_mcp.storage.records import read_record

if TYPE_CHECKING:
    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import ServerRecord


@unique
class Ending(Enum):
    """How a server's life ended."""

    STOPPED = "stopped"
    TIME_OVER = "time_over"


async def attend(target: Target, record: ServerRecord, *, limit: float | None = None) -> Ending:
    """Wait until a server has been stopped from elsewhere, or its time is over.

    Args:
        target: which server it is.
        record: the server.
        limit: seconds it may live from now; the caller stops it.

    Raises:
        NoServer: it ended without being stopped.
    """
    if await gone([launcher_of(record)], inf if limit is None else limit):
        return Ending.TIME_OVER
    if _was_stopped(target, record):
        return Ending.STOPPED
    tail = log_tail(record.log_file)
    await end_server(target, record, grace=0)
    raise NoServer(
        f"the server of `{record.project_dir}` (profile {record.profile}) ended without being stopped",
        remedy=Remedy.READ_LOG,
        details={"log_file": str(record.log_file), "log_tail": tail},
    )


def _was_stopped(target: Target, record: ServerRecord) -> bool:
    try:
        current = read_record(target.paths)
    except RecordBroken:
        return False
    return current is None or current.server_id != record.server_id or current.stopping
