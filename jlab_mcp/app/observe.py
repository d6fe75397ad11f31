"""Look at a server from here: its files and its process, nothing over the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jlab_mcp.core.startup import Observed, Standing, judge
from jlab_mcp.errors import NoServer, ServerElsewhere
from jlab_mcp.runners.processes import boot_id, hostname, started_at
from jlab_mcp.storage.records import read_connection, read_record

if TYPE_CHECKING:
    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import Connection, ServerPaths, ServerRecord


@dataclass(frozen=True, slots=True)
class Seen:
    """A server's record, its connection file, and how things stand."""

    record: ServerRecord | None
    connection: Connection | None
    standing: Standing


def observe(paths: ServerPaths) -> Seen:
    """Read what is on disk and look whether the process is there.

    Raises:
        RecordBroken: a file cannot be read.
    """
    record = read_record(paths)
    if record is None:
        return Seen(None, None, Standing.ABSENT)
    observed = Observed(hostname(), boot_id(), started_at(record.pid))
    standing = judge(record, observed)
    if standing is not Standing.STARTING:
        return Seen(record, None, standing)
    observed = replace(observed, connection=read_connection(paths))
    return Seen(record, observed.connection, judge(record, observed))


def no_server(target: Target, standing: Standing = Standing.ABSENT) -> NoServer:
    """Make the error that says no server runs, and what became of the last one."""
    what = f"no server is running for {target.project_dir} (profile {target.name})"
    return NoServer(f"{what}: the last one {standing.why_stale}" if standing.stale else what)


def elsewhere(record: ServerRecord) -> ServerElsewhere:
    """Make the error that says the server belongs to another host."""
    return ServerElsewhere(
        f"the server of {record.project_dir} (profile {record.profile}) was started on {record.hostname},"
        f" and this is {hostname()}",
        details={"hostname": record.hostname},
    )
