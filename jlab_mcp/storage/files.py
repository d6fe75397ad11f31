"""Private files, written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jlab_mcp.errors import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write into an error that names `path`.

    Raises:
        CannotWrite: the system refused.
    """
    try:
        yield
    except OSError as error:
        culprit = error.filename or path
        raise CannotWrite(
            f"cannot write `{culprit}`: {error.strerror}", details={"path": str(path)}
        ) from error


def make_private_folder(path: Path) -> Path:
    """Make a folder and its missing parents that only its user can enter; existing ones stay as they are."""
    if not path.is_dir():
        if not path.parent.is_dir():
            make_private_folder(path.parent)
        try:
            path.mkdir(mode=0o700, exist_ok=True)
        except FileExistsError as error:  # something else than a folder
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from error
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its user can read; a reader sees the old or the new one, never half."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
