"""Read the log of a server, and go on as it grows."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from jlab_mcp.app.observe import look, no_server
from jlab_mcp.errors import NoServer
from jlab_mcp.storage.logs import LogReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jlab_mcp.app.target import Target

_PAUSE = 0.2
_LOOK_SECONDS = 15.0
"""How often it is looked whether the server is still there: a log does not say that it has ended."""


async def read_log(target: Target, *, lines: int, follow: bool) -> AsyncIterator[str]:
    """Yield whole lines of a server's log, many in one text, without colours.

    Args:
        target: which server.
        lines: how many of the last lines there are; 0 is all of them.
        follow: whether to go on until the server has ended.

    Raises:
        NoServer: it has no log: none was ever started.
    """
    reader = LogReader(target.paths.log_file)
    text = reader.last(lines, whole=follow)
    if text is None:
        raise NoServer(f"there is no log `{target.paths.log_file}`: {no_server(target).message}")
    if text:
        yield text
    look_at = time.monotonic()
    while follow:
        if text := reader.more():
            yield text
        if time.monotonic() >= look_at:
            seen = await look(target, max_age=_LOOK_SECONDS / 2, doubt=True)
            if not seen.standing.alive:
                break
            look_at = time.monotonic() + _LOOK_SECONDS
        await asyncio.sleep(_PAUSE)
    if follow and (text := reader.more(whole=False)):
        yield text
