"""`jlab-mcp start`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run
from jlab_mcp.cli.render import data, say, show_event, show_hint
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from jlab_mcp.core.resolver import ResolvedProfile

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def start(
    time: Annotated[
        str | None,
        typer.Argument(metavar="[TIME]", help="How long it may run, as SLURM writes it: 90, 4:00:00, 1-12."),
    ] = None,
    profile: ProfileOption = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready, and leave it running.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the SLURM job instead of starting anything.")
    ] = False,
) -> None:
    """Start JupyterLab for this project, or say where it already runs.

    \b
    Without --detach it stays in the foreground, and Ctrl+C stops the server.
    The address goes to stdout, everything else to stderr.

    \b
    Examples:
      jlab-mcp start
      jlab-mcp start --detach
      jlab-mcp start 4:00:00 --profile a100
      jlab-mcp start --dry-run > job.sh
    """
    from jlab_mcp.core.resolver import Origin

    flags = {"slurm.time": Origin("flag", "TIME", time)} if time else None

    async def body(resolved: ResolvedProfile) -> ExitCode:
        if dry_run:
            return _print_job(resolved)
        seconds = _local_seconds(resolved, detach=detach) if time else None
        return await (_detached(resolved) if detach else _foreground(resolved, seconds))

    run(profile, body, flags=flags)


def _print_job(resolved: ResolvedProfile) -> ExitCode:
    from jlab_mcp.app.jobscript import job_script

    if resolved.mode == "local":
        say(f"the profile {resolved.name} starts a local process; this script is what SLURM would get")
    data(job_script(resolved).rstrip("\n"))
    return ExitCode.OK


def _local_seconds(resolved: ResolvedProfile, *, detach: bool) -> float | None:
    """Return for how many seconds a local server may live by TIME; None if that is no limit."""
    time = resolved.slurm.time  # None where TIME is the word `none`
    if time is None or resolved.mode != "local":
        return None
    if detach:
        say(f"TIME ({time}) has no effect on a local server with --detach: nobody stays to stop it")
        return None
    from jlab_mcp.core.walltime import walltime_seconds

    return walltime_seconds(time)


async def _detached(resolved: ResolvedProfile) -> ExitCode:
    """Start, wait until it is ready, and leave; interrupting it stops what was launched."""
    return await _until_signalled(resolved, _bring_up(resolved))


async def _foreground(resolved: ResolvedProfile, seconds: float | None) -> ExitCode:
    return await _until_signalled(resolved, _live(resolved, seconds))


async def _bring_up(resolved: ResolvedProfile) -> ExitCode:
    from jlab_mcp.app.start import start as start_server

    async for event in start_server(resolved):
        if event.stage == "launched":
            _launched.add(resolved.paths.key)
        show_event(event)
        if event.stage == "ready":
            data(event.data["address"])
    show_hint(f"the token to log in with is in `{resolved.paths.connection_file}`")
    return ExitCode.OK


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
    """Run `life`; Ctrl+C, SIGTERM and SIGHUP stop the server that it launched."""
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
    say(f"\n{caught[0].name} received" if caught else "cancelled")
    if resolved.paths.key not in _launched:
        return ExitCode.INTERRUPTED
    await _stop(resolved)
    return ExitCode.INTERRUPTED


async def _stop(resolved: ResolvedProfile) -> None:
    from jlab_mcp.app.stop import stop

    async for event in stop(resolved):
        show_event(event)
