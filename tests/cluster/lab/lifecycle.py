"""The lab as a whole: up, down, and who may do that."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.cluster.lab import daemons, files, hosts, network
from tests.cluster.lab.layout import CHECKOUT, HOSTS, LAB, NETWORKS, SWITCH

_UP = LAB / "run" / "up"
"""There once the lab is up; it says who brought it up."""


def brought_up_by() -> str | None:
    """Say who brought the lab up, in the word given to `up`; None if it is not up.

    A host or daemon of it may be down, by a fault that a killed run left behind; see `faults.mend`.
    """
    if not _UP.exists() or hosts.pid_of(SWITCH) is None:
        return None
    return _UP.read_text()


def up(who: str) -> None:
    """Bring the lab up from nothing; what an earlier run left is removed.

    Raises:
        RuntimeError: something does not start; the logs are kept until the next `up` or `down`.
    """
    down()
    files.write_all()
    hosts.boot(None)
    network.wire_switch()
    with ThreadPoolExecutor(len(NETWORKS)) as pool:
        for _done in pool.map(_start_network, NETWORKS):
            pass
    _check_reach()
    _UP.write_text(who)


def down() -> None:
    """End all of the lab's processes and remove its folder."""
    hosts.end_all()


def _start_network(name: str) -> None:
    members = [host for host in HOSTS if host.network == name]
    for host in members:
        hosts.boot(host)
        network.wire(host)
    for host in members:
        for daemon in host.daemons:
            daemons.start(host, daemon, first=True)


def _check_reach() -> None:
    """See that a user can run this checkout, or say why not."""
    command = [sys.executable, "-c", "import jlab_mcp"]
    done = subprocess.run(
        hosts.enter("alpha-login", command, user="alice"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise RuntimeError(
            f"alice cannot run {sys.executable} in {CHECKOUT}; are all its files readable for others?"
            f" {done.stderr.strip()[-300:]}"
        )


@contextmanager
def sole_use(*, wait: bool) -> Iterator[None]:
    """Keep other runs of this checkout from bringing the lab up or down.

    Args:
        wait: wait for another run to end, rather than give up.

    Raises:
        BlockingIOError: another run has it, and `wait` is false.
    """
    files.make_folder(LAB.parent)
    with (LAB.parent / f"{LAB.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
