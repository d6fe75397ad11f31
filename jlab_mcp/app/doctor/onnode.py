"""Look from a node: a job of seconds runs a probe in the environment that JupyterLab would have there."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jlab_mcp.app.doctor.machine import outside
from jlab_mcp.app.jobscript import job_problems
from jlab_mcp.app.preflight import job_interpreter
from jlab_mcp.app.queue import server_job, slurm_of
from jlab_mcp.core.checkup import Check, Finding, doubtful, fine
from jlab_mcp.core.script import JobPaths, render_script
from jlab_mcp.core.slurm.endings import end_words
from jlab_mcp.core.slurm.jobs import JobEnd, Phase
from jlab_mcp.core.slurm.sbatch import job_name
from jlab_mcp.core.words import duration
from jlab_mcp.errors import CannotWrite, ConfigError, JobRefused, SlurmUnreachable, StartFailed
from jlab_mcp.storage.files import make_private_folder, write_private, writing
from jlab_mcp.storage.logs import log_tail
from jlab_mcp.storage.nodefiles import copy_node_files

if TYPE_CHECKING:
    from pathlib import Path

    from jlab_mcp.app.doctor.scene import Scene
    from jlab_mcp.core.resolver import ResolvedProfile
    from jlab_mcp.runners.slurm import Slurm

PATIENCE = 180.0
"""Seconds that the job may be queued and run; then it is cancelled."""
_LOOK, _ASK = 0.2, 3.0
"""Seconds between two looks for what it wrote, and two questions to the controller."""
_LATE = 15.0
"""Seconds after the job's end in which a shared file system may still show what it wrote."""
_MINUTES = "2"
_QUIET = {"mail_type": None, "mail_user": None, "requeue": False, "signal": None, "comment": None}
_LOG_LINES = 3


async def look_from_node(scene: Scene) -> dict[str, Any] | None:
    """Run the probe, wait for what it saw, and leave nothing behind: neither a job nor files.

    Returns:
        What it saw; None if the job did not start in time.

    Raises:
        ConfigError: no job can be made of the settings.
        JobRefused: SLURM does not take it.
        SlurmUnreachable: it does not answer.
        CannotWrite: a folder cannot be written, or nothing of what the job writes is seen here.
        StartFailed: the job failed; says why.
    """
    resolved = _small(scene.resolved)
    mark = f"doctor-{secrets.token_hex(4)}"
    result = resolved.connection_dir / f"{mark}.json"
    log = resolved.log_dir / f"{mark}.log"
    wanted = server_job(resolved, None, job_name(resolved, mark))
    slurm = slurm_of(wanted)
    try:
        script = _prepared(resolved, result, log, mark)
        began = time.time()
        answer = await slurm.submit(script)
        if answer.job_id is None:
            refused = SlurmUnreachable if answer.lost else JobRefused
            raise refused(f"SLURM does not take the job that looks: {answer.said.splitlines()[-1]}")
        try:
            seen = await _seen(slurm, answer.job_id, wanted.name, result, log)
        finally:
            await _cancel(slurm, answer.job_id)
    finally:
        for path in (result, result.with_name(f"{result.name}.part"), log, log.with_suffix(".sh")):
            path.unlink(missing_ok=True)
    return None if seen is None else {**seen, "clock_ahead": outside(seen["clock"], began, time.time())}


def _small(resolved: ResolvedProfile) -> ResolvedProfile:
    """Return the settings with a job of minutes, of which nobody gets mail."""
    slurm = resolved.slurm.model_copy(update={"time": _MINUTES, "job_name": "jlab-mcp-doctor", **_QUIET})
    return replace(resolved, profile=resolved.profile.model_copy(update={"slurm": slurm}))


def _prepared(resolved: ResolvedProfile, result: Path, log: Path, mark: str) -> Path:
    """Write the job's script, and all that it needs; a start would make the same folders."""
    if problems := job_problems(resolved):
        raise ConfigError(problems)
    python = job_interpreter(resolved)
    with writing(result):
        for folder in (result.parent, log.parent):
            make_private_folder(folder)
        probe = copy_node_files(resolved.state_dir).with_name("probe.py")
    venv = python.venv if python.venv and (python.venv / "bin/activate").exists() else None
    files = JobPaths(python=python.path, launcher=probe, connection_file=result, log_file=log, venv=venv)
    script = log.with_suffix(".sh")
    with writing(script):
        write_private(script, render_script(resolved, files, server_id=mark))
    return script


async def _seen(slurm: Slurm, job_id: str, name: str, result: Path, log: Path) -> dict[str, Any] | None:
    """Wait for what the probe wrote; None if its job does not start in time."""
    deadline = time.monotonic() + PATIENCE
    asked = 0.0
    ended: float | None = None
    while True:
        if (text := _text(result)) is not None:
            return dict(json.loads(text))
        now = time.monotonic()
        if ended is not None and now > ended + _LATE:
            raise await _silent(slurm, job_id, name, log)
        if now > deadline:
            return None
        if ended is None and now > asked + _ASK:
            asked = now
            ended = now if not await _is_there(slurm, job_id) else None
            # The script says why it gives up; then nothing more comes that is worth waiting for.
            if ended is not None and any(line.startswith("jlab-mcp: ") for line in log_tail(log, _LOG_LINES)):
                raise await _silent(slurm, job_id, name, log)
        await asyncio.sleep(_LOOK)


def _text(path: Path) -> str | None:
    with suppress(OSError):
        # NFS looks anew, and no longer remembers that there was no such file.
        next(path.parent.iterdir(), None)
        return path.read_text(encoding="utf-8")
    return None


async def _is_there(slurm: Slurm, job_id: str) -> bool:
    try:
        jobs = await slurm.jobs()
    except SlurmUnreachable:
        return True
    return any(job.job_id == job_id and job.phase is not Phase.ENDED for job in jobs)


async def _silent(slurm: Slurm, job_id: str, name: str, log: Path) -> StartFailed | CannotWrite:
    """Make the error for a job that ended and left nothing to be read."""
    end = await slurm.end_of(job_id, name) or JobEnd()
    said = log_tail(log, _LOG_LINES)
    if said:
        why = said[-1].removeprefix("jlab-mcp: ")
        return StartFailed(f"the job that looks failed on its node: {why}", details={"hints": said[:-1]})
    return CannotWrite(
        f"the job that looks {end_words(end)}, and nothing that it wrote to {log.parent} is seen here:"
        " the nodes do not share that folder, or cannot write there"
    )


async def _cancel(slurm: Slurm, job_id: str) -> None:
    """End the job, if it has not ended; a second Ctrl+C must not leave it behind."""
    with suppress(SlurmUnreachable):
        await asyncio.shield(asyncio.ensure_future(slurm.cancel(job_id)))


async def _node(scene: Scene) -> Finding:
    seen = await scene.node()
    if seen is None:
        return doubtful(
            f"the job that looks did not run within {duration(PATIENCE)}, and was cancelled;"
            " what follows is told from here"
        )
    return fine(f"a job has looked around on {seen['hostname']}")


CHECK: Check[Scene] = Check("node", "job on a node", _node, needs=("test-only", "folders"), of_slurm=True)
