"""Files that belong to a person: changed whole or not at all, in their real place, keeping their mode."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from jlab_mcp.storage.files import make_private_folder, writing

if TYPE_CHECKING:
    from pathlib import Path


def write_edited(path: Path, text: str) -> None:
    """Write a file; a reader sees the old or the new one, never half.

    A symlink stays one, and what it points at is written. A new file gets the mode that the umask gives.
    Line ends are written as they are in the text.

    Raises:
        CannotWrite: the system refused.
    """
    with writing(path):
        target = path.resolve()
        make_private_folder(target.parent)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with temporary.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
                if target.exists():
                    os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
