"""Stop a server; stop always wins, also over one that is still starting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jlab_mcp.app.blame import naming_the_setting
from jlab_mcp.app.connect import connect
from jlab_mcp.app.ending import end_process, end_server
from jlab_mcp.app.events import LifecycleEvent
from jlab_mcp.app.observe import elsewhere, no_server, observe
from jlab_mcp.core.startup import Standing, StopStep, next_stop_step
from jlab_mcp.errors import JlabMcpError, RecordBroken
from jlab_mcp.runners.local import find_launchers
from jlab_mcp.storage.locks import held
from jlab_mcp.storage.records import read_record, remove_record, write_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jlab_mcp.core.record import ServerRecord
    from jlab_mcp.core.resolver import ResolvedProfile

_ASK_SECONDS = 3.0
"""How long a server that is to be stopped may take to say what it cannot save."""


async def stop(resolved: ResolvedProfile) -> AsyncIterator[LifecycleEvent]:
    """Stop the server of a project and profile, and report until it is really gone.

    Raises:
        ServerElsewhere: it was started on another host; nothing is changed.
        StopFailed: it is still there after SIGKILL.
    """
    for event in await _unsaved(resolved):
        yield event
    with naming_the_setting(resolved):
        async for event in _stop(resolved):
            yield event


async def _stop(resolved: ResolvedProfile) -> AsyncIterator[LifecycleEvent]:
    if not resolved.paths.lock_file.parent.is_dir():
        # Nothing was ever started here, or its files were deleted: the lock would be the first of them.
        async for event in _end_unrecorded(resolved, None):
            yield event
        return
    async with held(resolved.paths.lock_file):
        record, standing, broken = _look(resolved)
        step = next_stop_step(standing)
        if step is StopStep.CLEAN_UP:
            remove_record(resolved.paths)
        if step is StopStep.END_PROCESS and record:
            write_record(resolved.paths, record.model_copy(update={"stopping": True}))
    if step is StopStep.REFUSE and record:
        raise elsewhere(record)
    if step is StopStep.CLEAN_UP and record:
        what = f"the server of {record.project_dir} (profile {record.profile}) {standing.why_stale}"
        yield LifecycleEvent("cleaned", f"{what}; its record has been removed")
    elif step is StopStep.END_PROCESS and record:
        async for event in _end(resolved, record):
            yield event
    else:
        async for event in _end_unrecorded(resolved, broken):
            yield event


async def _unsaved(resolved: ResolvedProfile) -> list[LifecycleEvent]:
    """Name the notebooks that cannot be saved at present; a server that does not answer is not asked."""
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            connected = await connect(resolved)
            sessions = await connected.client.sessions()
    except (JlabMcpError, TimeoutError):
        return []
    return [
        LifecycleEvent(
            "note",
            f"{session.notebook_path} is not saved ({session.save_error});"
            f" if a copy can be left, the end of {connected.record.log_file} names it",
        )
        for session in sessions
        if session.save_error
    ]


def _look(resolved: ResolvedProfile) -> tuple[ServerRecord | None, Standing, RecordBroken | None]:
    """Observe; a broken connection file hides nothing, a broken record hides the process."""
    try:
        seen = observe(resolved.paths)
    except RecordBroken as error:
        try:
            record = read_record(resolved.paths)
        except RecordBroken:
            record = None
        return record, Standing.STARTING if record else Standing.ABSENT, error
    return seen.record, seen.standing, None


async def _end(resolved: ResolvedProfile, record: ServerRecord) -> AsyncIterator[LifecycleEvent]:
    place = f"the server of {record.project_dir} (profile {record.profile})"
    yield LifecycleEvent("stopping", f"stopping {place}", {"pid": record.pid})
    killed: list[bool] = []
    await end_server(resolved, record, grace=resolved.stop_timeout, on_kill=lambda: killed.append(True))
    if killed:
        yield LifecycleEvent("killing", f"it did not end in {resolved.stop_timeout:g} s and was killed")
    yield LifecycleEvent("stopped", f"{place} has been stopped", {"pid": record.pid})


async def _end_unrecorded(
    resolved: ResolvedProfile, broken: RecordBroken | None
) -> AsyncIterator[LifecycleEvent]:
    """End launchers that no readable record names, and clear the files away."""
    launchers = find_launchers(resolved.paths.connection_file)
    for launcher in launchers:
        yield LifecycleEvent("stopping", f"stopping process {launcher.pid}, a server without a record")
        await end_process(launcher, grace=resolved.stop_timeout)
    if broken:
        async with held(resolved.paths.lock_file):
            remove_record(resolved.paths)
        yield LifecycleEvent("cleaned", f"{broken.message}; it has been removed")
    if launchers:
        yield LifecycleEvent("stopped", f"the server of {resolved.project_dir} has been stopped")
    elif not broken:
        yield LifecycleEvent("nothing", no_server(resolved).message)
