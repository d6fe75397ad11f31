"""The wires: a bridge per network in the switch, and one port of it for each host."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Address

from tests.cluster.lab import hosts
from tests.cluster.lab.layout import HOSTS, NETWORKS, SWITCH, Host

_DISABLED, _FORWARDING = 0, 3  # states of a bridge's port


def wire_switch() -> None:
    """Make a bridge for each network in the switch."""
    lines = ["link set lo up"]
    for network in NETWORKS:
        lines += [f"link add br-{network} type bridge", f"link set br-{network} up"]
    _ip(SWITCH, lines)


def wire(host: Host) -> None:
    """Connect a host to its network's bridge.

    Hosts know each other's hardware addresses for good. So a host that is cut off or dead is silent, as one in another
    building is, and a host that boots again is found at once.
    """
    pid = hosts.pid_of(host.name)
    _ip(
        SWITCH,
        [
            f"link add {host.name} type veth peer name eth0 netns {pid}",
            f"link set {host.name} master br-{host.network}",
            f"link set {host.name} up",
        ],
    )
    others = [other for other in HOSTS if other.network == host.network and other != host]
    _ip(
        host.name,
        [
            "link set lo up",
            f"link set eth0 address {_hardware(host)}",
            f"addr add {host.address}/24 dev eth0",
            "link set eth0 up",
            *(f"neigh add {other.address} lladdr {_hardware(other)} dev eth0" for other in others),
        ],
    )


def unwire(host: Host) -> None:
    """Remove the port of a host that has ended; the kernel does that too, but not at once."""
    subprocess.run([*_in(SWITCH), "ip", "link", "delete", host.name], capture_output=True, check=False)


def let_through(host: Host, *, through: bool) -> None:
    """Let the host's port pass everything on, or drop everything, both ways; the carrier stays."""
    state = _FORWARDING if through else _DISABLED
    command = [*_in(SWITCH), "bridge", "link", "set", "dev", host.name, "state", str(state)]
    subprocess.run(command, check=True)


def _hardware(host: Host) -> str:
    return ":".join(["02:00", *(f"{number:02x}" for number in IPv4Address(host.address).packed)])


def _in(name: str) -> list[str]:
    return ["nsenter", f"--target={hosts.pid_of(name)}", "--net"]


def _ip(name: str, lines: list[str]) -> None:
    command = [*_in(name), "ip", "-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the network of {name} could not be changed: {done.stderr.strip()}")
