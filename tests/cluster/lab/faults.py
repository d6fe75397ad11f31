"""What can befall a cluster: a host is cut off or loses power, a daemon ends or hangs. And how it is mended."""

from __future__ import annotations

from tests.cluster.lab import daemons, hosts, network
from tests.cluster.lab.layout import HOSTS, Host, host_named


def cut(host: str) -> None:
    """Drop all that a host sends and is sent, silently: what it was connected to hangs."""
    network.let_through(host_named(host), through=False)


def heal(host: str) -> None:
    """Take a `cut` back."""
    network.let_through(host_named(host), through=True)


def crash(host: str) -> None:
    """Turn a host's power off: all of its processes, its /tmp and its /run are gone. Its disk stays."""
    cut(host)  # what it was connected to hears nothing of its end
    hosts.end(host)
    network.unwire(host_named(host))


def boot(host: str) -> None:
    """Turn a host's power on again, and return when its daemons answer.

    Raises:
        RuntimeError: it does not come up, or a daemon of it does not answer: a slurmd does only where its slurmctld is.
    """
    machine = host_named(host)
    hosts.boot(machine)
    network.wire(machine)
    for name in machine.daemons:
        daemons.start(machine, name)


def stop_daemon(host: str, name: str) -> None:
    """End a daemon as its service would, and return when it has ended. Jobs and steps go on."""
    daemons.end(*_daemon(host, name), "TERM")


def kill_daemon(host: str, name: str) -> None:
    """End a daemon by SIGKILL, so that it cannot save anything, and return when it has ended."""
    daemons.end(*_daemon(host, name), "KILL")


def start_daemon(host: str, name: str) -> None:
    """Start a daemon that was stopped, and return when it answers."""
    daemons.start(*_daemon(host, name))


def pause(host: str, name: str) -> None:
    """Let a daemon hang: it is stopped by SIGSTOP, its children are not. Connections to it are still accepted."""
    daemons.signal(*_daemon(host, name), "STOP")


def resume(host: str, name: str) -> None:
    """Take a `pause` back."""
    daemons.signal(*_daemon(host, name), "CONT")


def mend() -> None:
    """Take back every fault there is, whoever made it; quick if there is none."""
    up = [host for host in HOSTS if hosts.pid_of(host.name) is not None]
    for host in up:
        network.let_through(host, through=True)
    for host in HOSTS:
        if host not in up:
            boot(host.name)
            continue
        for name in host.daemons:
            if daemons.runs(host, name):
                daemons.signal(host, name, "CONT")
            else:
                daemons.start(host, name)


def _daemon(host: str, name: str) -> tuple[Host, str]:
    machine = host_named(host)
    if name not in machine.daemons:
        raise LookupError(f"no {name!r} on {host}; there are {', '.join(machine.daemons)}")
    return machine, name


ON_A_HOST = {"cut": cut, "heal": heal, "crash": crash, "boot": boot}
ON_A_DAEMON = {
    "stop": stop_daemon,
    "kill": kill_daemon,
    "start": start_daemon,
    "pause": pause,
    "resume": resume,
}
