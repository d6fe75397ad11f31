"""Hosts as processes: start one, wire it up, run something on it, end it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.lab import host as first_process
from tests.cluster.lab.layout import CHECKOUT, CLUSTERS, HOSTS, LAB, SWITCH, Host, user_named

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")
ALL = (SWITCH, *(host.name for host in HOSTS))


def pid_of(name: str) -> int | None:
    """Return the id of a host's first process; None if the host is not up."""
    try:
        pid, born = (LAB / "run" / f"{name}.pid").read_text().split()
        return int(pid) if first_process.started(pid) == born else None
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None


def boot(name: str, cluster: str | None = None, gpus: int = 0) -> None:
    """Start a host, without a wire yet, and return when it is ready.

    Raises:
        RuntimeError: it did not come up.
    """
    log = LAB / "log" / f"{name}.log"
    script = str(Path(first_process.__file__).resolve())
    namespaces = ["setsid", "--fork", "unshare", *_NAMESPACES, "--fork"]
    with log.open("a") as stderr:
        process = subprocess.Popen(
            [*namespaces, sys.executable, "-I", script, _orders(name, cluster, gpus)],
            env={"PATH": _PATH, "LANG": "C.UTF-8"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    with process:  # `setsid` has ended by now; the host says when it is ready, or closes its end of the pipe
        answer = process.stdout.readline() if process.stdout else ""
    if answer.strip() != "ready":
        raise RuntimeError(f"the host {name} did not come up: {log.read_text()[-500:]}")


def _orders(name: str, cluster: str | None, gpus: int) -> str:
    binds = [(str(LAB / "etc" / file), f"/etc/{file}") for file in ("hosts", "passwd", "group")]
    if cluster:
        binds.append((str(LAB / "etc" / cluster / "slurm"), "/etc/slurm"))
    if cluster == "alpha":
        binds.append((str(LAB / "etc/modulespath"), "/etc/environment-modules/modulespath"))
    reach = list(dict.fromkeys(str(path) for path in _needed_folders()))
    orders = first_process.Orders(
        name=name,
        pid_file=str(LAB / "run" / f"{name}.pid"),
        covers=["/tmp", *(cover for cover in _closed_parents(reach) if not cover.startswith("/tmp"))],
        reach=reach,
        binds=binds,
        folders=[
            ("/run/munge", "munge:", 0o755),
            ("/run/mysqld", "mysql:", 0o755),
            ("/run/gpu", "root:", 0o755),
        ],
        files=[f"/run/gpu/nvidia{number}" for number in range(gpus)],
    )
    return orders.to_json()


def _needed_folders() -> list[Path]:
    """Return where this checkout and its interpreter are, by the names they are known by and by their real ones."""
    known = [CHECKOUT, Path(sys.prefix), Path(sys.base_prefix)]
    return [path for folder in known for path in (folder, folder.resolve()) if path != Path("/usr")]


def _closed_parents(folders: Sequence[str]) -> list[str]:
    """Return the topmost folders on the way to `folders` that other users may not enter, such as /root."""
    found = []
    for folder in folders:
        for parent in reversed(Path(folder).parents):
            if not parent.stat().st_mode & stat.S_IXOTH:
                found.append(str(parent))
                break
    return list(dict.fromkeys(found))


def wire_switch() -> None:
    """Make a bridge for each cluster in the switch."""
    lines = ["link set lo up"]
    for cluster in CLUSTERS:
        lines += [f"link add br-{cluster} type bridge", f"link set br-{cluster} up"]
    _ip(SWITCH, lines)


def wire(host: Host) -> None:
    """Connect a host to its cluster's bridge."""
    pid = pid_of(host.name)
    _ip(
        SWITCH,
        [
            f"link add {host.name} type veth peer name eth0 netns {pid}",
            f"link set {host.name} master br-{host.cluster}",
            f"link set {host.name} up",
        ],
    )
    _ip(host.name, ["link set lo up", f"addr add {host.address}/24 dev eth0", "link set eth0 up"])


def _ip(name: str, lines: list[str]) -> None:
    command = ["nsenter", f"--target={pid_of(name)}", "--net", "ip", "-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the network of {name} could not be made: {done.stderr.strip()}")


def enter(name: str, argv: Sequence[str], user: str = "root") -> list[str]:
    """Return the command that runs `argv` on a host, in the user's home and with a fresh log-in's few variables.

    Raises:
        LookupError: there is no such user, or no such host is up.
    """
    pid = pid_of(name)
    if pid is None:
        raise LookupError(f"no host {name!r} is up; `python -m tests.cluster.lab status` lists them")
    home = "/" if user == "root" else str(user_named(user).home)
    variables = {"HOME": home, "USER": user, "LOGNAME": user, "SHELL": "/bin/bash", "LANG": "C.UTF-8"}
    variables |= {"PATH": _PATH, "TERM": os.environ.get("TERM", "dumb")}
    return [
        *("nsenter", f"--target={pid}", *_NAMESPACES, "--"),
        *("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"),
        *("env", "--ignore-environment", f"--chdir={home}"),
        *(f"{key}={value}" for key, value in variables.items()),
        *argv,
    ]


def end_all() -> None:
    """End every host by its first process, which takes all of its processes along, and remove the lab's folder."""
    for name in ALL:
        pid = pid_of(name)
        if pid is not None:
            _end(pid)
    if LAB.exists():
        shutil.rmtree(LAB)


def _end(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], 30)  # readable once it has ended
    finally:
        os.close(handle)
