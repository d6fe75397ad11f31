"""Which server a use case is about: the one of resolved settings, or one that only its record tells of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from jlab_mcp.core.profile import ServerSection
from jlab_mcp.core.record import server_paths

if TYPE_CHECKING:
    from pathlib import Path

    from jlab_mcp.core.record import ServerPaths, ServerRecord

_USUAL = ServerSection()


class Target(Protocol):
    """One server of a project; a `ResolvedProfile` is its own profile's."""

    @property
    def name(self) -> str:
        """Name of its profile."""
        ...

    @property
    def project_dir(self) -> Path:
        """The project folder."""
        ...

    @property
    def paths(self) -> ServerPaths:
        """Its files."""
        ...

    @property
    def ready_timeout(self) -> float:
        """Seconds from launch to ready."""
        ...

    @property
    def queue_timeout(self) -> float | None:
        """Seconds to wait in the queue; None for as long as it takes."""
        ...

    @property
    def stop_timeout(self) -> float:
        """Seconds from SIGTERM to SIGKILL."""
        ...


@dataclass(frozen=True, slots=True)
class RecordedServer:
    """A server as its record tells of it, whatever became of its profile."""

    name: str
    project_dir: Path
    paths: ServerPaths
    ready_timeout: float = _USUAL.ready_timeout
    queue_timeout: float | None = _USUAL.queue_timeout
    stop_timeout: float = _USUAL.stop_timeout


def recorded_server(record: ServerRecord) -> RecordedServer:
    """Return the server of a record; its files lie where they were when it started."""
    usual = server_paths(
        record.key, connection_dir=record.connection_file.parent, log_dir=record.log_file.parent
    )
    written = {"connection_file": record.connection_file, "log_file": record.log_file}
    return RecordedServer(record.profile, record.project_dir, usual.model_copy(update=written))
