"""`jlab-mcp start`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import ProfileOption, key_values
from jlab_mcp.cli.outcome import run
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, say, show_event, show_hint, show_warnings
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from jlab_mcp.core.resolver import Origin, ResolvedProfile

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def start(
    time: Annotated[
        str | None,
        typer.Argument(metavar="TIME", help="How long it may run, as SLURM writes it: 90, 4:00:00, 1-12."),
    ] = None,
    profile: ProfileOption = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready, and leave it running.")
    ] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait/--no-wait", help="Return when it is ready, or as soon as it is launched."),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the SLURM job instead of starting anything.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting for this start; repeatable."),
    ] = None,
) -> None:
    """Start JupyterLab for this project, or say where it already runs.

    \b
    On this machine it stays in the foreground without --detach, and Ctrl+C stops
    the server. On a cluster it submits a job and waits until JupyterLab is ready;
    Ctrl+C leaves the job where it is, and `start` goes on waiting for it.
    The address goes to stdout, everything else to stderr.

    \b
    Examples:
      jlab-mcp start
      jlab-mcp start --detach
      jlab-mcp start 4:00:00 --profile a100
      jlab-mcp start --profile a100 --no-wait && jlab-mcp wait --profile a100
      jlab-mcp start --set slurm.gpus=2 --set slurm.mem=64G
      jlab-mcp start --dry-run > job.sh
    """
    flags = _flags(time, settings or [])

    async def body(resolved: ResolvedProfile) -> ExitCode:
        _say_what_the_environment_sets(resolved)
        if dry_run:
            return _print_job(resolved)
        if resolved.mode == "slurm" or not wait:
            return await _until_signalled(resolved, _bring_up(resolved, wait=wait))
        seconds = _local_seconds(resolved, detach=detach) if time else None
        return await (_detached(resolved) if detach else _foreground(resolved, seconds))

    run(profile, body, flags=flags)


def _flags(time: str | None, settings: list[str]) -> dict[str, Origin]:
    """Read what the command line sets: dotted path -> what was said; the last of several counts."""
    from jlab_mcp.core.resolver import Origin

    flags = {"slurm.time": Origin("flag", "TIME", time)} if time else {}
    for path, text in key_values(settings).items():
        if path == "slurm.time" and time:
            raise typer.BadParameter("slurm.time is set by TIME and by --set; leave one of them out")
        flags[path] = Origin("flag", f"--set {path}", text)
    return flags


def _say_what_the_environment_sets(resolved: ResolvedProfile) -> None:
    names = sorted({origin.where for origin in resolved.origins.values() if origin.kind == "variable"})
    if names:
        settings = "1 setting comes" if len(names) == 1 else f"{len(names)} settings come"
        say(f"{settings} from the environment: {', '.join(names)}")


def _print_job(resolved: ResolvedProfile) -> ExitCode:
    """Print the script to stdout, and to stderr the command that would submit it."""
    import shlex

    from jlab_mcp.app.complete import missing_settings
    from jlab_mcp.app.jobscript import submission
    from jlab_mcp.core.slurm.sbatch import sbatch_command

    if resolved.mode == "local":
        say(f"the profile {resolved.name} starts a local process; this script is what SLURM would get")
    job = submission(resolved)
    show_warnings([*missing_settings(resolved), *job.notes])
    data(job.script.rstrip("\n"))
    without = [word for name in job.removed for word in ("-u", name)]
    conf = [f"SLURM_CONF={resolved.slurm_conf}"] if resolved.slurm_conf else []
    changed = ["env", *without, *conf] if without or conf else []
    say("the folders and files that the job needs are made when it is submitted;")
    say("the command that submits such a script, here from a file job.sh:")
    say(shlex.join([*changed, *sbatch_command(Path("job.sh"))]))
    return ExitCode.OK


def _local_seconds(resolved: ResolvedProfile, *, detach: bool) -> float | None:
    """Return for how many seconds a local server may live by TIME; None if that is no limit."""
    time = resolved.slurm.time  # None where TIME is the word `none`
    if time is None or resolved.mode != "local":
        return None
    if detach:
        show_warnings(
            [f"TIME ({time}) has no effect on a local server with --detach: nobody stays to stop it"]
        )
        return None
    from jlab_mcp.core.walltime import walltime_seconds

    return walltime_seconds(time)


async def _detached(resolved: ResolvedProfile) -> ExitCode:
    """Start, wait until it is ready, and leave; interrupting it stops what was launched."""
    return await _until_signalled(resolved, _bring_up(resolved))


async def _foreground(resolved: ResolvedProfile, seconds: float | None) -> ExitCode:
    return await _until_signalled(resolved, _live(resolved, seconds))


async def _bring_up(resolved: ResolvedProfile, *, wait: bool = True) -> ExitCode:
    from jlab_mcp.app.start import start as start_server

    stage = ""
    PROGRESS.expect("looking for a server that runs already, and launching one")
    async for event in start_server(resolved, wait=wait):
        stage = event.stage
        if stage == "launched":
            _launched.add(resolved.paths.key)
        show_event(event)
        if stage == "ready":
            data(event.data["address"])
    PROGRESS.over()
    if stage == "ready":
        show_hint(f"`jlab-mcp open{_named(resolved)}` opens it in a browser")
    elif stage == "queued" or not wait:
        show_hint(_how_to_go_on(resolved))
    return ExitCode.NOT_READY if stage == "queued" else ExitCode.OK


def _how_to_go_on(resolved: ResolvedProfile) -> str:
    named = _named(resolved)
    return f"wait for it with `jlab-mcp wait{named}`, or end it with `jlab-mcp stop{named}`"


def _named(resolved: ResolvedProfile) -> str:
    """Return the option by which another command means the same server."""
    return f" --profile {resolved.name}" if resolved.is_profile else ""


_launched: set[str] = set()
"""Servers that this process launched; only those does a signal stop."""


async def _live(resolved: ResolvedProfile, seconds: float | None) -> ExitCode:
    """Start, stay until the server ends or its time is over."""
    code = await _bring_up(resolved)
    if resolved.paths.key not in _launched:
        return code
    from jlab_mcp.app.attend import Ending, attend
    from jlab_mcp.storage.records import read_record

    say("press Ctrl+C to stop it, or run `jlab-mcp stop` elsewhere")
    record = read_record(resolved.paths)
    if record is None:
        return code
    ending = await attend(resolved, record, limit=seconds)
    if ending is Ending.TIME_OVER:
        say("its time is over")
        await _stop(resolved)
    else:
        say("it was stopped from elsewhere")
    return ExitCode.OK


async def _until_signalled(resolved: ResolvedProfile, life: Coroutine[None, None, ExitCode]) -> ExitCode:
    """Run `life`; Ctrl+C, SIGTERM and SIGHUP stop the process that it launched, and leave a job alone."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(life)
    caught: list[signal.Signals] = []

    def on_signal(number: signal.Signals) -> None:
        caught.append(number)
        task.cancel()

    for number in _STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a shell's background job
            loop.add_signal_handler(number, on_signal, number)
    with contextlib.suppress(asyncio.CancelledError):
        return await task
    PROGRESS.over()
    say(f"\n{caught[0].name} received" if caught else "cancelled")
    if resolved.mode == "slurm":
        return _leave_the_job(resolved)
    if resolved.paths.key not in _launched:
        return ExitCode.INTERRUPTED
    await _stop(resolved)
    return ExitCode.INTERRUPTED


def _leave_the_job(resolved: ResolvedProfile) -> ExitCode:
    """Say that the job stays, and how to go on: a place in the queue may have taken hours to get."""
    from jlab_mcp.storage.records import read_record

    record = read_record(resolved.paths)
    if record and record.job:
        job = f"job {record.job_id}" if record.job_id else f"the job {record.job.name}"
        say(f"{job} stays as it is")
        show_hint(_how_to_go_on(resolved))
    return ExitCode.INTERRUPTED


async def _stop(resolved: ResolvedProfile) -> None:
    from jlab_mcp.app.stop import stop

    async for event in stop(resolved):
        show_event(event)
