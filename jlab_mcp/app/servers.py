"""The servers of one project: one for each profile it was started with, found by their records.

A call that names a profile means that profile's server. Else it means the server of the chosen profile;
where that does not run, it means the only other one that does. Several others are never guessed from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.app.observe import observe
from jlab_mcp.app.queue import last_seen
from jlab_mcp.app.target import RecordedServer, recorded_server
from jlab_mcp.core.chosen import chosen_how
from jlab_mcp.core.remembered import changes, remember
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import AmbiguousServer, RecordBroken
from jlab_mcp.runners.local import find_launchers
from jlab_mcp.storage.records import all_records, project_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import ServerRecord
    from jlab_mcp.core.remembered import Change
    from jlab_mcp.core.resolver import ResolvedProfile
    from jlab_mcp.core.slurm.jobs import Job

_STATES = {
    Standing.STARTING: "starting",
    Standing.LISTENING: "running",
    Standing.STOPPING: "being stopped",
    Standing.ELSEWHERE: "started on another host",
    Standing.JOB_ENDED: "ended",
}


@dataclass(frozen=True, slots=True)
class ProjectServer:
    """A server of the project that was started and not stopped.

    Attributes:
        server: which one.
        record: what is written about it.
        standing: how things stand with it.
        job: what SLURM last said of its job; it is not asked.
    """

    server: RecordedServer
    record: ServerRecord
    standing: Standing
    job: Job | None = None

    @property
    def usable(self) -> bool:
        """Whether it runs here, or will in a moment."""
        return self.standing in (Standing.STARTING, Standing.LISTENING)

    @property
    def state(self) -> str:
        """How it is, in a word or two."""
        return _STATES.get(self.standing, "gone")


def servers(resolved: ResolvedProfile) -> list[ProjectServer]:
    """Find all servers of the project in the folder of records, by the names of their profiles.

    One whose record is broken is not among them.
    """
    found = [_look(record) for record in project_records(resolved.connection_dir, resolved.project_dir)]
    return sorted(found, key=lambda each: each.server.name)


def every_server(resolved: ResolvedProfile) -> list[ProjectServer]:
    """Find the servers of all projects whose records are in the same folder."""
    return [_look(record) for record in all_records(resolved.connection_dir)]


def other_servers(resolved: ResolvedProfile) -> list[ProjectServer]:
    """Return the servers of the project's other profiles that run here."""
    return [each for each in servers(resolved) if each.usable and each.server.name != resolved.name]


def only_other(resolved: ResolvedProfile) -> RecordedServer | None:
    """Return the server that stands in for the chosen profile's own, which does not run, if there is one.

    Raises:
        AmbiguousServer: there are several.
    """
    others = other_servers(resolved)
    if len(others) > 1:
        raise ambiguous(resolved, others)
    return others[0].server if others else None


def server_meant(resolved: ResolvedProfile, *, named: bool, to_stop: bool = False) -> Target:
    """Return the server that a call means.

    Args:
        resolved: the settings of the chosen profile.
        named: whether the call itself named it.
        to_stop: whether it is to be stopped; then what is left of the chosen profile's own comes first, dead
            or alive, so that clearing it away never costs another server its life.

    Raises:
        AmbiguousServer: its own does not run, and several others do.
    """
    if named or (is_anything_left(resolved) if to_stop else _is_there(resolved)):
        return resolved
    return only_other(resolved) or resolved


def _is_there(resolved: ResolvedProfile) -> bool:
    """Say whether its server may be alive; what another host runs cannot be told from here."""
    try:
        standing = observe(resolved.paths).standing
    except RecordBroken:
        return True  # the use case says what is broken, and what to do
    return standing.alive or standing is Standing.ELSEWHERE


def is_anything_left(resolved: ResolvedProfile) -> bool:
    """Say whether the chosen profile's own server left anything that `stop` would end or clear away."""
    return resolved.paths.record_file.exists() or bool(find_launchers(resolved.paths.connection_file))


def ambiguous(resolved: ResolvedProfile, others: Sequence[ProjectServer]) -> AmbiguousServer:
    """Make the error that says there are several servers, none of them the chosen profile's."""
    listed = ", ".join(f"{each.server.name} ({each.state})" for each in others)
    if resolved.is_profile:
        what = f"the server of profile {resolved.name} does not run, and {len(others)} others"
        what = f"{what} of `{resolved.project_dir}` do"
    else:
        what = f"no profile is in use here, and {len(others)} servers of `{resolved.project_dir}` run"
    return AmbiguousServer(
        f"{what}: {listed}",
        details={"profiles": [each.server.name for each in others]},
    )


def standing_in(target: Target, resolved: ResolvedProfile) -> str | None:
    """Say that another profile's server is used, if so; without a full stop."""
    if target.name == resolved.name:
        return None
    used = f"the profile in use is {resolved.name} ({chosen_how(str(resolved.chosen_by))})"
    return (
        f"this is the server of profile {target.name}, the only one that runs;"
        f" {used if resolved.is_profile else 'no profile is in use here'}"
    )


def settings_changed(record: ServerRecord, resolved: ResolvedProfile) -> list[Change]:
    """Say what a server's profile says otherwise now; nothing if the settings are another profile's."""
    if record.started_with is None or record.profile != resolved.name:
        return []
    return changes(record.started_with, remember(resolved))


def _look(record: ServerRecord) -> ProjectServer:
    """Look at a server; a broken connection file does not hide that its process is there."""
    server = recorded_server(record)
    try:
        standing = observe(server.paths).standing
    except RecordBroken:
        standing = Standing.STARTING
    known = last_seen(record.job, record.connection_file.parent) if record.job else None
    return ProjectServer(server, record, standing, known[1] if known else None)
