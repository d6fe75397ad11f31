"""`jlab-mcp stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption, ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run, run_on_all, run_on_server
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, say, show_error, show_event
from jlab_mcp.errors import ExitCode, JlabMcpError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.app.lookup import Meant
    from jlab_mcp.app.target import Target
    from jlab_mcp.core.resolver import ResolvedProfile


def stop(
    profile: ProfileOption = None,
    every: Annotated[
        bool, typer.Option("--all", "-a", help="Stop all servers of this project, one for each profile.")
    ] = False,
    job: Annotated[
        str | None, typer.Option("--job", metavar="ID", help="Cancel this job of jlab-mcp, record or not.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Stop this project's server, and return when it is really gone.

    \b
    It also ends a server that is still starting, cancels a job that is queued, and
    clears away what a crash or a reboot left behind. Where nothing runs, it says so
    and succeeds. A server whose profile is gone is stopped by its record, and a job
    whose record is gone by its id; a job that is not ours is left alone.

    \b
    Examples:
      jlab-mcp stop
      jlab-mcp stop --profile a100
      jlab-mcp stop --all
      jlab-mcp stop --job 123456
    """
    if job and every:
        raise typer.BadParameter("give --all or --job, not both")
    if job:
        run(profile, lambda resolved: _stop_job(resolved, job, json=json))
    if every:
        if profile:
            raise typer.BadParameter("give --all or --profile, not both")
        run_on_all(lambda resolved: _all(resolved, json=json))

    async def body(meant: Meant) -> ExitCode:
        return await _stop([meant.target], json=json)

    run_on_server(profile, body, to_stop=True)


async def _all(resolved: ResolvedProfile, *, json: bool) -> ExitCode:
    from jlab_mcp.app.stop import all_to_stop

    targets = all_to_stop(resolved)
    if not targets:
        say(f"no server of `{resolved.project_dir}` is running")
    return await _stop(targets, json=json)


async def _stop_job(resolved: ResolvedProfile, job_id: str, *, json: bool) -> ExitCode:
    from jlab_mcp.app.jobstop import stop_job
    from jlab_mcp.app.stop import StoppedServer, StopReport

    message = ""
    PROGRESS.expect(f"asking SLURM about job {job_id}")
    async for event in stop_job(resolved, job_id):
        show_event(event)
        message = event.message
    if json:
        outcome = StoppedServer(profile=resolved.name, state="stopped", message=message)
        data(StopReport(servers=[outcome]).model_dump_json(indent=2))
    return ExitCode.OK


async def _stop(targets: Sequence[Target], *, json: bool) -> ExitCode:
    """Stop one server after the other; one that cannot be stopped does not keep the others."""
    from jlab_mcp.app.stop import StoppedServer, StopReport
    from jlab_mcp.app.stop import stop as stop_server

    code = ExitCode.OK
    outcomes: list[StoppedServer] = []
    for target in targets:
        PROGRESS.expect("asking the server what is not saved")
        state, message, failed = "nothing", "", None
        try:
            async for event in stop_server(target):
                show_event(event)
                if event.stage in ("stopped", "cleaned", "nothing"):
                    state, message = event.stage, event.message
        except JlabMcpError as error:
            show_error(error, target.name if len(targets) > 1 else None)
            state, message, failed, code = "failed", error.message, error.code, code or error.exit_code
        facts = {"profile": target.name, "state": state, "message": message, "code": failed}
        outcomes.append(StoppedServer.model_validate(facts))
    if json:
        data(StopReport(servers=outcomes).model_dump_json(indent=2))
    return code
