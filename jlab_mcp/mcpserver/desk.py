"""What the tools of one MCP server process share: the project, the profile in use, and what was told."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from jlab_mcp.errors import ConfigError, NoServer
from jlab_mcp.mcpserver.cancelled import Cancelled
from jlab_mcp.mcpserver.wording import sentence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from pathlib import Path

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.app.lookup import Meant
    from jlab_mcp.app.queue import Remaining
    from jlab_mcp.app.target import Target
    from jlab_mcp.core.content import Limits
    from jlab_mcp.core.profile import OutputSection
    from jlab_mcp.core.record import ServerRecord
    from jlab_mcp.core.resolver import ResolvedProfile

_SAID_BY = "the argument profile"


class Desk:
    """Settings of the project that the MCP client works in.

    Nothing here needs to outlive the process: sessions belong to the servers, which can be asked for them.
    """

    def __init__(self) -> None:
        self.cancelled = Cancelled()
        self._chosen: str | None = None
        self._resolved: ResolvedProfile | None = None
        self._homes: dict[str, Target] = {}
        self._told: set[str] = set()
        self._refreshing: asyncio.Future[Remaining] | None = None

    @property
    def project_dir(self) -> Path | None:
        """The project folder that the client names; None for the working directory."""
        from jlab_mcp.app import context

        return context.client_project_dir()

    @property
    def chosen(self) -> str | None:
        """The profile that was put in use by a tool, if any."""
        return self._chosen

    def settings(self) -> ResolvedProfile:
        """Return the settings in use, read when first needed.

        Raises:
            ConfigError: they are wrong; they are read again at the next call.
        """
        if self._resolved is None:
            self._resolved = self.look_up(self._chosen)
        return self._resolved

    def surroundings(self) -> ResolvedProfile:
        """Return settings that say where the project's servers are; these outlive a profile that breaks.

        Raises:
            ConfigError: they are wrong whichever profile is used.
        """
        try:
            return self.settings()
        except ConfigError:
            from jlab_mcp.app.lookup import load_for_all

            return load_for_all(project_dir=self.project_dir)[0]

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

        return context.load(profile, project_dir=self.project_dir, said_by=_SAID_BY)

    def find(self, profile: str | None = None, *, to_stop: bool = False) -> Meant:
        """Read the settings anew, and find the server that a call means.

        Args:
            profile: name of the profile, if the call names one.
            to_stop: whether the server is to be stopped.

        Raises:
            ConfigError, AmbiguousServer: as `lookup.find`.
        """
        from jlab_mcp.app import lookup

        meant = lookup.find(
            profile or self._chosen,
            project_dir=self.project_dir,
            said_by=_SAID_BY,
            to_stop=to_stop,
            strict=profile is not None,
        )
        if profile is None and meant.resolved is not None:
            self._resolved = meant.resolved
        return meant

    def listening(self) -> list[Target]:
        """Return all servers of the project that can be asked; none where the settings cannot be read."""
        from jlab_mcp.app.whereabouts import listening

        try:
            return [each.server for each in listening(self.surroundings())]
        except ConfigError:
            return []

    @asynccontextmanager
    async def at(self, target: Target) -> AsyncIterator[Connected]:
        """Connect to one server.

        Raises:
            ServerError: there is none, or it is not ready; or it went away meanwhile.
        """
        from jlab_mcp.app.reach import reach

        async with reach(target) as connected:
            if connected.record.job is not None:
                self._refresh(connected)
            yield connected

    def _refresh(self, server: Connected) -> None:
        """Have SLURM asked in the background, if it is time, for how long the server's job may still run."""
        from jlab_mcp.app.queue import refresh

        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.ensure_future(refresh(server.record, server.connection))

    @asynccontextmanager
    async def session(self, session_id: str) -> AsyncIterator[Connected]:
        """Connect to the server that has a session; the others are asked only once.

        Raises:
            SessionNotFound: none has it.
            ServerError: as for `at`.
        """
        target = await self.home_of_session(session_id)
        try:
            async with self.at(target) as connected:
                yield connected
        except NoServer:
            self.forget(session_id)
            raise
        self._homes.setdefault(session_id, target)

    def remember(self, session_id: str, server: Connected) -> None:
        """Note which server has a session."""
        from jlab_mcp.app.target import recorded_server

        self._homes[session_id] = recorded_server(server.record)

    def forget(self, session_id: str) -> None:
        """Drop a session that has ended."""
        self._homes.pop(session_id, None)

    async def home_of_session(self, session_id: str) -> Target:
        """Return the server that has a session.

        Raises:
            SessionNotFound, ServerError: as for `session`.
        """
        from jlab_mcp.app.whereabouts import server_of_session

        return self._homes.get(session_id) or await server_of_session(self.surroundings(), session_id)

    async def find_for_notebook(self, path: str, profile: str | None = None) -> Meant:
        """Find the server that has a notebook open, else the one that a call means.

        Args:
            path: the notebook, as the call named it.
            profile: name of the profile, if the call names one; then only its server will do.

        Raises:
            ConfigError, AmbiguousServer: as `lookup.find`.
        """
        from jlab_mcp.app.lookup import Meant
        from jlab_mcp.app.whereabouts import server_with_notebook

        target = None if profile else await server_with_notebook(self.surroundings(), path)
        if target is None:
            return self.find(profile)
        resolved = self.surroundings()
        note = f"the notebook is open on the server of profile {target.name}, so that one is used"
        return Meant(target, resolved, (note,) if target.name != resolved.name else ())

    async def holder(
        self,
        profile: str | None,
        session_id: str | None,
        notebook_path: str | None,
        execution_id: str | None,
    ) -> Meant:
        """Find the server that has what is to be read, of which any may be named.

        Raises:
            NodeError: no server has it.
            ServerError: none runs, or there are several that may be meant.
        """
        from jlab_mcp.app.lookup import Meant
        from jlab_mcp.app.whereabouts import server_of_execution

        if profile is not None:
            return self.find(profile)
        if execution_id is not None:
            return Meant(await server_of_execution(self.surroundings(), execution_id), None)
        if notebook_path is not None:
            return await self.find_for_notebook(notebook_path)
        return self.find() if session_id is None else Meant(await self.home_of_session(session_id), None)

    def news(self, server: Connected, meant: Meant) -> list[str]:
        """Return what the model should know about settings and has not been told in this process yet.

        Args:
            server: the server of the answer.
            meant: how it was found.
        """
        return self._news(meant.notes, meant.resolved, [server.record])

    def news_of(self, resolved: ResolvedProfile) -> list[str]:
        """Return the news about the server of settings that were just read; it runs."""
        from jlab_mcp.app.observe import observe

        record = observe(resolved.paths).record
        return self._news(resolved.warnings, resolved, [record] if record else [])

    def news_of_all(self, servers: Iterable[Connected]) -> list[str]:
        """Return the news about several servers; the settings are read anew."""
        try:
            self._resolved = self.look_up(self._chosen)
        except ConfigError as error:
            return self.untold([error.message])
        return self._news(self._resolved.warnings, self._resolved, [each.record for each in servers])

    def _news(
        self, messages: Iterable[str], resolved: ResolvedProfile | None, records: Iterable[ServerRecord]
    ) -> list[str]:
        from jlab_mcp.app.servers import settings_changed

        changed = [change for record in records if resolved for change in settings_changed(record, resolved)]
        return self.untold([*messages, *(change.sentence for change in changed)])

    def use(self, profile: str | None) -> None:
        """Put a profile in use for the calls that follow."""
        if profile is not None:
            self._chosen, self._resolved = profile, None

    def untold(self, messages: Iterable[str]) -> list[str]:
        """Return those messages as notes that were not told before, and take them as told."""
        new = [message for message in dict.fromkeys(messages) if message not in self._told]
        self._told.update(new)
        return [f"NOTE: {sentence(message)}" for message in new]

    def limits(self) -> Limits:
        """Return how much an answer may hold."""
        from jlab_mcp.core.content import Limits

        output = self._output()
        return Limits(output.text_chars, output.image_edge, output.image_bytes)

    def wait_seconds(self) -> float | None:
        """Return after how many seconds a call answers whose code still runs; None if not before its end."""
        return self._output().wait_seconds

    def _output(self) -> OutputSection:
        """Return the settings of answers; what is wrong with others never costs what code has given."""
        from jlab_mcp.core.profile import OutputSection

        try:
            return self.surroundings().output
        except ConfigError:
            return OutputSection()

    async def close(self) -> None:
        """Close the connections of this process; servers and sessions stay."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        if "jlab_mcp.app.connect" in sys.modules:
            from jlab_mcp.app.connect import close_clients

            await close_clients()
