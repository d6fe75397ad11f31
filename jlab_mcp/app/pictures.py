"""Pictures of outputs, kept as files for a person to open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.app.blame import naming_the_setting
from jlab_mcp.storage.pictures import keep_picture

if TYPE_CHECKING:
    from pathlib import Path

    from jlab_mcp.core.resolver import ResolvedProfile
    from jlab_mcp.core.shellforms import PictureForm


class Album:
    """The pictures of one execution, in the folder `pictures` of jlab-mcp's own files.

    Args:
        resolved: settings that say where those are.
        execution_id: whose pictures they are.
    """

    def __init__(self, resolved: ResolvedProfile, execution_id: str) -> None:
        self._resolved = resolved
        self._execution_id = execution_id
        self._count = 0

    def save(self, picture: PictureForm) -> Path:
        """Write the next picture, and return where it is.

        Raises:
            CannotWrite: the system refused.
        """
        self._count += 1
        name = f"{self._execution_id}-{self._count}{picture.suffix}"
        with naming_the_setting(self._resolved):
            return keep_picture(self._resolved.state_dir / "pictures", name, picture.data)
