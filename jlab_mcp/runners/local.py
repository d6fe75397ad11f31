"""Servers on this machine."""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.core.command import launcher_arguments
from jlab_mcp.core.record import LauncherProcess, ServerRecord
from jlab_mcp.errors import StartFailed
from jlab_mcp.runners.interpreter import Interpreter, launch_environment, shell_environment
from jlab_mcp.runners.processes import Identity, boot_id, hostname, processes_with_argument, start_ticks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.core.record import StartedWith

_log = logging.getLogger(__name__)


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
        spare_kernels: how many kernels to keep ready, 0 or 1.
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
    spare_kernels: int
    variables: Mapping[str, str]
    script: Path | None
    started_with: StartedWith


class LocalRunner:
    """Starts launchers as processes of their own session, which outlive this one."""

    def __init__(self, interpreter: Interpreter, environ: Mapping[str, str]) -> None:
        self._interpreter = interpreter
        self._environ = environ

    def launch(self, order: LaunchOrder) -> ServerRecord:
        """Start the launcher; its output goes to the log.

        Raises:
            StartFailed: the interpreter cannot be run, or the log cannot be written.
        """
        try:
            log = os.open(order.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartFailed(f"cannot write `{order.log_file}`: {error.strerror}") from error
        try:
            process = subprocess.Popen(
                self._command(order),
                cwd=order.project_dir,
                env=self._environment(order),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise StartFailed(f"cannot run `{self._command(order)[0]}`: {error.strerror}") from error
        finally:
            os.close(log)
        _children[process.pid] = process
        _log.debug("started `%s` as process %d", shlex.join(self._command(order)), process.pid)
        return self._record(order, process.pid)

    def _command(self, order: LaunchOrder) -> list[str]:
        if order.script is not None:
            return ["bash", "-l", str(order.script)]
        return [str(self._interpreter.path), str(order.launcher), *_arguments(order)]

    def _environment(self, order: LaunchOrder) -> dict[str, str]:
        if order.script is not None:
            return shell_environment(self._environ)
        return launch_environment(self._interpreter, self._environ, order.variables)

    def _record(self, order: LaunchOrder, pid: int) -> ServerRecord:
        return ServerRecord(
            key=order.key,
            profile=order.profile,
            project_dir=order.project_dir,
            notebook_dir=order.notebook_dir,
            runner="local",
            hostname=hostname(),
            process=LauncherProcess(pid=pid, started=start_ticks(pid), boot_id=boot_id()),
            server_id=order.server_id,
            connection_file=order.connection_file,
            log_file=order.log_file,
            created_at=time.time(),
            python=self._interpreter.path,
            started_with=order.started_with,
        )


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Launchers that this process started; it alone can learn their exit codes."""


def exit_code(record: ServerRecord) -> int | None:
    """Return a launcher's exit code, if it ended and was started by this process; negative for a signal."""
    process = _children.get(record.pid) if record.pid else None
    return process.poll() if process else None


def launcher_of(record: ServerRecord) -> Identity:
    """Return the launcher of a local server.

    Raises:
        ValueError: it is in a job.
    """
    if record.process is None:
        raise ValueError(f"{record.key} has no process")
    return Identity(record.process.pid, record.process.started)


def find_launchers(connection_file: Path) -> list[Identity]:
    """Find launchers that no readable record names, by the connection file in their arguments."""
    return processes_with_argument(f"--connection-file={connection_file}")


def _arguments(order: LaunchOrder) -> list[str]:
    return launcher_arguments(
        connection_file=order.connection_file,
        project_dir=order.project_dir,
        notebook_dir=order.notebook_dir,
        bind_ip=order.bind_ip,
        ports=(order.port_min, order.port_max),
        profile=order.profile,
        server_id=order.server_id,
        interface=order.interface,
        idle_timeout=order.idle_timeout,
        spare_kernels=order.spare_kernels,
    )
