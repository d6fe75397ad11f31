"""Where the code comes from that a command is to run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from jlab_mcp.cli.render import say
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


def source(code: str | None, file: Path | None) -> str:
    """Return the code: the argument, a file's, or what stdin brings.

    Raises:
        typer.BadParameter: there is none, or it cannot be read.
        typer.Exit: somebody pressed Ctrl+C while it was typed.
    """
    if code is not None and file is not None:
        raise typer.BadParameter("give the code or --file, not both")
    if file is not None and str(file) != "-":
        return _of_file(file)
    if code is not None and code != "-":
        return code
    asked_for = code == "-" or file is not None
    if sys.stdin is None or (sys.stdin.isatty() and not asked_for):
        raise typer.BadParameter("give the code, --file FILE, or - for what stdin brings")
    text = _of_stdin()
    if not text.strip() and not asked_for:
        raise typer.BadParameter("give the code or --file FILE: stdin brings none")
    return text


def _of_file(file: Path) -> str:
    if file.suffix == ".ipynb":
        raise typer.BadParameter(
            f"`{file}` is a notebook; its code is printed by `jlab-mcp notebook export {file} --to py`",
            param_hint="--file",
        )
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"cannot read `{file}`: {error.strerror}", param_hint="--file") from error
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"`{file}` is not UTF-8", param_hint="--file") from error


def _of_stdin() -> str:
    if sys.stdin.isatty():
        say("type the code, and Ctrl+D at its end")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"stdin cannot be read as UTF-8: {error}") from error
