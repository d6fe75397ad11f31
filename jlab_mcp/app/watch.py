"""Servers as a live view shows them, looked at again and again at little cost.

A server that takes its time holds up nothing: it is asked once at a time, and shown as it last was meanwhile.
SLURM is asked only about servers that do not listen, and seldom; all processes of the user share its answers.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.connect import connect
from jlab_mcp.app.observe import look
from jlab_mcp.app.queue import refresh
from jlab_mcp.app.reach import unanswered
from jlab_mcp.app.runningcell import RunningCell, running_cell
from jlab_mcp.app.status import JobStatus, State, base_status
from jlab_mcp.app.target import recorded_server
from jlab_mcp.client.models import NodeInfo, Resources, Session  # noqa: TC001 - pydantic reads the annotations
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import JlabMcpError, NodeError, NoServer, RecordBroken, ServerUnreachable
from jlab_mcp.storage.records import all_records, project_records, read_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jlab_mcp.app.observe import Seen
    from jlab_mcp.app.target import RecordedServer
    from jlab_mcp.client import NodeClient
    from jlab_mcp.client.models import InterruptedSession
    from jlab_mcp.core.record import ServerRecord
    from jlab_mcp.core.resolver import ResolvedProfile

QUEUE_AGE = 15.0
"""Seconds that SLURM's answer may be old."""
_PATIENCE = 1.5
"""Seconds that a look waits for servers; later answers come with the next look."""
_SILENT = 5.0
"""Seconds without an answer after which a server is said not to answer."""
_KEPT = 60.0
"""Seconds for which a server that was stopped is still listed."""


class WatchedSession(BaseModel):
    """A session and what it runs."""

    model_config = ConfigDict(frozen=True)

    session: Session
    running: RunningCell | None = None
    rss: int | None = Field(default=None, description="Memory of its kernel's process in bytes.")


class WatchedServer(BaseModel):
    """A server, as far as is known."""

    model_config = ConfigDict(frozen=True)

    key: str = Field(description="Names project and profile.")
    state: State
    reason: str | None = Field(default=None, description="Why it is not ready, in one sentence.")
    silent_s: float | None = Field(
        default=None, description="Seconds for which it has not answered; what it said before is shown."
    )
    profile: str
    mode: str
    project_dir: Path
    log_file: Path
    address: str | None = Field(default=None, description="Address of JupyterLab, without the token.")
    hostname: str | None = None
    pid: int | None = None
    job: JobStatus | None = None
    age_s: float | None = Field(default=None, description="Seconds since it was launched.")
    info: NodeInfo | None = None
    resources: Resources | None = None
    sessions: list[WatchedSession] = []


class Snapshot(BaseModel):
    """How all servers are at one time; `top --json` prints one on each line."""

    model_config = ConfigDict(frozen=True)

    at: float = Field(description="Seconds since the epoch.")
    servers: list[WatchedServer]
    problems: list[str] = Field(default=[], description="What could not be looked at, a sentence each.")


@dataclass(slots=True)
class _Watched:
    """What is known of one server.

    Attributes:
        target: which one.
        answered: when it was last looked at to the end, as `time.monotonic` counts.
        last: what was seen then.
        asking: the look that goes on.
        gone_since: when its record was found gone.
    """

    target: RecordedServer
    answered: float
    last: WatchedServer | None = None
    asking: asyncio.Task[WatchedServer | None] | None = None
    gone_since: float | None = None


@dataclass(slots=True)
class Watcher:
    """Looks at the servers of a project, or of all of the user's projects.

    Attributes:
        resolved: the settings that say where the project and the records are.
        every: whether to look at all projects.
    """

    resolved: ResolvedProfile
    every: bool = False
    _known: dict[str, _Watched] = field(default_factory=dict)

    async def look_patiently(self) -> Snapshot:
        """Look for the first time: a server that takes its time is waited for, until it counts as silent."""
        return await self.look(patience=_SILENT)

    async def look(self, *, patience: float = _PATIENCE) -> Snapshot:
        """Look at all servers.

        Args:
            patience: seconds to wait for answers; what comes later is in the next look.
        """
        now = time.monotonic()
        records = {record.key: record for record in self._records()}
        for key, record in records.items():
            self._watch(key, record, now)
        for key in self._known.keys() - records.keys():
            self._let_go(key, now)
        asking = [each.asking for each in self._known.values() if each.asking]
        if asking:
            await asyncio.wait(asking, timeout=patience)
        found = [shown for each in self._known.values() if (shown := _shown(each))]
        found.sort(
            key=lambda each: (each.project_dir != self.resolved.project_dir, each.project_dir, each.profile)
        )
        return Snapshot(at=time.time(), servers=found, problems=self._problems(set(records)))

    async def interrupt(self, key: str, session_id: str) -> InterruptedSession:
        """Interrupt what a session of a server runs.

        Raises:
            JlabMcpError: the server or the session is gone, or does not answer.
        """
        return await (await connect(self._known[key].target)).client.interrupt(session_id)

    async def aclose(self) -> None:
        """Give up the looks that still go on."""
        going_on = [each.asking for each in self._known.values() if each.asking]
        for task in going_on:
            task.cancel()
        await asyncio.gather(*going_on, return_exceptions=True)

    def _records(self) -> Iterator[ServerRecord]:
        if self.every:
            return all_records(self.resolved.connection_dir)
        return project_records(self.resolved.connection_dir, self.resolved.project_dir)

    def _problems(self, keys: set[str]) -> list[str]:
        """Say what is wrong with the chosen profile's own record; whose another is cannot be told."""
        if self.resolved.paths.key in keys:
            return []
        try:
            read_record(self.resolved.paths)
        except RecordBroken as error:
            return [error.message]
        return []

    def _watch(self, key: str, record: ServerRecord, now: float) -> None:
        watched = self._known.setdefault(key, _Watched(recorded_server(record), now))
        watched.target, watched.gone_since = recorded_server(record), None
        if watched.asking is None:
            watched.asking = asyncio.create_task(_look_at(key, watched.target))

    def _let_go(self, key: str, now: float) -> None:
        """Show for a while that a server's record is gone: it was stopped."""
        watched = self._known[key]
        watched.gone_since = watched.gone_since or now
        if watched.asking:
            watched.asking.cancel()
            watched.asking = None
        if watched.last is None or now - watched.gone_since > _KEPT:
            del self._known[key]


def _shown(watched: _Watched) -> WatchedServer | None:
    """Take in what a look has found, and return how the server is to be shown."""
    now = time.monotonic()
    task = watched.asking
    if task is not None and task.done():
        watched.asking = None
        watched.answered = now
        watched.last = task.result()
    last = watched.last
    if watched.gone_since is not None and last is not None:
        blank = dict.fromkeys(("address", "info", "resources", "silent_s", "job", "age_s", "pid"))
        return last.model_copy(
            update={**blank, "state": "stopped", "reason": "it was stopped", "sessions": []}
        )
    silent = now - watched.answered
    if last is None:
        return _first_sight(watched.target, silent)
    if watched.asking is None or silent < _SILENT:
        return last
    said = {"state": "unreachable", "reason": f"it has not answered for {silent:.0f} s", "silent_s": silent}
    return last.model_copy(update=said)


def _first_sight(target: RecordedServer, silent: float) -> WatchedServer | None:
    """Return a server that has not been looked at to the end yet."""
    reason = "it is being asked" if silent < _SILENT else f"it has not answered for {silent:.0f} s"
    return WatchedServer(
        key=target.paths.key,
        state="unreachable" if silent >= _SILENT else "starting",
        reason=reason,
        silent_s=silent,
        profile=target.name,
        mode="",
        project_dir=target.project_dir,
        log_file=target.paths.log_file,
    )


async def _look_at(key: str, target: RecordedServer) -> WatchedServer | None:
    """Look at a server, and ask it if it listens; None if its record is gone."""
    try:
        seen = await look(target, max_age=QUEUE_AGE)
        if seen.standing is Standing.LISTENING:
            return await _asked(key, target, seen)
        return _watched(key, target, seen)
    except NoServer:
        return None
    except JlabMcpError as error:
        blank = _first_sight(target, _SILENT)
        return blank and blank.model_copy(
            update={"state": "unreachable", "reason": error.message, "silent_s": None}
        )


async def _asked(key: str, target: RecordedServer, seen: Seen) -> WatchedServer:
    try:
        client = (await connect(target)).client
        info, resources, sessions = await asyncio.gather(client.info(), client.resources(), client.sessions())
        shown = await asyncio.gather(*(_session(client, each, resources) for each in sessions))
    except (ServerUnreachable, NodeError) as error:
        seen = await look(target, max_age=QUEUE_AGE, doubt=True)
        found = _watched(key, target, seen)
        if seen.standing is not Standing.LISTENING:
            return found
        return found.model_copy(update={"state": "unreachable", "reason": unanswered(error, seen)})
    left_s = None
    if seen.record and seen.connection:
        left_s = (await refresh(seen.record, seen.connection)).seconds
    found = _watched(key, target, seen, left_s)
    update = {"state": "ready", "reason": None, "info": info, "resources": resources, "sessions": list(shown)}
    return found.model_copy(update=update)


async def _session(client: NodeClient, session: Session, resources: Resources) -> WatchedSession:
    rss = next((each.rss for each in resources.kernels if each.session_id == session.session_id), None)
    return WatchedSession(session=session, running=await running_cell(client, session), rss=rss)


def _watched(key: str, target: RecordedServer, seen: Seen, left_s: float | None = None) -> WatchedServer:
    base = base_status(target, None, seen, time_left_s=left_s)
    return WatchedServer(
        key=key,
        state=base.state,
        # Whose server it is stands beside it.
        reason=f"it {seen.why_stale}" if base.state == "stale" else base.reason,
        profile=base.profile,
        mode=base.mode,
        project_dir=base.project_dir,
        log_file=base.log_file,
        address=base.address,
        hostname=base.hostname,
        pid=base.pid,
        job=base.job,
        age_s=base.age_s,
    )
