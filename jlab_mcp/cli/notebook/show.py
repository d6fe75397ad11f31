"""`jlab-mcp notebook show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run_on_all
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, say, show_warnings
from jlab_mcp.errors import CellNotFound, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.app.notebook.read import Notebook
    from jlab_mcp.core.resolver import ResolvedProfile

PathArgument = Annotated[
    str, typer.Argument(metavar="PATH", help="The notebook, from here or from the notebook folder.")
]


def show(
    path: PathArgument,
    cells: Annotated[
        str | None,
        typer.Option(
            "--cells", "-c", metavar="WHICH", help="Only these: indexes, ranges, ids, as in 0,3-5,-1."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print a notebook: Markdown, code, and its outputs in short.

    \b
    While a session has it open, what the session has is shown, also what is not saved yet.
    Long outputs are cut in the middle, and pictures named; --json has them whole.

    \b
    Examples:
      jlab-mcp notebook show analysis
      jlab-mcp notebook show notebooks/analysis.ipynb --cells -3- | less -R
      jlab-mcp notebook show analysis --json | jq -r '.cells[].source'
    """

    async def body(resolved: ResolvedProfile) -> ExitCode:
        from jlab_mcp.app.notebook.read import read, shown

        with PROGRESS.during("reading the notebook"):
            notebook = await read(resolved, path)
        which = _which(notebook, cells)
        show_warnings(notebook.notes)
        if notebook.session is not None:
            say(f"as session {notebook.session.session_id} has it open")
        if json:
            data(shown(notebook, which).model_dump_json(indent=2))
        else:
            from jlab_mcp.cli.notebook.paint import paint

            paint(notebook, which)
        return ExitCode.OK

    run_on_all(body)


def _which(notebook: Notebook, said: str | None) -> Sequence[int]:
    from jlab_mcp.core.cellchoice import NoSuchCell, chosen

    if said is None:
        return range(len(notebook.cells))
    try:
        return chosen(said, [str(cell.get("id", "")) for cell in notebook.cells])
    except NoSuchCell as error:
        raise CellNotFound(str(error)) from None
