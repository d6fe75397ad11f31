"""Start a server, or find the one that is there, and wait until it is ready."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from typing import TYPE_CHECKING

from jlab_mcp.app.blame import naming_the_setting
from jlab_mcp.app.complete import require_complete
from jlab_mcp.app.ending import end_process
from jlab_mcp.app.events import LifecycleEvent
from jlab_mcp.app.observe import elsewhere, no_server, observe
from jlab_mcp.app.ready import wait_until_ready
from jlab_mcp.app.servers import settings_changed
from jlab_mcp.app.surroundings import local_interpreter, without_effect, write_script
from jlab_mcp.core.command import root_dir
from jlab_mcp.core.remembered import remember
from jlab_mcp.core.startup import Standing, StartStep, next_start_step
from jlab_mcp.errors import CannotWrite, ConfigError, SlurmNotAvailable, StopFailed
from jlab_mcp.runners.base import LaunchOrder
from jlab_mcp.runners.local import LocalRunner
from jlab_mcp.runners.processes import Identity
from jlab_mcp.storage.files import writing
from jlab_mcp.storage.locks import held
from jlab_mcp.storage.logs import prepare_log
from jlab_mcp.storage.nodefiles import copy_node_files
from jlab_mcp.storage.records import remove_record, write_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import ServerRecord
    from jlab_mcp.core.resolver import ResolvedProfile

_PAUSE = 0.02


async def start(resolved: ResolvedProfile) -> AsyncIterator[LifecycleEvent]:
    """Start the server of a project and profile, and report until it is ready.

    A server that is there already, or is being started by somebody else, is waited for instead.

    Raises:
        SlurmNotAvailable: the run mode is slurm.
        CannotWrite: there is no place for its files.
        ConfigError: the notebook folder cannot be made.
        StartFailed: it did not come up; nothing of it is left.
        StartInterrupted: somebody stopped it meanwhile.
        ServerStarting: somebody else's start takes longer than the time limit.
        ServerElsewhere: it was started on another host.
        ServerUnreachable: it is there and does not answer.
        RecordBroken: what is written about it cannot be read.
    """
    require_complete(resolved)
    if resolved.mode == "slurm":
        raise SlurmNotAvailable("the SLURM runner is not built yet, so no job can be submitted")
    with naming_the_setting(resolved):
        events, record, launched = await _find_or_launch(resolved)
    for event in events:
        yield event
    async for event in wait_until_ready(resolved, record, ours=launched):
        yield event


async def wait(target: Target) -> AsyncIterator[LifecycleEvent]:
    """Wait until the server that somebody started is ready; starts nothing.

    Raises:
        NoServer: none runs or starts.
        ServerStarting: it takes longer than the time limit.
        StartFailed: it died meanwhile.
        ServerElsewhere, ServerUnreachable, RecordBroken: as for `start`.
    """
    seen = observe(target.paths)
    if seen.standing is Standing.ELSEWHERE and seen.record:
        raise elsewhere(seen.record)
    if seen.record is None or seen.standing.stale or seen.standing is Standing.STOPPING:
        raise no_server(target, seen.standing)
    async for event in wait_until_ready(target, seen.record, ours=False):
        yield event


async def _find_or_launch(
    resolved: ResolvedProfile,
) -> tuple[list[LifecycleEvent], ServerRecord, bool]:
    """Return what to report, the server's record, and whether it was launched here."""
    deadline = time.monotonic() + 2 * resolved.stop_timeout
    while True:
        async with held(resolved.paths.lock_file):
            seen = observe(resolved.paths)
            step = next_start_step(seen.standing)
            if step is StartStep.LAUNCH:
                stopped = seen.record is not None and seen.record.stopping  # its `stop` is about to clean up
                events = [_cleaned(resolved, seen.standing)] if seen.standing.stale and not stopped else []
                record = await _launch(resolved, events)
                return events, record, True
        if step is StartStep.REFUSE and seen.record:
            raise elsewhere(seen.record)
        if step is StartStep.WAIT_UNTIL_READY and seen.record:
            changed = [
                LifecycleEvent("changed", change.sentence)
                for change in settings_changed(seen.record, resolved)
            ]
            return [_already(seen.record, seen.standing), *changed], seen.record, False
        if time.monotonic() > deadline:
            raise StopFailed(f"the last server of {resolved.project_dir} is being stopped and does not end")
        await asyncio.sleep(_PAUSE)


async def _launch(resolved: ResolvedProfile, events: list[LifecycleEvent]) -> ServerRecord:
    """Start the launcher and write its record; the lock must be held."""
    interpreter = local_interpreter(resolved)
    idle = without_effect(resolved)
    notes = [interpreter.note, f"{', '.join(idle)} has no effect on a local server" if idle else ""]
    events += [LifecycleEvent("note", note) for note in notes if note]
    _make_root(resolved)
    remove_record(resolved.paths, keep_sessions=True)
    with writing(resolved.state_dir):
        launcher = copy_node_files(resolved.state_dir)
    with writing(resolved.log_dir):
        prepare_log(resolved.paths.log_file)
    server_id = secrets.token_hex(8)
    script = write_script(resolved, interpreter, launcher, server_id)
    order = _order(resolved, server_id, launcher, script)
    record = LocalRunner(interpreter, os.environ).launch(order)
    try:
        write_record(resolved.paths, record)
    except CannotWrite:
        await end_process(Identity(record.pid, record.pid_started), grace=0)
        raise
    message = f"starting JupyterLab for {resolved.project_dir} (profile {resolved.name})"
    events.append(LifecycleEvent("launched", message, {"pid": record.pid, "log_file": str(record.log_file)}))
    return record


def _make_root(resolved: ResolvedProfile) -> None:
    """Make JupyterLab's root, without which it does not start; it may be a notebook folder not used yet."""
    folder = root_dir(resolved.project_dir, resolved.notebook_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        origin = resolved.origins["notebook.dir"]
        raise ConfigError(
            [f"cannot make the notebook folder {folder} ({origin}): {error.strerror}"]
        ) from error


def _order(resolved: ResolvedProfile, server_id: str, launcher: Path, script: Path | None) -> LaunchOrder:
    return LaunchOrder(
        key=resolved.paths.key,
        profile=resolved.name,
        server_id=server_id,
        project_dir=resolved.project_dir,
        notebook_dir=resolved.notebook_dir,
        bind_ip=resolved.bind_ip,
        port_min=resolved.port_min,
        port_max=resolved.port_max,
        connection_file=resolved.paths.connection_file,
        log_file=resolved.paths.log_file,
        launcher=launcher,
        interface=resolved.interface,
        variables=resolved.env.vars,
        script=script,
        idle_timeout=resolved.profile.server.idle_timeout,
        started_with=remember(resolved),
    )


def _cleaned(resolved: ResolvedProfile, standing: Standing) -> LifecycleEvent:
    return LifecycleEvent("cleaned", f"the last server of {resolved.project_dir} {standing.why_stale}")


def _already(record: ServerRecord, standing: Standing) -> LifecycleEvent:
    state = "already running" if standing is Standing.LISTENING else "being started already"
    return LifecycleEvent(
        "already_running",
        f"the server of {record.project_dir} (profile {record.profile}) is {state}",
        {"pid": record.pid, "log_file": str(record.log_file)},
    )
