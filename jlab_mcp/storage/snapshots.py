"""What SLURM last said of the user's jobs, shared by all of this user's processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from jlab_mcp.core.record import QueueSnapshot
from jlab_mcp.storage.files import write_private, writing

if TYPE_CHECKING:
    from pathlib import Path


def read_snapshot(path: Path) -> QueueSnapshot | None:
    """Return the last snapshot; None if there is none that can be read: SLURM can be asked again."""
    try:
        return QueueSnapshot.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write_snapshot(path: Path, snapshot: QueueSnapshot) -> None:
    """Write a snapshot.

    Raises:
        CannotWrite: the folder or the disk does not allow it.
    """
    with writing(path):
        write_private(path, snapshot.model_dump_json(exclude_none=True) + "\n")
