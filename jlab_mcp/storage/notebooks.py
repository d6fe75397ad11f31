"""The notebook files of a project, as they lie in its notebook folder; no server is asked."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jlab_mcp.errors import NotANotebook, NotebookNotFound, PathOutsideRoot

_SUFFIX = ".ipynb"
_LARGEST = 64_000_000
"""Bytes of a file beyond which it is left to the server, which reads it by pages."""
_FORMAT = 4


@dataclass(frozen=True, slots=True)
class NotebookFile:
    """A notebook: its path, relative to the notebook folder, with `/`; seconds since the epoch; bytes."""

    path: str
    modified: float
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """The notebooks that were found, the newest first, and whether the search was given up before its end."""

    files: tuple[NotebookFile, ...]
    complete: bool


def find_notebooks(folder: Path, *, most: int, seconds: float) -> Found:
    """Look for notebooks in a folder and those below it; hidden ones and links to folders are left out.

    Args:
        folder: where to look; it need not exist.
        most: how many to return; of more, the newest.
        seconds: after how long to return what has been found.
    """
    deadline = time.monotonic() + seconds
    found: list[NotebookFile] = []
    root = os.path.realpath(folder)
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            file
            for name in names
            if name.endswith(_SUFFIX) and not name.startswith(".")
            if (file := _look(folder, Path(where, name), root)) is not None
        ]
        if time.monotonic() > deadline:
            return Found(_newest(found, most), complete=False)
    return Found(_newest(found, most), complete=len(found) <= most)


def read_notebook(folder: Path, path: str) -> tuple[Path, dict[str, Any]]:
    """Read a notebook's file; the suffix may be left out.

    Returns:
        Its path, and what it holds: an object with a list `cells`.

    Raises:
        PathOutsideRoot: the path leads out of the folder, symbolic links followed.
        NotebookNotFound: there is no such notebook.
        NotANotebook: the file is none, cannot be read, or is too large to be read at once.
    """
    full = _inside(folder, path)
    file = next((each for each in (full, Path(f"{full}{_SUFFIX}")) if _is_notebook(each)), None)
    if file is None:
        raise NotebookNotFound(f"there is no notebook at {full}")
    try:
        size = file.stat().st_size
        if size > _LARGEST:
            raise NotANotebook(f"{file} has {size // 1_000_000:,} MB: `read_notebook` reads it by pages")
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise NotANotebook(f"{file} cannot be read as a notebook: {error}") from error
    if not _is_format_4(content):
        raise NotANotebook(f"{file} is no notebook of format {_FORMAT}")
    return file, content


def _is_format_4(content: object) -> bool:
    if not isinstance(content, dict) or content.get("nbformat") != _FORMAT:
        return False
    cells = content.get("cells")
    return isinstance(cells, list) and all(isinstance(cell, dict) for cell in cells)


def _inside(folder: Path, path: str) -> Path:
    full = Path(os.path.normpath(folder / path)) if "\0" not in path else None
    if full is None or not _is_below(os.path.realpath(full), os.path.realpath(folder)):
        raise PathOutsideRoot(f"{path!r} lies outside the notebook folder {folder}")
    return full


def _is_below(real: str, root: str) -> bool:
    return real.startswith(root.rstrip(os.sep) + os.sep)


def _is_notebook(path: Path) -> bool:
    try:
        return path.name.endswith(_SUFFIX) and path.is_file()
    except OSError:
        return False


def _look(folder: Path, path: Path, root: str) -> NotebookFile | None:
    """Look at a file; None for one that has gone, is none, or is a link to somewhere else."""
    try:
        if path.is_symlink() and not _is_below(os.path.realpath(path), root):
            return None
        state = path.stat()
        name = path.relative_to(folder).as_posix()
        name.encode()
    except (OSError, ValueError):
        return None
    return NotebookFile(name, state.st_mtime, state.st_size) if path.is_file() else None


def _newest(found: list[NotebookFile], most: int) -> tuple[NotebookFile, ...]:
    return tuple(sorted(found, key=lambda file: (-file.modified, file.path))[:most])
