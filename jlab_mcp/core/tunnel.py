"""The way of a browser to a server: straight, or through ssh from another machine. Pure."""

from __future__ import annotations

import ipaddress
import shlex
from dataclasses import dataclass

_ALL = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1", "*": "127.0.0.1"}  # noqa: S104 - names of addresses
_SSH_PORT = 22
_CONNECTION_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Here:
    """The machine that the command runs on.

    Attributes:
        hostname: its name.
        full_name: its name with its domain, as far as it is known.
        user: who runs the command.
        ssh_connection: SSH_CONNECTION, as sshd sets it; None without one.
    """

    hostname: str
    full_name: str
    user: str
    ssh_connection: str | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How a browser comes to a server.

    Attributes:
        address: of the server as the browser has to name it, with a slash at its end.
        ssh: the command that has to run on the browser's machine meanwhile; None where it is this machine.
    """

    address: str
    ssh: tuple[str, ...] | None = None

    @property
    def command(self) -> str | None:
        """The command as one line for a shell."""
        return None if self.ssh is None else shlex.join(self.ssh)


def way_to(ip: str, port: int, hostname: str, path: str, here: Here) -> Way:
    """Return the way of a browser to a server.

    A server on this host is reached straight, unless who asks came here by ssh: then their browser is where
    they came from. One on another host, such as a node of a cluster, is reached through this one.

    Args:
        ip: address or name that the server is reached by from here.
        port: its port.
        hostname: the name of its host.
        path: its base path, with slashes around.
        here: this machine.
    """
    at_home = hostname == here.hostname
    target = _loopback(ip) if at_home else ip
    if at_home and here.ssh_connection is None:
        return Way(f"http://{_bracketed(target)}:{port}{path}")
    forward = f"{port}:{_bracketed(target)}:{port}"
    host, ssh_port = _login(here)
    other_port = ("-p", str(ssh_port)) if ssh_port != _SSH_PORT else ()
    return Way(
        f"http://127.0.0.1:{port}{path}", ("ssh", "-N", *other_port, "-L", forward, f"{here.user}@{host}")
    )


def _login(here: Here) -> tuple[str, int]:
    """The name and port by which this machine can be reached by ssh, as well as they are known here."""
    fields = (here.ssh_connection or "").split()
    address, port = "", _SSH_PORT
    if len(fields) == _CONNECTION_FIELDS and fields[3].isdigit():
        address, port = fields[2], int(fields[3])
    named = "." in here.full_name and not here.full_name.startswith("localhost")
    return (here.full_name if named else address or here.hostname), port


def _loopback(ip: str) -> str:
    """The address that never leaves the host, where the server listens on it too."""
    if ip in _ALL:
        return _ALL[ip]
    return ip


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host  # noqa: PLR2004 - a version of IP
    except ValueError:
        return host
