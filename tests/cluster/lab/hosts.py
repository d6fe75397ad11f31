"""Hosts as processes: start one, run something on it, end it."""

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
from tests.cluster.lab.layout import CHECKOUT, HOSTS, LAB, SWITCH, Host, user_named

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SITE = Path("/run/site")
"""On each host: what the site puts before its own programs. It is first on the PATH of whoever enters."""
_NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")
ALL = (SWITCH, *(host.name for host in HOSTS))


def pid_of(name: str) -> int | None:
    """Return the id of a host's first process; None if the host is not up."""
    try:
        pid, born = (LAB / "run" / f"{name}.pid").read_text().split()
        return int(pid) if first_process.started(pid) == born else None
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None


def boot(host: Host | None) -> None:
    """Start a host, without a wire yet, and return when it is ready; None is the switch.

    Raises:
        RuntimeError: it did not come up.
    """
    name = host.name if host else SWITCH
    log = LAB / "log" / f"{name}.log"
    script = str(Path(first_process.__file__).resolve())
    namespaces = ["setsid", "--fork", "unshare", *_NAMESPACES, "--fork"]
    with log.open("a") as stderr:
        process = subprocess.Popen(
            [*namespaces, sys.executable, "-I", script, _orders(host)],
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


def _orders(host: Host | None) -> str:
    name = host.name if host else SWITCH
    binds = [(str(LAB / "etc" / file), f"/etc/{file}") for file in ("hosts", "passwd", "group")]
    if host:
        binds.append((str(LAB / "etc" / host.cluster / "slurm"), "/etc/slurm"))
        binds.append((str(LAB / "etc" / host.network / "munge"), "/etc/munge"))
    if host and host.cluster == "alpha":
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
            (str(SITE), "root:", 0o755),
        ],
        files=[f"/run/gpu/nvidia{number}" for number in range(host.gpus if host else 0)],
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
    variables |= {"PATH": f"{SITE}:{_PATH}", "TERM": os.environ.get("TERM", "dumb")}
    return [
        *("nsenter", f"--target={pid}", *_NAMESPACES, "--"),
        *("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"),
        *("env", "--ignore-environment", f"--chdir={home}"),
        *(f"{key}={value}" for key, value in variables.items()),
        *argv,
    ]


def end(name: str) -> None:
    """End a host, if it is up, by its first process, which takes all of its processes along."""
    pid = pid_of(name)
    if pid is None:
        return
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], 30)  # readable once it has ended
    finally:
        os.close(handle)


def end_all() -> None:
    """End every host and remove the lab's folder."""
    for name in ALL:
        end(name)
    if LAB.exists():
        shutil.rmtree(LAB)
