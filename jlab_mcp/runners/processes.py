"""Which process is which: identities that outlive a reused process id."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROC = Path("/proc")
_PAUSE = 0.1
_STATE, _PPID, _STARTED = 0, 1, 19
"""Fields of /proc/PID/stat, counted from the one after the name."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that can be told from any other of this boot."""

    pid: int
    started: int


def hostname() -> str:
    """Return this host's name."""
    return socket.gethostname()


@cache
def boot_id() -> str:
    """Return the kernel's id of this boot; empty where it has none."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def started_at(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if it is gone or a zombie."""
    fields = _stat(pid)
    return None if fields is None or fields[_STATE] in "ZX" else int(fields[_STARTED])


def start_ticks(pid: int) -> int:
    """Return when a child of ours started, also if it is a zombie by now; 0 where there is no /proc."""
    fields = _stat(pid)
    return int(fields[_STARTED]) if fields else 0


def processes_with_argument(argument: str) -> list[Identity]:
    """Find this user's living processes that were given exactly this argument."""
    wanted = argument.encode("utf-8", "surrogateescape")
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and wanted in _arguments(entry):
            pid = int(entry.name)
            if (started := started_at(pid)) is not None:
                found.append(Identity(pid, started))
    return found


def is_alive(process: Identity) -> bool:
    """Say whether this very process is still there."""
    return started_at(process.pid) == process.started


def send(process: Identity, signal_number: int) -> bool:
    """Signal this very process, never another with its id; False if it is gone.

    The check and the signal go through one process descriptor, so that no other process can take the
    id in between.
    """
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    except OSError:  # kernels before 5.3 have none
        return is_alive(process) and _kill(process.pid, signal_number)
    try:
        return is_alive(process) and _signal_through(descriptor, signal_number)
    finally:
        os.close(descriptor)


async def gone(processes: Sequence[Identity], limit: float) -> list[Identity]:
    """Wait until processes are gone, `limit` seconds at most (`inf`: for ever); return those still there."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit if isfinite(limit) else None):
            await asyncio.gather(*(_end_of(process) for process in processes))
    return [process for process in processes if is_alive(process)]


async def _end_of(process: Identity) -> None:
    """Wait for the end of a process: its descriptor becomes readable then."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    except OSError:  # kernels before 5.3 have none
        while is_alive(process):  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(_PAUSE)
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        if is_alive(process):  # the id may have belonged to another one by then
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def descendants(pid: int) -> list[Identity]:
    """Return all living processes below a process, children before grandchildren."""
    parents: dict[int, list[Identity]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) and fields[_STATE] not in "ZX":
            child = Identity(int(entry.name), int(fields[_STARTED]))
            parents.setdefault(int(fields[_PPID]), []).append(child)
    found: list[Identity] = []
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(0), [])
        found += children
        waiting += [child.pid for child in children]
    return found


def _signal_through(descriptor: int, signal_number: int) -> bool:
    try:
        signal.pidfd_send_signal(descriptor, signal_number)
    except ProcessLookupError:
        return False
    return True


def _kill(pid: int, signal_number: int) -> bool:
    try:
        os.kill(pid, signal_number)
    except ProcessLookupError:
        return False
    return True


def _arguments(entry: Path) -> list[bytes]:
    try:
        mine = entry.stat().st_uid == os.getuid()
        return (entry / "cmdline").read_bytes().split(b"\0") if mine else []
    except OSError:
        return []


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name, which may hold spaces and brackets."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split() or None
