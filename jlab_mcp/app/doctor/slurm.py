"""SLURM's commands, its controller, and what sbatch says of the job."""

from __future__ import annotations

import os
import shlex
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.app.doctor.mending import set_command
from jlab_mcp.core.checkup import Check, Finding, doubtful, failed, fine, unchecked
from jlab_mcp.core.slurm.commands import version_arguments
from jlab_mcp.core.slurm.partitions import parse_version
from jlab_mcp.core.words import listed
from jlab_mcp.errors import ExitCode, SlurmUnreachable
from jlab_mcp.runners.ask import ask

if TYPE_CHECKING:
    from jlab_mcp.app.doctor.scene import Scene

_NEEDED = ("sbatch", "squeue", "scancel", "scontrol")
_USED = ("sinfo", "sacct", "sacctmgr")
_LOGIN_SECONDS = 15.0
_SLOW = 5.0
"""Seconds after which an answer of the controller is called slow."""
_AUTHENTICATION = ("munge", "authentication", "credential")
_NO_CLUSTER = ("configuration source", "dns srv", "fetch_config")
"""How SLURM's commands say that they know of no cluster."""


async def _left_out(scene: Scene) -> Finding:
    origin = scene.resolved.origins.get("mode")
    why = f" ({origin})" if origin and origin.where else ""
    return unchecked(f"servers run on this machine{why}; `--profile NAME` looks at a profile of a cluster")


async def _commands(scene: Scene) -> Finding:
    """Look for SLURM's commands on PATH, and where they are if they are not there."""
    path = scene.environ.get("PATH", os.defpath)
    missing = [name for name in _NEEDED if shutil.which(name, path=path) is None]
    if missing:
        there = await _elsewhere(scene, missing[0])
        return failed(
            f"not on PATH: {listed(missing)}",
            code=ExitCode.NO_SLURM,
            fix=there[0],
            command=there[1],
        )
    conf = scene.slurm_environ.get("SLURM_CONF", "")
    if conf and not _is_file(conf):
        named = "paths.slurm_conf" if scene.resolved.slurm_conf else "SLURM_CONF"
        return failed(
            f"{named} is {conf}, and there is no such file",
            code=ExitCode.NO_SLURM,
            fix="leave it to SLURM to find its configuration",
            command="unset SLURM_CONF" if named == "SLURM_CONF" else set_command(scene, named, "none"),
        )
    answer = await ask(version_arguments(), environ=scene.slurm_environ, timeout=_LOGIN_SECONDS)
    version = parse_version(answer.stdout)
    said = (
        f"SLURM {version}, {shutil.which('sbatch', path=path)}"
        if version
        else str(shutil.which("sbatch", path=path))
    )
    if lacking := [name for name in _USED if shutil.which(name, path=path) is None]:
        return doubtful(
            f"{said}; not on PATH: {listed(lacking)}",
            "without them less can be told of accounts, partitions and how a job ended",
        )
    return fine(said)


def _is_file(path: str) -> bool:
    return Path(path).is_file()


async def _elsewhere(scene: Scene, name: str) -> tuple[str, str]:
    """Return where a command is to be had, in words, and the command that makes it so."""
    answer = await ask(
        ("/bin/bash", "-lc", f"command -v {name}"),
        environ=scene.environ,
        timeout=_LOGIN_SECONDS,
        called="bash",
    )
    found = answer.stdout.strip().splitlines()[-1:]
    folders = [Path(found[0]).parent] if found and found[0].startswith("/") else []
    folders += [folder for folder in _USUAL if os.access(folder / name, os.X_OK)]
    if folders:
        return f"it is in {folders[0]}", f'export PATH={shlex.quote(str(folders[0]))}:"$PATH"'
    module = await ask(
        (
            "/bin/bash",
            "-lc",
            "type module >/dev/null 2>&1 && module -t avail slurm 2>&1 | grep -m1 -i '^slurm'",
        ),
        environ=scene.environ,
        timeout=_LOGIN_SECONDS,
        called="module",
    )
    if module.status == 0 and module.stdout.strip():
        return "a module has it", f"module load {module.stdout.split()[0].removesuffix('(default)')}"
    return (
        "run this on a host from which jobs are submitted, or let servers run on this machine",
        "export JLAB_MCP_RUN_MODE=local",
    )


_USUAL = tuple(
    map(
        Path,
        (
            "/usr/bin",
            "/usr/local/bin",
            "/opt/slurm/bin",
            "/opt/slurm/current/bin",
            "/usr/local/slurm/bin",
            "/cm/shared/apps/slurm/current/bin",
            "/opt/slurm/default/bin",
        ),
    )
)


async def _controller(scene: Scene) -> Finding:
    """Ask the controller for this user's jobs, as every other command does."""
    began = time.monotonic()
    try:
        jobs = await scene.queue()
    except SlurmUnreachable as error:
        return _silent(error)
    took = time.monotonic() - began
    cluster = await scene.cluster()
    name = scene.resolved.slurm.clusters or cluster.name
    there = f"{name} answers" if name else "it answers"
    count = f"{len(jobs)} {'job' if len(jobs) == 1 else 'jobs'} of yours"
    if took > _SLOW:
        return doubtful(
            f"{there}, but took {took:.0f} s; {count}",
            "a start and its waiting take longer; it is busy",
        )
    return fine(f"{there} in {took:.1f} s; {count}")


def _silent(error: SlurmUnreachable) -> Finding:
    if any(word in error.message.lower() for word in _NO_CLUSTER):
        return failed(
            error.message,
            "SLURM's commands are installed here, but this host belongs to no cluster",
            code=error.exit_code,
            fix="run this where jobs are submitted, or let servers run on this machine",
            command="export JLAB_MCP_RUN_MODE=local",
        )
    if any(word in error.message.lower() for word in _AUTHENTICATION):
        return failed(
            error.message,
            code=error.exit_code,
            fix="this host cannot prove who you are: its munge daemon is down or its clock is wrong, which"
            " only an administrator can mend; see what munge says",
            command="munge -n | unmunge",
        )
    return failed(
        error.message,
        code=error.exit_code,
        fix="only its administrators can start it; this waits until it answers",
        command="until squeue --me; do sleep 30; done",
    )


async def _test_only(scene: Scene) -> Finding:
    """Ask sbatch about the very job that a start would submit."""
    job = await scene.job()
    if job.state == "not_asked":
        return failed(
            f"SLURM did not say: {job.reason}",
            code=ExitCode.NO_SLURM,
            fix="ask again",
            command=f"jlab-mcp profile check {job.profile}"
            if scene.resolved.is_profile
            else "jlab-mcp profile check",
        )
    if job.state == "refused":
        return await _refused(scene, job.reason or "", job.hints)
    where = "".join(
        f" {word} {text}" for word, text in (("on", job.nodes), ("in partition", job.partition)) if text
    )
    start = (job.start or "").replace("T", " ")
    doubts = [note for note in job.notes if note.startswith("it may never start")]
    notes = [note for note in job.notes if note not in scene.resolved.warnings]
    found = f"SLURM would run the job, from {start}{where}"
    if doubts:
        return doubtful(found, *notes)
    return fine(found, *notes)


async def _refused(scene: Scene, reason: str, hints: tuple[str, ...]) -> Finding:
    from jlab_mcp.app.doctor.asked import FIELDS, command_for

    command = ""
    job = await scene.job()
    for fault in job.faults:
        field = fault.key.partition(".")[2]
        if field in FIELDS and (command := await command_for(scene, field)):
            break
    return failed(
        f"SLURM refuses the job: {reason}",
        *(() if command else hints),  # else the check of that setting has said so
        code=ExitCode.JOB_REFUSED,
        fix="change the setting, as above"
        if command
        else "ask the cluster what it has, and make a profile of it",
        command=command or "jlab-mcp profile init",
    )


LEFT_OUT: Check[Scene] = Check("slurm", "SLURM", _left_out, needs=("profile",))
CHECKS: tuple[Check[Scene], ...] = (
    LEFT_OUT,
    Check("slurm-commands", "SLURM commands", _commands, needs=("profile",), of_slurm=True),
    Check("controller", "controller", _controller, needs=("slurm-commands",), of_slurm=True),
)
TEST_ONLY: Check[Scene] = Check(
    "test-only", "sbatch --test-only", _test_only, needs=("controller",), of_slurm=True
)
