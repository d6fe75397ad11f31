"""Looks around on a node, in the place of the launcher and in the environment that it would have.

Run by path with the launcher's arguments. What it sees is written, as JSON, where the launcher would write
how to reach the server; the folders are left as they were.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.path[0:1] = []  # else the modules beside this one would shadow others of the same name

import contextlib
import json
import os
import platform
import socket
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

PACKAGES = ("jupyterlab", "jupyter_server", "ipykernel")


def look(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what there is on this node."""
    port, address_error = free_port(arguments)
    return {
        "hostname": socket.gethostname(),
        "clock": time.time(),
        "python": platform.python_version(),
        "executable": sys.executable,
        "machine": platform.machine(),
        "packages": packages(),
        "port": port,
        "address_error": address_error,
        "folders": {kind: refusal(folder) for kind, folder in folders(arguments).items()},
    }


def packages() -> dict[str, str]:
    """Return name -> version of the packages that are needed and there."""
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def free_port(arguments: argparse.Namespace) -> tuple[int | None, str | None]:
    """Return the port that the launcher would take, if there is one, and what is wrong with the address."""
    from jlab_mcp_node.launch import EXIT_NO_PORT, CannotLaunch, find_port

    try:
        return find_port(arguments), None
    except CannotLaunch as error:
        return None, None if error.exit_code == EXIT_NO_PORT else str(error)


def folders(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the folders that a server writes to."""
    here = os.path.dirname(os.path.abspath(__file__))
    return {
        "log": os.path.dirname(os.path.realpath("/proc/self/fd/1")),
        "connection": os.path.dirname(arguments.connection_file),
        "own": os.path.dirname(os.path.dirname(os.path.dirname(here))),
        "notebook": arguments.notebook_dir,
    }


def refusal(folder: str) -> str:
    """Say why nothing can be written to a folder, or to the nearest one that is there; empty if it can."""
    while not os.path.lexists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    try:
        with tempfile.TemporaryFile(prefix=".jlab-mcp-doctor-", dir=folder) as file:
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return os.strerror(error.errno or 0).lower()
    return ""


def main() -> int:
    """Look, and write down what was seen; returns the exit code."""
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from jlab_mcp_node.launch import parse_arguments

    arguments = parse_arguments(sys.argv[1:])
    told = arguments.connection_file
    # A reader sees all of it or nothing.
    descriptor = os.open(f"{told}.part", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(look(arguments), file)
    os.replace(f"{told}.part", told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
