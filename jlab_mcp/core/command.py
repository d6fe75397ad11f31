"""The launcher's command line, the same for every runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


NO_PORT = 4
LAUNCHER_EXITS = {
    3: "JupyterLab cannot be imported there",
    NO_PORT: "no port of the range is free",
    5: "the address it should listen on is not one of this machine's",
    127: "the interpreter was not found",
}
"""What a launcher's exit code says."""


def root_dir(project_dir: Path, notebook_dir: Path) -> Path:
    """Return JupyterLab's root: the project folder if the notebooks lie in it, else the notebook folder."""
    return project_dir if notebook_dir.is_relative_to(project_dir) else notebook_dir


def launcher_arguments(  # noqa: PLR0913 - each is an option of the launcher
    *,
    connection_file: Path,
    project_dir: Path,
    notebook_dir: Path,
    bind_ip: str,
    ports: tuple[int, int],
    profile: str,
    server_id: str | None,
    interface: str | None = None,
    idle_timeout: float | None = None,
    spare_kernels: int = 1,
) -> list[str]:
    """Return the arguments that follow the launcher's path.

    Args:
        connection_file: where the node service writes how to reach it.
        project_dir: the project folder.
        notebook_dir: the notebooks' folder.
        bind_ip: address JupyterLab listens on.
        ports: first and last port to try.
        profile: the profile's name.
        server_id: the launch's id, if it has one.
        interface: network interface whose address is used instead of `bind_ip`.
        idle_timeout: seconds without a running cell after which the server ends; None for never.
        spare_kernels: how many kernels to keep ready, 0 or 1.
    """
    arguments = {
        "--connection-file": str(connection_file),
        "--root-dir": str(root_dir(project_dir, notebook_dir)),
        "--notebook-dir": str(notebook_dir),
        **({"--interface": interface} if interface else {"--ip": bind_ip}),
        "--port-min": str(ports[0]),
        "--port-max": str(ports[1]),
        "--profile": profile,
    }
    if server_id is not None:
        arguments["--server-id"] = server_id
    if idle_timeout is not None:
        arguments["--idle-timeout"] = f"{idle_timeout:g}"
    if spare_kernels != 1:
        arguments["--spare-kernels"] = str(spare_kernels)
    return [f"{name}={value}" for name, value in arguments.items()]
