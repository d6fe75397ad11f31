"""What the tools of one MCP server process share: the project, and the profile in use."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from jlab_mcp.mcpserver.cancelled import Cancelled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.core.content import Limits
    from jlab_mcp.core.resolver import ResolvedProfile


class Desk:
    """Settings of the project that the MCP client works in.

    Nothing here needs to outlive the process: sessions belong to the server.
    """

    def __init__(self) -> None:
        self.cancelled = Cancelled()
        self._chosen: str | None = None
        self._resolved: ResolvedProfile | None = None

    def settings(self) -> ResolvedProfile:
        """Return the settings in use, read when first needed.

        Raises:
            ConfigError: they are wrong; they are read again at the next call.
        """
        if self._resolved is None:
            self._resolved = self.look_up(self._chosen)
        return self._resolved

    @contextmanager
    def trying(self, profile: str | None) -> Iterator[ResolvedProfile]:
        """Read the settings anew; if the block succeeds, they stay in use for the calls that follow."""
        chosen = profile or self._chosen
        resolved = self.look_up(chosen)
        yield resolved
        self._chosen, self._resolved = chosen, resolved

    def look_up(self, profile: str | None) -> ResolvedProfile:
        """Read the settings of a profile without putting it in use."""
        from jlab_mcp.app import context

        return context.load(profile, project_dir=context.client_project_dir(), said_by="the argument profile")

    @asynccontextmanager
    async def server(self) -> AsyncIterator[Connected]:
        """Connect to the server of the settings in use.

        Raises:
            ServerError: there is none, or it is not ready; or it went away meanwhile.
        """
        from jlab_mcp.app.reach import reach

        async with reach(self.settings()) as connected:
            yield connected

    def limits(self) -> Limits:
        """Return how much an answer may hold."""
        from jlab_mcp.core.content import Limits

        output = self.settings().output
        return Limits(output.text_chars, output.image_edge, output.image_bytes)

    async def close(self) -> None:
        """Close the connections of this process; servers and sessions stay."""
        if self._resolved is not None:
            from jlab_mcp.app.connect import close_clients

            await close_clients()
