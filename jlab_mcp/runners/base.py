"""What a runner is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.core.record import ServerRecord, StartedWith


@dataclass(frozen=True, slots=True)
class LaunchOrder:
    """Everything a launcher has to be told; paths are absolute.

    Attributes:
        server_id: 16 hex digits, chosen for this launch.
        connection_file: where the node service writes how to reach it.
        log_file: where the launcher's output goes.
        launcher: the node service's main program; its folder and those of the files above exist.
        interface: network interface to listen on instead of `bind_ip`.
        variables: environment variables to set.
        idle_timeout: seconds without a running cell after which the server ends; None for never.
        script: bash script that prepares the shell and runs the launcher; it sets `variables` itself.
        started_with: the settings, for the record.
    """

    key: str
    profile: str
    server_id: str
    project_dir: Path
    notebook_dir: Path
    bind_ip: str
    port_min: int
    port_max: int
    connection_file: Path
    log_file: Path
    launcher: Path
    interface: str | None
    idle_timeout: float | None
    variables: Mapping[str, str]
    script: Path | None
    started_with: StartedWith


class Runner(Protocol):
    """Starts a launcher on one kind of machine."""

    def launch(self, order: LaunchOrder) -> ServerRecord:
        """Start the launcher and return the record that identifies it; does not wait until it is ready."""
        ...
