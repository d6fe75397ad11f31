"""A notebook as text: with colours and set Markdown in a terminal, plain in a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jlab_mcp.cli.render import data
from jlab_mcp.core import shellforms, words
from jlab_mcp.core.outline import short_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console, RenderableType

    from jlab_mcp.app.notebook.read import Notebook


def paint(notebook: Notebook, which: Sequence[int]) -> None:
    """Print the cells of the given indexes."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    cells = notebook.cells
    for index in which:
        cell = cells[index]
        if console.is_terminal:
            _paint_cell(console, index, cell, notebook.language)
        else:
            data("\n".join(_plain_cell(index, cell)))


def _plain_cell(index: int, cell: Mapping[str, Any]) -> Iterator[str]:
    yield f"--- {_title(index, cell)}"
    yield words.clean(shellforms.joined(cell.get("source", ""))).rstrip("\n")
    for text in short_outputs(cell.get("outputs") or []):
        yield "---> output"
        yield words.clean(text)
    yield ""


def _paint_cell(console: Console, index: int, cell: Mapping[str, Any], language: str) -> None:
    """Write a cell to the terminal; what it holds sends no sequences of its own there but colours."""
    from rich.padding import Padding
    from rich.text import Text

    console.print(Text(_title(index, cell), style="dim"))
    source = words.clean(shellforms.joined(cell.get("source", ""))).rstrip("\n")
    console.print(_source(cell, source, language))
    for text in short_outputs(cell.get("outputs") or []):
        shown = Text.from_ansi(text) if _has_colours(text) else Text(words.clean(text))
        console.print(Padding(shown, (0, 0, 0, 4)))
    console.print()


def _source(cell: Mapping[str, Any], source: str, language: str) -> RenderableType:
    from rich.text import Text

    if not source:
        return Text("(empty)", style="dim")
    if cell.get("cell_type") == "markdown":
        from rich.markdown import Markdown

        return Markdown(source, hyperlinks=False)
    if cell.get("cell_type") == "code":
        from rich.syntax import Syntax

        # The terminal's own colours are readable on its ground, be it light or dark.
        return Syntax(source, language, theme="ansi_dark", background_color="default", word_wrap=True)
    return Text(source)


def _has_colours(text: str) -> bool:
    return "\x1b[" in text


def _title(index: int, cell: Mapping[str, Any]) -> str:
    kind = str(cell.get("cell_type", "cell"))
    if kind != "code":
        return f"{index} {kind}"
    count = cell.get("execution_count")
    return f"{index} code [{' ' if count is None else count}]"
