"""Brings what code puts out to the command's own streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jlab_mcp.core import shellforms, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.cli.running.outlet import Outlet
    from jlab_mcp.cli.running.pictures import Pictures
    from jlab_mcp.client.models import StreamPage, StreamPart

_ERASED = "\x1b[2K\r"
"""What clears the line that is being written, as IPython does in a terminal."""


class Relay:
    """Writes pages of output in their order; it may wait for whoever reads them.

    Args:
        out: for what the code prints, and its results.
        err: for what it prints to stderr, and tracebacks.
        pictures: shows pictures.
    """

    def __init__(self, out: Outlet, err: Outlet, pictures: Pictures) -> None:
        self._out = out
        self._err = err
        self._pictures = pictures
        self._versions: dict[int, int] = {}

    def write(self, page: StreamPage) -> None:
        """Write a page.

        Raises:
            OSError: nobody reads it any more, or there is no room.
            CannotWrite: a picture cannot be saved.
        """
        for part in page.parts:
            self._part(part)
        if not page.execution.state.ended or page.end < page.total:
            return
        for part in page.changed:
            # A display that shows how far something is may change a thousand times: its end is what counts.
            if part.output is not None and part.version != self._versions.get(part.offset or 0):
                self._output(part.output)
        for output in page.caught:
            self._output(output)

    def _part(self, part: StreamPart) -> None:
        if part.kind == "clear":
            if self._out.is_terminal:
                self._out.write(_ERASED)
                self._out.begins_line = True
        elif part.kind == "lost":
            size = words.bytes_in_words(part.bytes)
            self._err.write_line(f"[{size} of the output could not be kept and are missing here]")
        elif part.output is not None:
            self._versions[part.offset or 0] = part.version
            self._output(part.output)
        else:
            outlet = self._err if part.kind in ("stderr", "error") else self._out
            outlet.write(part.text)
            self._note_shared_line(outlet)

    def _output(self, output: Mapping[str, Any]) -> None:
        kind = output.get("output_type")
        if kind == "stream":
            outlet = self._err if output.get("name") == "stderr" else self._out
            outlet.write(shellforms.joined(output.get("text", "")))
        elif kind == "error":
            outlet = self._err
            outlet.write_traceback(shellforms.error_words(output))
        else:
            outlet = self._out
            self._bundle(output.get("data") or {})
        self._note_shared_line(outlet)

    def _bundle(self, data: Mapping[str, Any]) -> None:
        picture = shellforms.picture_in(data)
        if picture is not None and self._pictures.show(picture):
            return
        said = shellforms.words_in(data)
        if said:
            self._out.write_line(said)

    def _note_shared_line(self, written: Outlet) -> None:
        """On a terminal both streams stand in the same line."""
        if self._out.is_terminal and self._err.is_terminal:
            self._out.begins_line = self._err.begins_line = written.begins_line
