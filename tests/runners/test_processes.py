"""Which process is which."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from jlab_mcp.runners.processes import (
    Identity,
    descendants,
    gone,
    is_alive,
    processes_with_argument,
    send,
    start_ticks,
    started_at,
)

SLEEP = "import subprocess, sys, time; {} print('up', flush=True); time.sleep(600)"
CHILD = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEP.format(CHILD), "--mark=it's mine"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        assert process.stdout
        process.stdout.readline()
        yield process
        os.killpg(process.pid, signal.SIGKILL)


def _identity(process: subprocess.Popen[bytes]) -> Identity:
    return Identity(process.pid, start_ticks(process.pid))


def test_a_process_is_known_by_id_and_start_together(parent: subprocess.Popen[bytes]) -> None:
    mine = _identity(parent)
    assert is_alive(mine)
    assert not is_alive(Identity(mine.pid, mine.started + 1))
    assert started_at(2**22 + 1) is None


def test_a_stranger_with_the_same_id_is_not_signalled(parent: subprocess.Popen[bytes]) -> None:
    mine = _identity(parent)
    assert not send(Identity(mine.pid, mine.started + 1), signal.SIGKILL)
    assert is_alive(mine)


async def test_a_zombie_counts_as_gone(parent: subprocess.Popen[bytes]) -> None:
    mine = _identity(parent)
    assert await gone([mine], 0.0) == [mine]
    assert send(mine, signal.SIGKILL)
    assert await gone([mine], 10) == []
    assert start_ticks(mine.pid) == mine.started  # nobody has reaped it yet
    assert not send(mine, signal.SIGKILL)


def test_children_and_arguments_are_found(parent: subprocess.Popen[bytes]) -> None:
    assert len(descendants(parent.pid)) == 1
    assert processes_with_argument("--mark=it's mine") == [_identity(parent)]
    assert processes_with_argument("--mark=it's") == []
