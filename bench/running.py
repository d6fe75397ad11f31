"""How long running code takes: one small cell, many at once, text by the hundred megabytes, the resources."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.figures import Check, Figure, Samples
from bench.floors import BareKernel, bare_kernel
from bench.place import Agent, BenchError, Place, agent, facts_of

MEGA = 1_000_000
LINE = 100
"""Bytes of a printed line."""
LINES = MEGA
STREAM_LINES = 6 * MEGA
"""What takes longer than ten seconds at the aim of 50 MB/s."""
SLEEPERS = 20


def _print(lines: int) -> str:
    """Code that prints so many numbered lines, a thousand at a time."""
    return f"""
for block in range({lines} // 1000):
    print("\\n".join(f"{{block * 1000 + i:09d}} " + "x" * 89 for i in range(1000)))
"""


async def small_cell(place: Place, *, quick: bool) -> Figure:
    """execute_code("1+1") through MCP, against the same over ZMQ; alternating, a kernel each."""
    async with agent(place) as an_agent:
        session = await an_agent.open_session("small")
        with bare_kernel(place) as kernel:
            await _alternate(an_agent, session, kernel, 5)
            ours, floor = await _alternate(an_agent, session, kernel, 20 if quick else 100)
    return Figure.ratio(
        "execute",
        'execute_code("1+1") through MCP stdio',
        Samples.milliseconds(ours),
        Samples.milliseconds(floor),
        "the same by jupyter_client over ZMQ",
        aim=1.5,
    )


async def _alternate(
    an_agent: Agent, session: str, kernel: BareKernel, times: int
) -> tuple[list[float], list[float]]:
    ours, floor = [], []
    for _ in range(times):
        floor.append(kernel.timed("1+1"))
        ours.append(await an_agent.timed("execute_code", session_id=session, code="1+1"))
    return ours, floor


async def resources(place: Place, *, quick: bool) -> Figure:
    """check_resources, which has no floor."""
    async with agent(place) as an_agent:
        times = [await an_agent.timed("check_resources") for _ in range(5 if quick else 21)][1:]
    samples = Samples.milliseconds(times)
    return Figure(
        "resources", "check_resources", samples, (Check("median", samples.median, aim=150, unit="ms"),)
    )


async def big_output(place: Place, *, quick: bool) -> Figure:
    """100 MB printed by one cell, against jupyter_client draining the same over ZMQ; alternating."""
    ours, floor, growths, sizes = [], [], [], []
    notes = []
    async with agent(place) as an_agent:
        session = await an_agent.open_session("big")
        await an_agent.call("execute_code", session_id=session, code="1+1")
        with bare_kernel(place) as kernel:
            for _ in range(1 if quick else 5):
                begun = time.perf_counter()
                drained = kernel.run(_print(LINES))
                floor.append(time.perf_counter() - begun)
                if drained != LINES * LINE:
                    notes.append(f"the floor lost output: {drained:,} of {LINES * LINE:,} bytes arrived")

                with _watched_memory(_mcp_server()) as memory:
                    begun = time.perf_counter()
                    answer = await an_agent.call("execute_code", session_id=session, code=_print(LINES))
                    ours.append(time.perf_counter() - begun)
                growths.append(memory.growth)
                sizes.append(len(answer.model_dump_json(by_alias=True, exclude_none=True).encode()))
                _expect_whole(facts_of(answer), LINES)
    notes.append("complete on disk: size and SHA-256 are right in every run")
    return _big_output_figure(Samples.seconds(ours), Samples.seconds(floor), growths, sizes, notes)


async def stream(place: Place, *, quick: bool) -> Figure:
    """Text for more than ten seconds, against jupyter_client draining the same over ZMQ; alternating."""
    lines = LINES if quick else STREAM_LINES
    megabytes = lines * LINE / MEGA
    ours, floor = [], []
    async with agent(place) as an_agent:
        session = await an_agent.open_session("stream")
        await an_agent.call("execute_code", session_id=session, code="1+1")
        with bare_kernel(place) as kernel:
            for _ in range(1 if quick else 3):
                floor.append(kernel.timed(_print(lines)))
                begun = time.perf_counter()
                answer = await an_agent.call("execute_code", session_id=session, code=_print(lines))
                ours.append(time.perf_counter() - begun)
                _expect_whole(facts_of(answer), lines)
    samples = Samples.seconds(ours)
    return Figure(
        "stream",
        f"{megabytes:.0f} MB printed",
        samples,
        (Check("time", samples.median, aim=megabytes / 50, unit="s"),),
        Samples.seconds(floor),
        "drained by jupyter_client over ZMQ",
        (f"{megabytes / samples.median:.0f} MB/s; complete on disk in every run",),
    )


async def sleepers(place: Place, *, quick: bool) -> Figure:
    """Twenty sessions that sleep for a second at the same time, until the last has answered."""
    times = []
    async with agent(place) as an_agent:
        sessions = [await an_agent.open_session(f"sleeper_{number}") for number in range(SLEEPERS)]
        for _ in range(2 if quick else 6):
            begun = time.perf_counter()
            async with asyncio.TaskGroup() as calls:
                for session in sessions:
                    code = "import time; time.sleep(1)"
                    calls.create_task(an_agent.call("execute_code", session_id=session, code=code))
            times.append(time.perf_counter() - begun)
        for session in sessions:
            await an_agent.call("shutdown_session", session_id=session)
    samples = Samples.seconds(times[1:])
    what = f"{SLEEPERS} sessions x sleep(1) at once"
    return Figure("sleepers", what, samples, (Check("median", samples.median, aim=1.3, unit="s"),))


def _big_output_figure(
    ours: Samples, floor: Samples, growths: list[int], sizes: list[int], notes: list[str]
) -> Figure:
    return Figure(
        "output",
        "100 MB printed",
        ours,
        (
            Check("ratio", ours.median / floor.median, aim=1.5),
            Check("memory", max(growths) / MEGA, aim=20, unit="MB"),
            Check("answer", max(sizes) / 1000, aim=32, unit="kB"),
        ),
        floor,
        "drained by jupyter_client over ZMQ",
        tuple(notes),
    )


def _expect_whole(facts: dict[str, Any], lines: int) -> None:
    """Compare the file that holds the whole text with what was printed."""
    name = facts.get("output_file")
    if not name:
        raise BenchError(f"the answer names no output_file: {json.dumps(facts)[:300]}")
    path = Path(name)
    size = path.stat().st_size
    if size != lines * LINE:
        raise BenchError(f"`{path.name}` has {size:,} bytes of {lines * LINE:,}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").digest()
    wanted = hashlib.sha256()
    for block in range(lines // 1000):
        numbered = (f"{block * 1000 + i:09d} " + "x" * 89 + "\n" for i in range(1000))
        wanted.update("".join(numbered).encode())
    if found != wanted.digest():
        raise BenchError(f"`{path.name}` is not what was printed")


class _Memory:
    """The highest resident size of a process above what it was at first, in bytes."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._before = process.memory_info().rss
        self._peak = self._before
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def growth(self) -> int:
        return self._peak - self._before

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            self._look()
        self._look()

    def _look(self) -> None:
        self._peak = max(self._peak, self._process.memory_info().rss)


@contextmanager
def _watched_memory(process: psutil.Process) -> Iterator[_Memory]:
    memory = _Memory(process)
    try:
        yield memory
    finally:
        memory.end()


def _mcp_server() -> psutil.Process:
    """Find the MCP server among this process's children; kernels are the others."""
    for child in psutil.Process().children():
        if any(word.endswith(("jlab-mcp", "jlab_mcp")) for word in child.cmdline()):
            return child
    raise BenchError("the MCP server is not among the children of this process")
