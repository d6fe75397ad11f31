"""The end of a server's log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

from jlab_mcp.storage.files import make_private_folder

_TAIL_BYTES = 16_384
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def prepare_log(path: Path) -> None:
    """Make the folder of a log, and keep the log of the last time as `….log.1`."""
    make_private_folder(path.parent)
    if path.exists():
        path.replace(path.with_name(f"{path.name}.1"))


def log_tail(path: Path, lines: int = 12) -> list[str]:
    """Return the last lines of a log, without colours; nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in _ANSI.sub("", text).splitlines() if line.strip()][-lines:]
