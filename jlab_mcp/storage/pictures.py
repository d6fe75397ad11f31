"""Pictures that were shown where no terminal could: kept as files, the oldest of them dropped."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from jlab_mcp.storage.files import make_private_folder, writing

if TYPE_CHECKING:
    from pathlib import Path

KEPT = 200
"""Files that stay in the folder."""
_OURS = re.compile(r"\w+-\d+\.(?:png|jpg|webp|gif|bmp|tiff|svg)")


def keep_picture(folder: Path, name: str, data: bytes) -> Path:
    """Write a picture that only its user can read, and drop the oldest ones beyond `KEPT`.

    Raises:
        CannotWrite: the system refused.
    """
    path = folder / name
    with writing(path):
        make_private_folder(folder)
        temporary = folder / f".{name}.{secrets.token_hex(4)}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    _drop_old_ones(folder)
    return path


def _drop_old_ones(folder: Path) -> None:
    with suppress(OSError):  # another process may be doing the same
        found = [
            (each.stat().st_mtime_ns, each.path) for each in os.scandir(folder) if _OURS.fullmatch(each.name)
        ]
        for _, path in sorted(found)[:-KEPT]:
            os.unlink(path)  # noqa: PTH108 - scandir gives strings
