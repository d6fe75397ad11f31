"""A notebook converted by nbconvert."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jlab_mcp.app.surroundings import local_interpreter
from jlab_mcp.errors import CannotWrite, FileInTheWay, JlabMcpError, Remedy
from jlab_mcp.runners.convert import convert, python_with_nbconvert
from jlab_mcp.storage.products import write_product

if TYPE_CHECKING:
    from jlab_mcp.app.notebook.read import Notebook
    from jlab_mcp.core.resolver import ResolvedProfile

Form = Literal["html", "py"]


async def converted(resolved: ResolvedProfile, notebook: Notebook, form: Form) -> bytes:
    """Convert a notebook, in this Python if it has nbconvert, else in the one that runs JupyterLab.

    Raises:
        ConversionFailed: no Python has nbconvert, or it fails.
    """
    candidates = [Path(sys.executable)]
    with suppress(JlabMcpError):  # where no JupyterLab is to be had, there is no nbconvert either
        candidates.append(local_interpreter(resolved).path)
    python = await asyncio.to_thread(python_with_nbconvert, candidates, os.environ)
    content = {**notebook.content, "metadata": {"title": notebook.path.stem, **notebook.content["metadata"]}}
    return await asyncio.to_thread(
        convert, python, json.dumps(content, ensure_ascii=False), _exporter(notebook, form), os.environ
    )


def _exporter(notebook: Notebook, form: Form) -> str:
    """Return nbconvert's name of a form; `script` goes by what the kernel wrote, which not every file has."""
    if form == "html":
        return "html"
    return "python" if notebook.language in ("python", "ipython") else "script"


def product_path(notebook: Notebook, form: Form, output: Path | None) -> Path:
    """Return where the result goes: beside the notebook, unless a file or a folder was named."""
    suffix = ".html" if form == "html" else notebook.script_suffix
    if output is None:
        return notebook.path.with_suffix(suffix)
    return output / f"{notebook.path.stem}{suffix}" if output.is_dir() else output


def check_free(path: Path) -> None:
    """See that a file could be written.

    Raises:
        FileInTheWay: there is one.
        CannotWrite: its folder is not there.
    """
    if os.path.lexists(path):
        raise FileInTheWay(f"`{path}` exists already", details={"path": str(path)})
    if not path.parent.is_dir():
        raise CannotWrite(f"cannot write `{path}`: there is no folder `{path.parent}`", remedy=Remedy.NONE)


def keep(path: Path, data: bytes, *, force: bool) -> None:
    """Write the result; see `write_product`."""
    write_product(path, data, replace=force)
