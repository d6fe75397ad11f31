"""Processes of this host, from /proc: their parents, sessions, age and memory, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .host import PROC, read_text, resident

_POLL = 0.05  # seconds between two looks at processes that are not ours to wait for


@dataclass(frozen=True)
class Process:
    """One process, known by its id and its start together.

    Attributes:
        pid: its id.
        parent: the id of its parent.
        session: the id of the session of processes that it belongs to.
        ticks: when it began, in clock ticks since the host's boot.
        zombie: whether it has ended and only waits for its parent to notice.
    """

    pid: int
    parent: int
    session: int
    ticks: int
    zombie: bool


def process(pid: int, proc: Path = PROC) -> Process | None:
    """Look at one process; None if it is gone."""
    text = read_text(proc / str(pid) / "stat")
    if text is None:
        return None
    # The name, in parentheses, may hold spaces and parentheses: what follows the last one is plain.
    fields = text.rpartition(")")[2].split()
    try:
        return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), fields[0] in ("Z", "X"))
    except (IndexError, ValueError):
        return None


def processes(proc: Path = PROC) -> list[Process]:
    """List the processes of this host that belong to this user."""
    own = os.geteuid()
    found = []
    with contextlib.suppress(OSError), os.scandir(proc) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and entry.stat().st_uid == own:
                    found.append(process(int(entry.name), proc))
    return [each for each in found if each is not None and not each.zombie]


def alive(which: Iterable[Process], proc: Path = PROC) -> list[Process]:
    """Return those that have not ended."""
    now = ((each, process(each.pid, proc)) for each in which)
    return [each for each, seen in now if seen and seen.ticks == each.ticks and not seen.zombie]


def descendants(pid: int, among: Iterable[Process]) -> list[Process]:
    """Return the children of a process, their children, and so on."""
    by_parent: dict[int, list[Process]] = {}
    for each in among:
        by_parent.setdefault(each.parent, []).append(each)
    found: list[Process] = []
    waiting = [pid]
    while waiting:
        children = by_parent.pop(waiting.pop(), [])
        found += children
        waiting += [each.pid for each in children]
    return found


def age(which: Process, proc: Path = PROC) -> float | None:
    """Return how long a process has run, in seconds."""
    up = (read_text(proc / "uptime") or "").split()
    if not up:
        return None
    return max(0.0, float(up[0]) - which.ticks / os.sysconf("SC_CLK_TCK"))


def memory(which: Iterable[Process], proc: Path = PROC) -> int:
    """Return the resident memory of processes together, in bytes; what they share counts for each."""
    return sum(resident(each.pid, proc) or 0 for each in which)


async def end(which: Iterable[Process], *, gently: float, within: float) -> list[Process]:
    """End processes: SIGTERM, and SIGKILL for those that are still there after `gently` seconds.

    Returns:
        Those that are there even `within` seconds later.
    """
    left = list(which)
    for number, seconds in ((signal.SIGTERM, gently), (signal.SIGKILL, within)):
        left = alive(left)
        for each in left:
            with contextlib.suppress(OSError):
                os.kill(each.pid, number)
        left = await gone(left, seconds)
    return left


async def gone(which: Iterable[Process], within: float) -> list[Process]:
    """Wait until processes have ended; returns those that have not, `within` seconds later."""
    deadline = time.monotonic() + within
    left = alive(which)
    while left and time.monotonic() < deadline:
        await asyncio.sleep(_POLL)  # they are no children of ours: nothing tells their end
        left = alive(left)
    return left
