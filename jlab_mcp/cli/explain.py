"""`jlab-mcp explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.render import data
from jlab_mcp.cli.settle import settle

if TYPE_CHECKING:
    from jlab_mcp.core.codes import ExplainedCode


def _complete_code(incomplete: str) -> list[str]:
    from jlab_mcp.core.codes import EXPLANATIONS

    return [code for code in EXPLANATIONS if code.startswith(incomplete.upper())]


def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE", help="Such as JLM-NO-SERVER; else all are listed.", autocompletion=_complete_code
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say what the code of an error means, and what to do about it.

    \b
    Examples:
      jlab-mcp explain JLM-NO-SERVER
      jlab-mcp explain
    """

    def body() -> None:
        from jlab_mcp.core.codes import ExplainedCodes, explained, explained_code

        found = [explained_code(code)] if code else explained()
        if json:
            data(ExplainedCodes(tuple(found)).model_dump_json(indent=2))
        elif code:
            data(_whole(found[0]))
        else:
            width = max(len(each.code) for each in found)
            data(
                "\n".join(
                    f"{each.code:<{width}}  {each.meaning.partition('. ')[0].rstrip('.')}" for each in found
                )
            )

    settle(body)


def _whole(found: ExplainedCode) -> str:
    return f"{found.code} (exit status {found.exit_code})\n\n{found.meaning}\n\n{found.remedy}"
