"""How long running code takes: one small cell, the same in a long notebook, 100 MB printed, the resources."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import psutil

from bench.figures import Check, Figure, Samples
from bench.floors import BareKernel, bare_kernel
from bench.place import Agent, BenchError, Place, agent, facts_of

MEGA = 1_000_000
LINES = 1_000_000
PRINT_100_MB = f"""
for block in range({LINES} // 1000):
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
        aim=1.8,
    )


async def _alternate(
    an_agent: Agent, session: str, kernel: BareKernel, times: int
) -> tuple[list[float], list[float]]:
    ours, floor = [], []
    for _ in range(times):
        floor.append(kernel.timed("1+1"))
        ours.append(await an_agent.timed("execute_code", session_id=session, code="1+1"))
    return ours, floor


async def long_notebook(place: Place, *, quick: bool) -> Figure:
    """execute_code("1+1") in a notebook of 2,000 cells, against one of 10; alternating."""
    times: dict[int, list[float]] = {}
    async with agent(place) as an_agent:
        sessions = {}
        for cells in (2000, 10):
            path = place.project / "notebooks" / f"with_{cells}.ipynb"
            _write_notebook(path, cells)
            answer = await an_agent.call(
                "start_session_continue_notebook", experiment_name=path.stem, notebook_path=str(path)
            )
            sessions[cells] = facts_of(answer)["session_id"]
            times[cells] = []
        for number in range(25 if quick else 105):
            for cells, session in sessions.items():
                seconds = await an_agent.timed("execute_code", session_id=session, code="1+1")
                if number >= 5:  # noqa: PLR2004 - the first ones warm up
                    times[cells].append(seconds)
    return Figure.ratio(
        "cells",
        'execute_code("1+1") in a notebook of 2,000 cells',
        Samples.milliseconds(times[2000]),
        Samples.milliseconds(times[10]),
        "in one of 10 cells",
        aim=1.2,
    )


def _write_notebook(path: Path, cells: int) -> None:
    output = nbformat.v4.new_output("stream", name="stdout", text="a line of output\n" * 10)
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                f"value_{number} = {number}\nprint(value_{number})",
                outputs=[output],
                execution_count=number + 1,
            )
            for number in range(cells)
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, path)


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
                drained = kernel.run(PRINT_100_MB)
                floor.append(time.perf_counter() - begun)
                if drained != LINES * 100:
                    notes.append(f"the floor lost output: {drained:,} of {LINES * 100:,} bytes arrived")

                with _watched_memory(_mcp_server()) as memory:
                    begun = time.perf_counter()
                    answer = await an_agent.call("execute_code", session_id=session, code=PRINT_100_MB)
                    ours.append(time.perf_counter() - begun)
                growths.append(memory.growth)
                sizes.append(len(answer.model_dump_json(by_alias=True, exclude_none=True).encode()))
                _expect_whole(facts_of(answer))
    notes.append("complete on disk: size and SHA-256 are right in every run")
    return _big_output_figure(Samples.seconds(ours), Samples.seconds(floor), growths, sizes, notes)


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


def _expect_whole(facts: dict[str, Any]) -> None:
    """Compare the file that holds the whole text with what was printed."""
    name = facts.get("output_file")
    if not name:
        raise BenchError(f"the answer names no output_file: {json.dumps(facts)[:300]}")
    path = Path(name)
    size = path.stat().st_size
    if size != LINES * 100:
        raise BenchError(f"`{path.name}` has {size:,} bytes of {LINES * 100:,}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").digest()
    wanted = hashlib.sha256()
    for block in range(LINES // 1000):
        lines = (f"{block * 1000 + i:09d} " + "x" * 89 + "\n" for i in range(1000))
        wanted.update("".join(lines).encode())
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
