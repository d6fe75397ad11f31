"""Wait for a server that was launched: for its connection file, then for its answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from jlab_mcp.app.connect import Connected, connect
from jlab_mcp.app.ending import end_server
from jlab_mcp.app.events import LifecycleEvent
from jlab_mcp.app.observe import observe
from jlab_mcp.core.startup import WaitVerdict, judge_wait
from jlab_mcp.errors import (
    Remedy,
    ServerError,
    ServerStarting,
    ServerUnreachable,
    StartFailed,
    StartInterrupted,
)
from jlab_mcp.runners.local import exit_code
from jlab_mcp.storage.logs import log_tail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jlab_mcp.app.target import Target
    from jlab_mcp.client.models import NodeInfo
    from jlab_mcp.core.record import ServerRecord

_FIRST_PAUSE, _LAST_PAUSE = 0.004, 0.1
_QUICK_SECONDS = 10.0
"""How long to look every 4 ms, before looking less and less often."""
_REPORT_SECONDS = 10.0
_NO_PORT = 4
_EXIT_MEANS = {
    3: "JupyterLab cannot be imported there",
    _NO_PORT: "no port of the range is free",
    5: "the address it should listen on is not one of this machine's",
    127: "the interpreter was not found",
}


async def wait_until_ready(
    target: Target, record: ServerRecord, *, ours: bool
) -> AsyncIterator[LifecycleEvent]:
    """Report until the server of `record` answers.

    Args:
        target: which server it is.
        record: the server.
        ours: whether it was launched here; if so, it is ended when it takes too long.

    Raises:
        StartFailed, StartInterrupted, ServerStarting, ServerUnreachable, RecordBroken.
    """
    loading = asyncio.create_task(asyncio.to_thread(_load_network_code))
    try:
        async for event in _until_listening(target, record, ours=ours):
            yield event
        await loading
        server, info = await _until_answered(target, record)
    finally:
        await loading
    yield _ready(server, info)


def _load_network_code() -> None:
    """Import what asking the server needs while JupyterLab comes up."""
    import jlab_mcp.client.transport  # noqa: F401


async def _until_listening(
    target: Target, record: ServerRecord, *, ours: bool
) -> AsyncIterator[LifecycleEvent]:
    began = reported = time.monotonic()
    pause = _FIRST_PAUSE
    while True:
        now = time.monotonic()
        verdict = _look(target, record, waited=now - began)
        if verdict is WaitVerdict.LISTENING:
            return
        if verdict is not WaitVerdict.KEEP_WAITING:
            raise await _failure(target, record, verdict, ours=ours)
        if now - reported > _REPORT_SECONDS:
            reported = now
            yield LifecycleEvent("waiting", f"still waiting for JupyterLab, {now - began:.0f} s so far")
        await asyncio.sleep(pause)
        pause = pause if now - began < _QUICK_SECONDS else min(pause * 1.2, _LAST_PAUSE)


def _look(target: Target, record: ServerRecord, *, waited: float) -> WaitVerdict:
    seen = observe(target.paths)
    return judge_wait(record.server_id, seen.record, seen.standing, waited=waited, limit=target.ready_timeout)


async def _failure(target: Target, record: ServerRecord, verdict: WaitVerdict, *, ours: bool) -> ServerError:
    """Make the error of a start that did not come to its end."""
    place = f"the server of {record.project_dir} (profile {record.profile})"
    details = {"log_file": str(record.log_file), "log_tail": log_tail(record.log_file)}
    if verdict is WaitVerdict.STOPPED_MEANWHILE:
        return StartInterrupted(f"{place} was stopped meanwhile")
    if verdict is WaitVerdict.DIED:
        code = exit_code(record)
        await end_server(target, record, grace=0, keep_sessions=True)
        return StartFailed(
            f"{place} did not start: {_ending(code)}",
            remedy=Remedy.WIDEN_PORTS if code == _NO_PORT else None,
            details={"exit_code": code, **details},
        )
    if not ours:
        return ServerStarting(f"{place} is still not ready after {target.ready_timeout:g} s", details=details)
    await end_server(target, record, grace=target.stop_timeout, keep_sessions=True)
    late = f"was not ready after {target.ready_timeout:g} s and has been stopped"
    return StartFailed(f"{place} {late}", details=details)


def _ending(code: int | None) -> str:
    """Say in words how a launcher ended."""
    if code is None:
        return "its launcher ended"
    if code < 0:
        import signal

        return f"its launcher was ended by {signal.Signals(-code).name}"
    return _EXIT_MEANS.get(code, f"its launcher ended with exit code {code}")


async def _until_answered(target: Target, record: ServerRecord) -> tuple[Connected, NodeInfo]:
    """Ask the server who it is; it listens, so it answers at once, or something is wrong."""
    server = await connect(target)
    info = await server.client.info()
    if info.server_id != record.server_id:
        raise ServerUnreachable(
            f"another server than the one that was started answers at {server.connection.url}"
        )
    return server, info


def _ready(server: Connected, info: NodeInfo) -> LifecycleEvent:
    record, connection = server.record, server.connection
    return LifecycleEvent(
        "ready",
        f"JupyterLab is ready at {connection.url}",
        {
            "address": connection.url,
            "hostname": record.hostname,
            "pid": record.pid,
            "profile": record.profile,
            "project_dir": str(record.project_dir),
            "notebook_dir": str(record.notebook_dir),
            "job_id": record.job_id,
            "server_id": record.server_id,
            "sessions": info.sessions,
            "python": connection.python,
            "jupyterlab": info.jupyterlab,
            "log_file": str(record.log_file),
        },
    )
