"""Kernels that end in the middle of a cell, each in its own way."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.node.server import NodeServer

pytestmark = pytest.mark.live

_CGROUPS = Path("/sys/fs/cgroup")
_SAID_WITHIN = 2.0 + 3.0
"""Seconds from a kernel's end to the answer that says so: two, and more for a slow machine."""


def texts(execution: dict[str, Any]) -> str:
    return "".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in execution["outputs"])


def dies(node: NodeServer, session: str, code: str) -> dict[str, Any]:
    """Run code that ends its kernel; check what must hold however it does."""
    node.run(session, code="import ctypes, os, signal, time; state = 1")
    # What a process had not sent yet is gone with it: so it goes once its output has come.
    go = Path(node.notebooks / f"go-{session}")
    waits = f"print('kept', end='', flush=True)\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
    running = node.begin(session, waits + code)
    behind = node.run(session, wait=0, code="state")["execution_id"]
    go.touch()
    since = time.monotonic()
    dead = node.execution(running, wait=60)
    assert time.monotonic() - since < _SAID_WITHIN
    assert (dead["state"], texts(dead)) == ("kernel_died", "kept")
    assert node.execution(behind, wait=60)["state"] == "not_run"
    assert node.cells(session)[-2]["outputs"] == dead["outputs"]
    after = node.run(session, code="state")
    assert after["error"]["ename"] == "NameError"
    assert f"{dead['reason']} and a new kernel runs in its place: all variables and imports are gone" in str(
        after["notice"]
    )
    assert node.run(session, code="1")["notice"] is None
    return dead


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("os._exit(3)", "exit code 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
        ("os.abort()", "SIGABRT"),
        ("exit()", "exit code 0"),
        ("quit()", "exit code 0"),
    ],
)
def test_a_kernels_end_is_told_at_once_with_its_cause_and_what_was_printed(
    node: NodeServer, code: str, said: str
) -> None:
    dead = dies(node, node.new_session("death")["session_id"], code)
    assert said in dead["reason"]


def test_sys_exit_ends_no_kernel_and_is_told_as_the_error_that_it_is(node: NodeServer) -> None:
    session = node.new_session("sys exit")["session_id"]
    node.run(session, code="state = 1")
    ended = node.run(session, code="print('kept', end=''); import sys; sys.exit(3)")
    assert (ended["state"], ended["error"]) == ("error", {"ename": "SystemExit", "evalue": "3"})
    assert texts(ended).startswith("kept")
    after = node.run(session, code="state")
    assert (texts(after), after["notice"]) == ("1", None)


@contextmanager
def memory_limit(size: int) -> Iterator[Path]:
    """Make a cgroup of either version whose processes may have so many bytes; its file of processes."""
    if os.geteuid() != 0:
        pytest.skip("a limit of memory needs root")
    second = [root for root in (_CGROUPS, _CGROUPS / "unified") if (root / "cgroup.controllers").exists()]
    by_second = [root for root in second if "memory" in (root / "cgroup.subtree_control").read_text()]
    limit = "memory.max" if by_second else "memory.limit_in_bytes"
    group = (by_second[0] if by_second else _CGROUPS / "memory") / f"jlab-mcp-test-{os.getpid()}"
    group.mkdir()
    try:
        (group / limit).write_text(str(size))
        yield group / "cgroup.procs"
    finally:
        deadline = time.monotonic() + 30
        while True:
            try:
                group.rmdir()
                break
            except OSError:  # the killed process is still being taken down
                assert time.monotonic() < deadline


def test_a_kernel_that_the_system_kills_for_lack_of_memory_is_told_so(node: NodeServer) -> None:
    session = node.new_session("memory")["session_id"]
    with memory_limit(150_000_000) as processes:
        node.run(session, code=f"open({str(processes)!r}, 'w').write(str(__import__('os').getpid()))")
        dead = dies(node, session, "hoard = b'x' * 1_000_000_000")
    assert dead["reason"].startswith("the kernel was killed by SIGKILL: memory ran out")


def test_an_interrupt_names_what_it_left_unrun_and_each_caller_is_told(node: NodeServer) -> None:
    session = node.new_session("dropped")["session_id"]
    running = node.begin(session, "import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.01)")
    queued = [node.run(session, wait=0, code=f"{n}")["execution_id"] for n in range(3)]
    cancelled = queued.pop(1)
    assert node.post(f"executions/{cancelled}/interrupt").json()["state"] == "not_run"
    answer = node.post(f"sessions/{session}/interrupt").json()
    assert (answer["interrupted"], answer["not_run"]) == (True, queued)
    assert node.execution(running, wait=60)["state"] == "interrupted"
    told = [node.execution(each, wait=60) for each in queued]
    assert [each["state"] for each in told] == ["not_run", "not_run"]
    assert told[0]["reason"] == "what ran before it was interrupted"
