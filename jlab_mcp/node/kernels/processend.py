"""The end of a kernel's process: noticed at once, told in words, or brought about."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any

from ..host.host import oom_file, oom_kills


class MemoryWatch:
    """Whether the system has killed a process of a kernel's cgroup for lack of memory since this was made."""

    def __init__(self, pid: int) -> None:
        self._file = oom_file(pid)
        self._before = None if self._file is None else oom_kills(self._file)

    def ran_out(self) -> bool | None:
        """Return whether it has; null where the system does not count."""
        now = None if self._file is None else oom_kills(self._file)
        return None if now is None or self._before is None else now > self._before


def process_of(manager: Any) -> Any:
    """Return the `Popen` of a kernel's manager, or None where its provisioner has none on this machine."""
    return getattr(getattr(manager, "provisioner", None), "process", None)


def pid_of(manager: Any) -> int | None:
    """Return the process id of a kernel, or None where it has none on this machine."""
    pid = getattr(process_of(manager), "pid", None)
    return pid if isinstance(pid, int) else None


def kill(manager: Any) -> None:
    """Kill a kernel's process and its group without an event loop; harmless if it has ended."""
    pid = pid_of(manager)
    if pid is not None and process_of(manager).poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)  # kernels lead groups of their own


async def exit_of(process: Any, manager: Any) -> int | None:
    """Wait for the end of a kernel process; its return code, or None where it cannot be known."""
    if process is not None and hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            await _pidfd_ready(process.pid)
            return _return_code(process)
    while manager is not None and await manager.is_alive():  # noqa: ASYNC110 - no event tells it
        await asyncio.sleep(0.25)  # no pidfd here: remote provisioner, or an old kernel of Linux
    return _return_code(process)


def _return_code(process: Any) -> int | None:
    code = process.poll() if process is not None else None
    return code if isinstance(code, int) else None


async def _pidfd_ready(pid: int) -> None:
    loop = asyncio.get_running_loop()
    descriptor = os.pidfd_open(pid)  # type: ignore[attr-defined,unused-ignore]
    gone = loop.create_future()
    try:
        # Readable for as long as it is watched, so the first time must be the only one that counts.
        loop.add_reader(descriptor, lambda: None if gone.done() else gone.set_result(None))
        await gone
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def describe_exit(code: int | None, memory: MemoryWatch | None) -> str:
    """How a process ended, in words (negative codes are signals, as in `subprocess`)."""
    if code is None:
        return "the kernel process ended"
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"the kernel was killed by {name}{_memory_words(memory) if name == 'SIGKILL' else ''}"
    return f"the kernel process ended with exit code {code}"


def _memory_words(memory: MemoryWatch | None) -> str:
    ran_out = memory.ran_out() if memory is not None else None
    if ran_out is None:
        return " (as the system does when memory runs out)"
    return ": memory ran out, as the system's count of such kills says" if ran_out else ""
