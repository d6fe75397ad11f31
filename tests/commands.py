"""Run `jlab-mcp` as a person does: as a process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from jlab_mcp.core.record import ServerRecord
from jlab_mcp.runners.local import launcher_of
from jlab_mcp.runners.processes import Identity, gone, is_alive
from tests.conftest import Project

_Given = TypeVar("_Given")
_Found = TypeVar("_Found")
COMMAND = [sys.executable, "-m", "jlab_mcp"]
LIMIT = 90.0
"""Seconds after which a test gives up waiting."""


def run(project: Project, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=project.folder,
        env=project.env | environ,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command said on stderr, but for what it waited for: a slow machine has it say more of that."""
    waits = (
        "asking ",
        "checking: ",
        "looking for ",
        "opening the session",
        "reading the notebook",
        "sending the code",
        "still ",
        "waiting for ",
    )
    return "".join(line for line in done.stderr.splitlines(keepends=True) if not line.startswith(waits))


def spawn(project: Project, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    """Start a command."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=project.folder,
        env=project.env | environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a command's end; exit code, stdout, stderr."""
    out, err = process.communicate(timeout=LIMIT)
    return process.returncode, out, err


def until(look: Callable[[], _Found | None], what: str) -> _Found:
    """Wait until `look` finds something."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.01)  # between two looks, with a limit
    raise AssertionError(f"no {what} after {LIMIT:.0f} s")


async def meanwhile(look: Callable[[], _Found | None], what: str) -> _Found:
    """Wait until `look` finds something, without holding up what else goes on."""
    return await asyncio.to_thread(until, look, what)


def side_by_side(do: Callable[[_Given], _Found], them: Iterable[_Given]) -> list[_Found]:
    """Do something with each of them, as many at the same time as a small machine can bear."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(do, them))


def record_of(project: Project) -> ServerRecord | None:
    """Read a project's record, if there is one."""
    path = project.resolved().paths.record_file
    return ServerRecord.model_validate_json(path.read_bytes()) if path.exists() else None


def wait_for_record(project: Project) -> ServerRecord:
    """Wait until a server was launched."""
    return until(lambda: record_of(project), "record")


def change_record(project: Project, **values: object) -> None:
    """Change fields of a project's record."""
    path = project.resolved().paths.record_file
    path.write_text(json.dumps(json.loads(path.read_bytes()) | values))


def change_process(project: Project, **values: object) -> None:
    """Change what a project's record says of its process."""
    path = project.resolved().paths.record_file
    record = json.loads(path.read_bytes())
    change_record(project, process=record["process"] | values)


def identity(record: ServerRecord) -> Identity:
    """Return the identity of a record's process."""
    return launcher_of(record)


def kill(record: ServerRecord) -> None:
    """Kill a server as a crash would, and wait until it is gone."""
    os.kill(identity(record).pid, signal.SIGKILL)
    wait_gone(record)


def wait_gone(record: ServerRecord) -> None:
    """Wait until a server's process is gone."""
    assert not asyncio.run(gone([identity(record)], LIMIT))


def alive(record: ServerRecord) -> bool:
    """Say whether a server's process is there."""
    return is_alive(identity(record))


def files_of(project: Project) -> list[str]:
    """List what is left in the connection folder, locks aside."""
    folder: Path = project.resolved().connection_dir
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") if folder.is_dir() else []
