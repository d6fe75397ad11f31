"""The first process of a lab host: it gives the host its own mounts, then reaps what dies until it is killed.

It runs as a script of its own, as process 1 of a new pid namespace. Its one argument is an `Orders` as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_ASIDE = Path("/run/aside")


@dataclass(frozen=True)
class Orders:
    """What a host is to look like; all paths are absolute.

    Attributes:
        name: its host name.
        pid_file: where it writes its process id outside, and when it started.
        covers: folders that get an empty file system in place of the machine's.
        reach: folders that must be there for every user although a cover hides them.
        binds: pairs of a path and the one it replaces.
        folders: triples of a folder to make in /run, its owner and its mode.
        files: empty files to make in /run: the pretended GPUs.
    """

    name: str
    pid_file: str
    covers: list[str]
    reach: list[str]
    binds: list[tuple[str, str]]
    folders: list[tuple[str, str, int]]
    files: list[str]

    def to_json(self) -> str:
        """Return it as the script's argument."""
        return json.dumps(dataclasses.asdict(self))


def started(pid: int | str) -> str:
    """Return when a process started, in the kernel's ticks: with its id, that names it for good."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _note_pid(pid_file: Path) -> None:
    """Write the pid file, while /proc is still the machine's and so knows the id outside."""
    pid = str(Path("/proc/self").readlink())
    pid_file.write_text(f"{pid} {started(pid)}\n")


def _cover(orders: Orders) -> None:
    """Put empty file systems over folders, and bring back what is wanted below them."""
    aside = []
    for number, folder in enumerate(orders.reach):
        place = _ASIDE / str(number)
        place.mkdir(parents=True)
        _mount("--bind", os.path.realpath(folder), str(place))
        aside.append((place, folder))
    for cover in orders.covers:
        mode = "1777" if cover == "/tmp" else "755"
        _mount("-t", "tmpfs", "-o", f"mode={mode}", "lab", cover)
    for place, folder in aside:
        Path(folder).mkdir(parents=True, exist_ok=True)
        _mount("--bind", str(place), folder)


def _furnish(orders: Orders) -> None:
    """Make the host's own files."""
    for source, target in orders.binds:
        _mount("--bind", source, target)
    for folder, owner, mode in orders.folders:
        Path(folder).mkdir(parents=True)
        Path(folder).chmod(mode)
        subprocess.run(["chown", owner, folder], check=True)
    for file in orders.files:
        os.mknod(file, stat.S_IFCHR | 0o644, os.makedev(1, 3))  # it reads as /dev/null does


def _reap_for_ever() -> None:
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            signal.sigwait({signal.SIGCHLD})


def main() -> None:
    """Set the host up, say so on stdout, and stay."""
    orders = Orders(**json.loads(sys.argv[1]))
    _note_pid(Path(orders.pid_file))
    socket.sethostname(orders.name)
    os.umask(0o022)
    _mount("-t", "proc", "proc", "/proc")
    _mount("-t", "tmpfs", "-o", "mode=755", "lab", "/run")
    _cover(orders)
    _furnish(orders)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    print("ready", flush=True)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    _reap_for_ever()


if __name__ == "__main__":
    main()
