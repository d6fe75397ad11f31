"""`jlab-mcp profile check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.cli.options import JsonOption, ProfileArgument  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, show_error, show_note, show_warnings
from jlab_mcp.cli.settle import settle
from jlab_mcp.errors import ExitCode, JobRefused, Remedy, SlurmUnreachable

if TYPE_CHECKING:
    from jlab_mcp.app.profiles.checking import CheckedJob

_EXIT_CODES = {
    "accepted": ExitCode.OK,
    "local": ExitCode.OK,
    "refused": ExitCode.JOB_REFUSED,
    "not_asked": ExitCode.NO_SLURM,
}


def check(name: ProfileArgument = None, json: JsonOption = False) -> None:
    """Ask SLURM whether it would run a profile's job.

    \b
    It says when the job would start, or what is wrong with it and what the cluster
    would take in its place; nothing is submitted.
    The exit code is 0 if it would, 16 if it would not, 15 if SLURM cannot be asked from here.

    \b
    Examples:
      jlab-mcp profile check
      jlab-mcp profile check a100 --json
    """

    def body() -> ExitCode:
        from asyncio import run

        from jlab_mcp.app.profiles.checking import check_profile

        with PROGRESS.during("asking SLURM whether it would run the job"):
            found = run(check_profile(name, said_by="NAME"))
        if json:
            data(found.model_dump_json(indent=2))
        else:
            _tell(found)
        return _EXIT_CODES[found.state]

    settle(body, name)


def _tell(found: CheckedJob) -> None:
    show_warnings(found.notes)
    if found.state == "local":
        data(f"the profile {found.profile} starts a local process; SLURM has no part in it")
    elif found.state == "accepted":
        where = "".join(
            f" {word} {text}"
            for word, text in (("on", found.nodes), ("in partition", found.partition))
            if text
        )
        data(f"SLURM would run the profile {found.profile}, from {found.start}{where}")
    elif found.state == "refused":
        message = f"SLURM refuses the job of the profile {found.profile}: {found.reason}"
        show_error(JobRefused(message, details={"hints": found.hints}), None)
    else:
        show_error(SlurmUnreachable(f"SLURM cannot be asked: {found.reason}", remedy=Remedy.NONE), None)
    for key in found.missing:
        show_note(f"{key} has to be filled in before the profile can be used")
