"""`jlab-mcp notebook export`."""

from __future__ import annotations

from enum import Enum, unique
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.notebook.show import PathArgument  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run_on_all
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, say, show_warnings
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.core.resolver import ResolvedProfile


@unique
class ExportForm(Enum):
    """What a notebook can be converted to."""

    HTML = "html"
    PY = "py"


def export(
    path: PathArgument,
    form: Annotated[
        ExportForm, typer.Option("--to", help="html: with its outputs; py: its code as a script.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File or folder; else beside the notebook. `-` is stdout."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Convert a notebook by nbconvert, and print where the result is.

    \b
    While a session has it open, what the session has is converted, also what is not saved yet.
    A script of another language than Python has the suffix of that language.

    \b
    Examples:
      jlab-mcp notebook export analysis --to html
      jlab-mcp notebook export analysis --to py -o - | less
    """

    async def body(resolved: ResolvedProfile) -> ExitCode:
        from jlab_mcp.app.notebook.export import check_free, converted, keep, product_path
        from jlab_mcp.app.notebook.read import read

        with PROGRESS.during("reading the notebook"):
            notebook = await read(resolved, path)
        show_warnings(notebook.notes)
        if notebook.session is not None:
            say(f"as session {notebook.session.session_id} has it open")
        to_stdout = output is not None and str(output) == "-"
        target = product_path(notebook, form.value, None if to_stdout else output)
        if not to_stdout and not force:
            check_free(target)  # before all the work
        with PROGRESS.during("waiting for nbconvert"):
            made = await converted(resolved, notebook, form.value)
        if to_stdout:
            data(made.decode("utf-8", "replace").removesuffix("\n"))
        else:
            keep(target, made, force=force)
            data(str(target))
        return ExitCode.OK

    run_on_all(body)
