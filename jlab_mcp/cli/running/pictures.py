"""Pictures of outputs: in the terminal where it can show them, as files elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.core.images import PictureError
from jlab_mcp.core.pictures.drawing import Screen, drawn
from jlab_mcp.core.pictures.ways import Way

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jlab_mcp.cli.running.outlet import Outlet
    from jlab_mcp.core.shellforms import PictureForm

_EDGE = 1600
"""Pixels a side of a drawing made from SVG, at most."""


class Pictures:
    """Shows the pictures of one execution.

    Args:
        out: where they are shown, if that is a terminal.
        wanted: how; None for what the terminal can, and files where there is none.
        save: writes a picture to a file and returns its path.
        tell: tells a person where it was saved, or why it was not.
    """

    def __init__(
        self,
        out: Outlet,
        wanted: Way | None,
        save: Callable[[PictureForm], Path],
        tell: Callable[[str], None],
    ) -> None:
        self._out = out
        self._wanted = wanted
        self._save = save
        self._tell = tell
        self._screen: Screen | None = None

    def show(self, picture: PictureForm) -> bool:
        """Show a picture, or save it; returns whether it can be seen, so that its words need not be said.

        Raises:
            OSError: nobody reads stdout any more.
            CannotWrite: its file cannot be written.
        """
        way = self._chosen().way
        if way is Way.NONE:
            return False
        sequences = None if way is Way.FILES else self._drawn(picture)
        if sequences is None:
            self._tell(f"picture saved as `{self._save(picture)}`")
            return False
        self._out.write("" if self._out.begins_line else "\n")
        self._out.write_bytes(sequences)
        self._out.write("\n")
        return True

    def _chosen(self) -> Screen:
        if self._screen is None:
            if self._wanted in (Way.FILES, Way.NONE):
                self._screen = Screen(self._wanted)
            elif self._out.is_terminal:
                from jlab_mcp.cli.running.terminal import screen

                self._screen = screen(self._wanted)
            else:  # whoever names a protocol for a pipe has a terminal behind it
                self._screen = Screen(self._wanted or Way.FILES)
        return self._screen

    def _drawn(self, picture: PictureForm) -> bytes | None:
        """Return the picture as sequences; None for one that can only be saved."""
        data: bytes | None = picture.data
        if picture.is_svg:
            from jlab_mcp.core.svg import draw

            data = draw(picture.data.decode("utf-8", "replace"), _EDGE)
        try:
            return None if data is None else drawn(data, self._chosen())
        except PictureError as error:
            self._tell(f"a picture is not shown: {error}")
            return None
