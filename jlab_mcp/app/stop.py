"""Stop a server; stop always wins, also over one that is still starting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.blame import naming_the_setting
from jlab_mcp.app.connect import connect
from jlab_mcp.app.ending import end_process, end_server
from jlab_mcp.app.events import LifecycleEvent
from jlab_mcp.app.jobstop import end_job, end_unrecorded_jobs
from jlab_mcp.app.observe import Seen, elsewhere, look, no_server
from jlab_mcp.app.servers import is_anything_left, servers
from jlab_mcp.core.resolver import ResolvedProfile
from jlab_mcp.core.startup import Standing, StopStep, next_stop_step
from jlab_mcp.errors import JlabMcpError, RecordBroken
from jlab_mcp.runners.local import find_launchers
from jlab_mcp.storage.locks import held
from jlab_mcp.storage.records import read_record, remove_record, write_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import ServerRecord

_ASK_SECONDS = 3.0
"""How long a server that is to be stopped may take to say what it cannot save."""


class StoppedServer(BaseModel):
    """What became of one server that was to be stopped."""

    model_config = ConfigDict(frozen=True)

    profile: str
    state: Literal["stopped", "cleaned", "nothing", "failed"] = Field(
        description="`cleaned`: it had ended by itself; `nothing`: there was none; `failed`: see the message."
    )
    message: str = Field(description="The same in one sentence.")
    code: str | None = Field(default=None, description="Code of the error, where it failed.")


class StopReport(BaseModel):
    """What `stop --json` shows."""

    model_config = ConfigDict(frozen=True)

    servers: list[StoppedServer]


async def stop(target: Target) -> AsyncIterator[LifecycleEvent]:
    """Stop the server of a project and profile, and report until it is really gone.

    Raises:
        ServerElsewhere: it was started on another host; nothing is changed.
        SlurmUnreachable: its job could not be cancelled; nothing is changed.
        StopFailed: it is still there after SIGKILL; or its job is still ending, which SLURM goes on with.
    """
    for event in await _unsaved(target):
        yield event
    with naming_the_setting(target):
        async for event in _stop(target):
            yield event


def all_to_stop(resolved: ResolvedProfile) -> list[Target]:
    """Return every server of the project of which anything is left, the chosen profile's own last."""
    others = [each.server for each in servers(resolved) if each.server.name != resolved.name]
    return [*others, *([resolved] if is_anything_left(resolved) else [])]


async def _stop(target: Target) -> AsyncIterator[LifecycleEvent]:
    if not target.paths.lock_file.parent.is_dir():
        # Nothing was ever started here, or its files were deleted: the lock would be the first of them.
        async for event in _end_unrecorded(target, None):
            yield event
        return
    async with held(target.paths.lock_file):
        seen, broken = await _look(target)
        record = seen.record
        step = next_stop_step(seen.standing)
        if step is StopStep.CLEAN_UP:
            remove_record(target.paths)
        if step is StopStep.END_PROCESS and record:
            write_record(target.paths, record.model_copy(update={"stopping": True}))
    if step is StopStep.REFUSE and record:
        raise elsewhere(record)
    if step is StopStep.CLEAN_UP and record:
        what = f"the server of `{record.project_dir}` (profile {record.profile}) {seen.why_stale}"
        yield LifecycleEvent("cleaned", f"{what}; its record has been removed")
    elif step is StopStep.END_PROCESS and record:
        async for event in _end(target, record):
            yield event
    else:
        async for event in _end_unrecorded(target, broken):
            yield event


async def _unsaved(target: Target) -> list[LifecycleEvent]:
    """Name the notebooks that cannot be saved at present; a server that does not answer is not asked."""
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            connected = await connect(target)
            sessions = await connected.client.sessions()
    except (JlabMcpError, TimeoutError):
        return []
    return [
        LifecycleEvent(
            "note",
            f"`{session.notebook_path}` is not saved ({session.save_error});"
            f" if a copy can be left, the end of `{connected.record.log_file}` names it",
        )
        for session in sessions
        if session.save_error
    ]


async def _look(target: Target) -> tuple[Seen, RecordBroken | None]:
    """Look closely; a broken connection file hides nothing, a broken record hides process and job."""
    try:
        return await look(target, max_age=0.0, doubt=True, locked=True), None
    except RecordBroken as error:
        try:
            record = read_record(target.paths)
        except RecordBroken:
            record = None
        return Seen(record, None, Standing.STARTING if record else Standing.ABSENT), error


async def _end(target: Target, record: ServerRecord) -> AsyncIterator[LifecycleEvent]:
    place = f"the server of `{record.project_dir}` (profile {record.profile})"
    facts = {"pid": record.pid, "job_id": record.job_id}
    yield LifecycleEvent("stopping", f"stopping {place}", facts)
    if record.job:
        async for event in end_job(target, record):
            yield event
        yield LifecycleEvent("stopped", f"{place} has been stopped", facts)
        return
    killed: list[bool] = []
    await end_server(target, record, grace=target.stop_timeout, on_kill=lambda: killed.append(True))
    if killed:
        yield LifecycleEvent("killing", f"it did not end in {target.stop_timeout:g} s and was killed")
    yield LifecycleEvent("stopped", f"{place} has been stopped", facts)


async def _end_unrecorded(target: Target, broken: RecordBroken | None) -> AsyncIterator[LifecycleEvent]:
    """End launchers and jobs that no readable record names, and clear the files away."""
    stopped = False
    for launcher in find_launchers(target.paths.connection_file):
        yield LifecycleEvent("stopping", f"stopping process {launcher.pid}, a server without a record")
        await end_process(launcher, grace=target.stop_timeout)
        yield LifecycleEvent("stopped", f"the server of `{target.project_dir}` has been stopped")
        stopped = True
    if isinstance(target, ResolvedProfile) and target.mode == "slurm":
        async for event in end_unrecorded_jobs(target):
            yield event
            stopped = stopped or event.stage == "stopped"
    if broken:
        async with held(target.paths.lock_file):
            remove_record(target.paths)
        yield LifecycleEvent("cleaned", f"{broken.message}; it has been removed")
    elif not stopped:
        yield LifecycleEvent("nothing", no_server(target).message)
