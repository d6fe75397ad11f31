"""Kernels that servers of ours have left on this host when they were killed: found, and ended on request.

A kernel is known by the connection file on its command line, which lies in a launcher's runtime folder.
It was left if it is not the child of the server that started it any more.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..host.host import PROC, read_text
from ..host.processes import Process, age, end, memory, processes
from ..launch import RUNTIME_PREFIX

_CONNECTION = re.compile(rf"[^\0]*/{RUNTIME_PREFIX}[^/\0]*/kernel-([0-9a-f-]{{36}})\.json")
_GENTLY, _WITHIN = 3.0, 5.0  # seconds for an end on request, and for one that is forced


@dataclass(frozen=True)
class LeftKernel:
    """One kernel without a server.

    Attributes:
        left_id: what names it: `left-` and the first eight digits of the kernel's id.
        members: its process, the oldest one, and those that belong to it.
        notebook_path: the notebook that it was started for; empty where that cannot be told.
    """

    left_id: str
    members: tuple[Process, ...]
    notebook_path: str

    def as_json(self) -> dict[str, Any]:
        """It as the API shows it."""
        return {
            "left_id": self.left_id,
            "pid": self.members[0].pid,
            "processes": len(self.members),
            "age_s": age(self.members[0]),
            "rss": memory(self.members),
            "notebook_path": self.notebook_path,
        }

    def as_session(self) -> dict[str, Any]:
        """It as if it were a session, for the answer to its end."""
        began = time.time() - (age(self.members[0]) or 0.0)
        return {
            "session_id": self.left_id,
            "name": os.path.basename(self.notebook_path),
            "notebook_path": self.notebook_path,
            "kernel_name": "",
            "kernel_state": "left",
            "kernel_pid": self.members[0].pid,
            "created_at": began,
            "cells": 0,
        }

    async def end(self) -> list[Process]:
        """End it with all that belongs to it; returns what is still there."""
        return await end(self.members, gently=_GENTLY, within=_WITHIN)


def left_kernels(notebooks: Mapping[str, str], proc: Path = PROC) -> list[LeftKernel]:
    """Find the kernels of this user that have no server any more, the oldest first.

    Args:
        notebooks: what is known of the notebooks of kernels, by their ids; of others their environment tells,
            or the folder in which they work.
        proc: where the system shows its processes.
    """
    everything = sorted(processes(proc), key=lambda each: each.ticks)
    by_kernel: dict[str, list[Process]] = {}
    for each in everything:
        kernel_id = _kernel_of(each.pid, proc)
        if kernel_id is not None:
            by_kernel.setdefault(kernel_id, []).append(each)
    found = []
    for kernel_id, known in by_kernel.items():
        told = [_environment(each.pid, proc) for each in known]
        if any(not env or str(each.parent) == env.get("JPY_PARENT_PID") for each, env in zip(known, told)):
            continue  # its server is there, or it cannot be told
        members = known + _others(known, everything)
        notebook = notebooks.get(kernel_id) or _notebook(known[0], told[0], proc)
        found.append(LeftKernel(f"left-{kernel_id[:8]}", tuple(members), notebook))
    return found


def _kernel_of(pid: int, proc: Path) -> str | None:
    match = _CONNECTION.search(read_text(proc / str(pid) / "cmdline") or "")
    return match.group(1) if match else None


def _environment(pid: int, proc: Path) -> dict[str, str]:
    text = read_text(proc / str(pid) / "environ") or ""
    return dict(pair.split("=", 1) for pair in text.split("\0") if "=" in pair)


def _others(known: Iterable[Process], everything: Iterable[Process]) -> list[Process]:
    """Return what else runs in a kernel's session of processes: it leads one of its own."""
    pids = {each.pid for each in known}
    return [each for each in everything if each.session in pids and each.pid not in pids]


def _notebook(leader: Process, env: dict[str, str], proc: Path) -> str:
    name = env.get("JPY_SESSION_NAME", "")
    if os.path.isabs(name):
        return name
    try:
        return os.path.join(os.readlink(proc / str(leader.pid) / "cwd"), os.path.basename(name))
    except OSError:
        return name
