"""A second try of a test on a server that tests share begins where the first did: what that left is taken away."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

SHARED: dict[Path, Callable[[set[Path]], None]] = {}
"""Project folders of the servers that run, and what closes the sessions of some of the notebooks there."""


def listing() -> dict[Path, set[Path]]:
    """List all that is in each of the folders."""
    return {folder: set(folder.rglob("*")) for folder in SHARED}


def clear(before: dict[Path, set[Path]]) -> None:
    """Take away what has come since `before` was listed: files, folders and the sessions of notebooks."""
    for folder, close in SHARED.items():
        if folder in before:
            close(set(folder.rglob("*")) - before[folder])
            new = set(folder.rglob("*")) - before[folder]
            for path in sorted(new, reverse=True):  # what is in a folder goes before it
                with contextlib.suppress(OSError):
                    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
