"""`jlab-mcp sessions`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption, ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run_on_all
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, say, show_warnings
from jlab_mcp.core import words
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from jlab_mcp.app.overview import OpenSession, Overview
    from jlab_mcp.client.models import LeftKernel, OtherKernel
    from jlab_mcp.core.resolver import ResolvedProfile

_LINE = 40
"""Characters of a running cell's last line that are shown."""


def sessions(
    profile: ProfileOption = None,
    every: Annotated[bool, typer.Option("--all", "-a", help="Ask the servers of all your projects.")] = False,
    json: JsonOption = False,
) -> None:
    """List the open sessions of this project's servers, whoever opened them.

    \b
    Each with its kernel's state, the cell that runs and what it printed last, when
    something last happened, and its notebook. Below them: kernels in JupyterLab that
    are in no session, and kernels on the host whose server is gone.

    \b
    Examples:
      jlab-mcp sessions
      jlab-mcp sessions --json | jq -r '.sessions[].session_id'
    """
    if every and profile:
        raise typer.BadParameter("give --all or --profile, not both")

    async def body(resolved: ResolvedProfile) -> ExitCode:
        from jlab_mcp.app.overview import overview

        with PROGRESS.during("asking the servers for their sessions"):
            found = await overview(resolved, profile, everywhere=every)
        if json:
            data(found.model_dump_json(indent=2))
            return ExitCode.OK
        show_warnings(found.silent)
        if not found.sessions:
            say("no session is open")
        for line in _lines(found, resolved.project_dir):
            data(line)
        return ExitCode.OK

    run_on_all(body)


def _lines(found: Overview, project_dir: Path) -> Iterator[str]:
    """Yield the sessions in columns, and what has to be known of them."""
    if found.sessions:
        from jlab_mcp.cli.table import columns

        several = len({(each.project_dir, each.profile) for each in found.sessions}) > 1
        head = [
            "ID",
            "NAME",
            *(["SERVER"] if several else []),
            "KERNEL",
            "STATE",
            "RUNNING",
            "ACTIVE",
            "NOTEBOOK",
        ]
        yield from columns(head, [_row(each, project_dir, several=several) for each in found.sessions])
    for session in found.sessions:
        for note in dict.fromkeys(filter(None, (session.notice, session.save_error))):
            yield f"{session.session_id}: {words.clean(note)}"
    yield from _others(found.others)
    yield from _left(found.left)


def _row(session: OpenSession, project_dir: Path, *, several: bool) -> list[str]:
    queued = f", {session.queued} queued" if session.queued else ""
    server = session.profile
    if session.project_dir != project_dir:
        server = f"{session.profile} of {session.project_dir}"
    notebook = str(session.notebook_path)
    if session.notebook_path.is_relative_to(project_dir) and os.getcwd() == str(project_dir):  # noqa: PTH109
        notebook = str(session.notebook_path.relative_to(project_dir))
    return [
        session.session_id,
        words.clean(session.name),
        *([server] if several else []),
        session.kernel_name,
        f"{session.kernel_state}{queued}",
        _running(session),
        _ago(session.last_activity),
        words.clean(notebook),
    ]


def _running(session: OpenSession) -> str:
    cell = session.running_cell
    if cell is None:
        return "-"
    where = "cell" if cell.cell_index is None else f"cell {cell.cell_index}"
    since = (
        "" if cell.started_at is None else f" for {words.duration(max(0.0, time.time() - cell.started_at))}"
    )
    last = words.shorten(" ".join(words.clean(cell.latest_line).split()), _LINE)
    return f"{where}{since}{f': {last}' if last else ''}"


def _others(kernels: Iterable[OtherKernel]) -> Iterator[str]:
    for number, kernel in enumerate(kernels):
        if number == 0:
            yield "kernels in JupyterLab that are in no session:"
        what = f"{kernel.type or 'kernel'} {words.clean(str(kernel.notebook_path))}"
        active = f", active {_ago(kernel.last_activity)}" if kernel.last_activity else ""
        yield f"  {what}: {kernel.kernel_name} {kernel.kernel_state}{active}"


def _left(kernels: Iterable[LeftKernel]) -> Iterator[str]:
    for number, kernel in enumerate(kernels):
        if number == 0:
            yield "kernels on the host whose server is gone:"
        age = "" if kernel.age_s is None else f", {words.duration(kernel.age_s)} old"
        memory = "" if kernel.rss is None else f", {words.bytes_in_words(kernel.rss)}"
        notebook = f", {words.clean(str(kernel.notebook_path))}" if kernel.notebook_path else ""
        yield f"  {kernel.left_id}: process {kernel.pid}{age}{memory}{notebook}"


def _ago(at: float | None) -> str:
    return "-" if at is None else f"{words.duration(max(0.0, time.time() - at))} ago"
