"""Looks around on a node, in the place of the launcher and in the environment that it would have.

Run by path with the launcher's arguments. What it sees is written, as JSON, where the launcher would write
how to reach the server; the folders are left as they were.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.path[0:1] = []  # else the modules beside this one would shadow others of the same name

import argparse
import contextlib
import errno
import fcntl
import json
import os
import platform
import socket
import struct
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_SIOCGIFADDR = 0x8915  # Linux: get an interface's address
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
    """Return a port to listen on, if one is free, and why the address is not one of this node's."""
    address = arguments.ip
    try:
        if arguments.interface:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                asked = struct.pack("256s", os.fsencode(arguments.interface))
                address = socket.inet_ntoa(fcntl.ioctl(probe, _SIOCGIFADDR, asked)[20:24])
        for port in range(arguments.port_min, arguments.port_max + 1):
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
                try:
                    probe.bind((address, port))
                except OSError as error:
                    if error.errno in (errno.EADDRINUSE, errno.EACCES):
                        continue
                    raise
                return port, None
    except OSError as error:
        return None, os.strerror(error.errno or 0).lower()
    return None, None


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
    parser = argparse.ArgumentParser(description="Look around on a node.")
    parser.add_argument("--connection-file", required=True)
    parser.add_argument("--notebook-dir", required=True)
    parser.add_argument("--ip", default="127.0.0.1")
    parser.add_argument("--interface", default=None)
    parser.add_argument("--port-min", type=int, required=True)
    parser.add_argument("--port-max", type=int, required=True)
    arguments, _ = parser.parse_known_args()
    told = arguments.connection_file
    # A reader sees all of it or nothing.
    descriptor = os.open(f"{told}.part", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(look(arguments), file)
    os.replace(f"{told}.part", told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
