"""Launch a server: make its folders, and start its process or submit its job; its lock must be held."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from typing import TYPE_CHECKING

from jlab_mcp.app.ending import end_process
from jlab_mcp.app.events import LifecycleEvent
from jlab_mcp.app.jobscript import submission
from jlab_mcp.app.preflight import job_interpreter, job_notes
from jlab_mcp.app.queue import server_job, slurm_environment, slurm_of
from jlab_mcp.app.surroundings import local_interpreter, without_effect, write_script
from jlab_mcp.core.command import root_dir
from jlab_mcp.core.record import ServerRecord
from jlab_mcp.core.remembered import remember
from jlab_mcp.core.slurm.refusals import refusal, unreachable
from jlab_mcp.core.slurm.sbatch import job_name
from jlab_mcp.errors import CannotWrite, ConfigError, SlurmUnreachable
from jlab_mcp.runners.local import LaunchOrder, LocalRunner, launcher_of
from jlab_mcp.runners.processes import hostname
from jlab_mcp.storage.files import make_private_folder, write_private, writing
from jlab_mcp.storage.logs import prepare_log
from jlab_mcp.storage.nodefiles import copy_node_files
from jlab_mcp.storage.records import remove_record, write_record

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from jlab_mcp.core.record import ServerJob
    from jlab_mcp.core.resolver import ResolvedProfile
    from jlab_mcp.runners.slurm import Submitted


async def launch(resolved: ResolvedProfile, events: list[LifecycleEvent]) -> ServerRecord:
    """Launch the server of a project and profile, and write its record; does not wait until it is ready.

    Args:
        resolved: the settings.
        events: gets what to report.

    Raises:
        CannotWrite: there is no place for its files.
        ConfigError: the settings cannot be used.
        StartFailed: there is no JupyterLab to run, or it cannot be run.
        JobRefused: SLURM does not take the job; nothing of it is left.
        SlurmUnreachable: it is not known whether SLURM took the job; the record says its name.
    """
    return await (_submit if resolved.mode == "slurm" else _run)(resolved, events)


async def _run(resolved: ResolvedProfile, events: list[LifecycleEvent]) -> ServerRecord:
    """Start the launcher as a process of this machine."""
    interpreter = local_interpreter(resolved)
    idle = without_effect(resolved)
    _note(events, interpreter.note, f"{', '.join(idle)} has no effect on a local server" if idle else "")
    launcher = _make_ready(resolved)
    server_id = secrets.token_hex(8)
    script = write_script(resolved, interpreter, launcher, server_id)
    record = LocalRunner(interpreter, os.environ).launch(_order(resolved, server_id, launcher, script))
    try:
        write_record(resolved.paths, record)
    except CannotWrite:
        await end_process(launcher_of(record), grace=0)
        raise
    message = f"starting JupyterLab for `{resolved.project_dir}` (profile {resolved.name})"
    events.append(LifecycleEvent("launched", message, {"pid": record.pid, "log_file": str(record.log_file)}))
    return record


async def _submit(resolved: ResolvedProfile, events: list[LifecycleEvent]) -> ServerRecord:
    """Submit the launcher as a SLURM job.

    The record comes first: it knows the job's name, by which the job is found if sbatch's answer gets lost.
    """
    server_id = secrets.token_hex(8)
    wanted = server_job(resolved, None, job_name(resolved, server_id))
    slurm_of(wanted).require()
    interpreter = job_interpreter(resolved)
    _note(events, interpreter.note, *await job_notes(resolved, os.environ))
    job = submission(resolved, server_id=server_id, interpreter=interpreter)
    _note(events, *job.notes)
    _make_ready(resolved)
    script = resolved.paths.log_file.with_suffix(".sh")
    with writing(script):
        write_private(script, job.script)
    record = _job_record(resolved, server_id, wanted, interpreter.path)
    write_record(resolved.paths, record)
    answer = await _to_its_end(slurm_of(wanted).submit(script))
    return await _submitted(resolved, record, wanted, answer, events)


async def _submitted(
    resolved: ResolvedProfile,
    record: ServerRecord,
    wanted: ServerJob,
    answer: Submitted,
    events: list[LifecycleEvent],
) -> ServerRecord:
    """Write down what became of a submission."""
    if answer.job_id is None and answer.lost:
        raise SlurmUnreachable(
            f"`sbatch` did not say whether SLURM took the job: {refusal(answer.said).said};"
            f" a start looks for it by its name, {wanted.name}, before it submits another"
        )
    if answer.job_id is None:
        from jlab_mcp.app.refused import refused

        remove_record(resolved.paths, keep_sessions=True)
        if unreachable(answer.said):
            said = refusal(answer.said).said
            raise SlurmUnreachable(f"SLURM does not answer, and nothing was submitted: {said}")
        raise await refused(resolved, answer.said, slurm_environment(resolved))
    cluster = answer.cluster or resolved.slurm.clusters
    job = wanted.model_copy(update={"job_id": answer.job_id, "cluster": cluster})
    record = record.model_copy(update={"job": job})
    write_record(resolved.paths, record)
    where = f" on cluster {cluster}" if cluster else ""
    message = f"submitted job {answer.job_id}{where} for `{resolved.project_dir}` (profile {resolved.name})"
    facts = {"job_id": answer.job_id, "cluster": cluster, "log_file": str(record.log_file)}
    events.append(LifecycleEvent("launched", message, facts))
    return record


async def _to_its_end(submitting: Coroutine[None, None, Submitted]) -> Submitted:
    """Let a submission end, also when the caller gives up meanwhile: else nobody would know the job's id."""
    task = asyncio.ensure_future(submitting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _note(events: list[LifecycleEvent], *notes: str) -> None:
    events += [LifecycleEvent("note", note) for note in notes if note]


def _make_ready(resolved: ResolvedProfile) -> Path:
    """Make the folders of a server, clear away what its last one left, and return the launcher's path."""
    _make_root(resolved)
    remove_record(resolved.paths, keep_sessions=True)
    with writing(resolved.connection_dir):
        make_private_folder(resolved.connection_dir)
    with writing(resolved.state_dir):
        launcher = copy_node_files(resolved.state_dir)
    with writing(resolved.log_dir):
        prepare_log(resolved.paths.log_file)
    return launcher


def _make_root(resolved: ResolvedProfile) -> None:
    """Make JupyterLab's root, without which it does not start; it may be a notebook folder not used yet."""
    folder = root_dir(resolved.project_dir, resolved.notebook_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        origin = resolved.origins["notebook.dir"]
        raise ConfigError(
            [f"cannot make the notebook folder `{folder}` ({origin}): {error.strerror}"]
        ) from error


def _job_record(resolved: ResolvedProfile, server_id: str, job: ServerJob, python: Path) -> ServerRecord:
    return ServerRecord(
        key=resolved.paths.key,
        profile=resolved.name,
        project_dir=resolved.project_dir,
        notebook_dir=resolved.notebook_dir,
        runner="slurm",
        hostname=hostname(),
        job=job,
        server_id=server_id,
        connection_file=resolved.paths.connection_file,
        log_file=resolved.paths.log_file,
        created_at=time.time(),
        python=python,
        started_with=remember(resolved),
    )


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
        spare_kernels=resolved.profile.server.spare_kernels,
        started_with=remember(resolved),
    )
