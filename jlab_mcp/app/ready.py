"""Wait for a server that was launched: for its connection file or its job, then for its answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from jlab_mcp.app.connect import Connected, connect
from jlab_mcp.app.ending import end_server
from jlab_mcp.app.events import LifecycleEvent
from jlab_mcp.app.jobwait import wait_for_job
from jlab_mcp.app.observe import observe
from jlab_mcp.app.queue import refresh
from jlab_mcp.core.command import LAUNCHER_EXITS, NO_PORT
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
_FRESH_SECONDS = 60.0
"""How old SLURM's answer may be that tells how long a job that is ready may run."""


async def wait_until_ready(
    target: Target, record: ServerRecord, *, ours: bool, patience: float | None = None
) -> AsyncIterator[LifecycleEvent]:
    """Report until the server of `record` answers.

    Args:
        target: which server it is.
        record: the server.
        ours: whether it was launched here; if so, a process is ended when it takes too long.
        patience: seconds to wait for a job in the queue; then the last event is `queued`.

    Raises:
        StartFailed, StartInterrupted, ServerStarting, ServerUnreachable, JobCannotStart, RecordBroken.
    """
    loading = asyncio.create_task(asyncio.to_thread(_load_network_code))
    try:
        waiting = (
            wait_for_job(target, record, patience=patience)
            if record.job
            else _until_listening(target, record, ours=ours)
        )
        async for event in waiting:
            yield event
            if event.stage == "queued":
                return
        await loading
        server, info = await _until_answered(target, record)
    finally:
        await loading
    left = await refresh(server.record, server.connection, max_age=_FRESH_SECONDS)
    yield _ready(server, info, left.seconds)


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
            said = f"still waiting for JupyterLab, {now - began:.0f} s so far"
            yield LifecycleEvent("waiting", said, {"elapsed_s": now - began})
        await asyncio.sleep(pause)
        pause = pause if now - began < _QUICK_SECONDS else min(pause * 1.2, _LAST_PAUSE)


def _look(target: Target, record: ServerRecord, *, waited: float) -> WaitVerdict:
    seen = observe(target.paths)
    return judge_wait(record.server_id, seen.record, seen.standing, waited=waited, limit=target.ready_timeout)


async def _failure(target: Target, record: ServerRecord, verdict: WaitVerdict, *, ours: bool) -> ServerError:
    """Make the error of a start that did not come to its end."""
    place = f"the server of `{record.project_dir}` (profile {record.profile})"
    details = {"log_file": str(record.log_file), "log_tail": log_tail(record.log_file)}
    if verdict is WaitVerdict.STOPPED_MEANWHILE:
        return StartInterrupted(f"{place} was stopped meanwhile")
    if verdict is WaitVerdict.DIED:
        code = exit_code(record)
        await end_server(target, record, grace=0, keep_sessions=True)
        return StartFailed(
            f"{place} did not start: {_ending(code)}",
            remedy=Remedy.WIDEN_PORTS if code == NO_PORT else None,
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
    return LAUNCHER_EXITS.get(code, f"its launcher ended with exit code {code}")


async def _until_answered(target: Target, record: ServerRecord) -> tuple[Connected, NodeInfo]:
    """Ask the server who it is; it listens, so it answers at once, or something is wrong."""
    server = await connect(target)
    info = await server.client.info()
    if info.server_id != record.server_id:
        raise ServerUnreachable(
            f"another server than the one that was started answers at {server.connection.url}"
        )
    return server, info


def _ready(server: Connected, info: NodeInfo, left_s: float | None) -> LifecycleEvent:
    record, connection = server.record, server.connection
    return LifecycleEvent(
        "ready",
        f"JupyterLab is ready at {connection.url}",
        {
            "address": connection.url,
            "hostname": connection.hostname,
            "pid": record.pid or connection.pid,
            "profile": record.profile,
            "project_dir": str(record.project_dir),
            "notebook_dir": str(record.notebook_dir),
            "job_id": record.job_id,
            "time_left_s": left_s,
            "server_id": record.server_id,
            "sessions": info.sessions,
            "python": connection.python,
            "jupyterlab": info.jupyterlab,
            "log_file": str(record.log_file),
        },
    )
