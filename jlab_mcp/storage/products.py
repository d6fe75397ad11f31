"""Files that a user asked for: whole or not there, and never in the place of another by accident."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from jlab_mcp.errors import CannotWrite, FileInTheWay, Remedy
from jlab_mcp.storage.files import writing

if TYPE_CHECKING:
    from pathlib import Path


def write_product(path: Path, data: bytes, *, replace: bool) -> None:
    """Write a file with the mode that the user's umask gives.

    Args:
        path: the file; its folder has to be there.
        data: what it shall hold.
        replace: whether another one of that name may go.

    Raises:
        FileInTheWay: there is one.
        CannotWrite: the system refused.
    """
    target = path.resolve() if replace else path  # what a symbolic link leads to is what is replaced
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}")
    try:
        with writing(path):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            if replace:
                temporary.replace(target)
            else:
                _put(temporary, target)
    except FileInTheWay:
        raise
    except CannotWrite as error:
        error.remedy = Remedy.NONE  # no setting of ours names this folder
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _put(temporary: Path, target: Path) -> None:
    """Give a file its name, unless that is taken."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError as error:
        raise FileInTheWay(f"`{target}` exists already", details={"path": str(target)}) from error
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileInTheWay(f"`{target}` exists already", details={"path": str(target)}) from None
        temporary.replace(target)
