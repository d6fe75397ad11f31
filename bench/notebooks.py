"""How long code takes in notebooks that hold much, and all cells of a notebook one after another."""

from __future__ import annotations

import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from bench.figures import Check, Figure, Samples
from bench.floors import bare_kernel
from bench.place import Agent, BenchError, Place, agent, facts_of

CELLS = (10, 1000, 5000)
LARGE = "50 cells of 1 MB"
WARM_UP = 5
RESUMED = 100
_LINE = (
    "a line of output that is as long as a line is, as a program may print it by the hour, with a number\n"
)


async def full_notebooks(place: Place, *, quick: bool) -> Figure:
    """`1+1` in notebooks of few and many cells and of large outputs, and over ZMQ; alternating."""
    times: dict[str, list[float]] = {}
    floor = []
    async with agent(place) as an_agent:
        sessions = {}
        for cells in CELLS:
            sessions[f"{cells:,} cells"] = await _forked(place, an_agent, f"with_{cells}", cells, 10)
        sessions[LARGE] = await _forked(place, an_agent, "large", 50, 1_000_000 // len(_LINE))
        with bare_kernel(place) as kernel:
            for number in range(WARM_UP + (10 if quick else 60)):
                zmq = kernel.timed("1+1")
                took = {
                    name: await an_agent.timed("execute_code", session_id=session, code="1+1")
                    for name, session in sessions.items()
                }
                if number >= WARM_UP:
                    floor.append(zmq)
                    for name, seconds in took.items():
                        times.setdefault(name, []).append(seconds)
    samples = {name: Samples.milliseconds(each) for name, each in times.items()}
    zmq_samples = Samples.milliseconds(floor)
    medians = [each.median for each in samples.values()]
    return Figure(
        "cells",
        f'execute_code("1+1") in a notebook of {CELLS[0]} cells',
        samples[f"{CELLS[0]:,} cells"],
        (
            *(Check(name, each.median / zmq_samples.median, aim=1.5) for name, each in samples.items()),
            Check("largest by smallest", max(medians) / min(medians), aim=1.2),
        ),
        zmq_samples,
        "the same by jupyter_client over ZMQ",
        tuple(f"{name}: {each}" for name, each in samples.items()),
    )


async def resumed(place: Place, *, quick: bool) -> Figure:
    """Open a notebook and run its hundred cells, against nbclient on a kernel that waits; alternating."""
    ours, floor = [], []
    async with agent(place) as an_agent:
        for number in range(3 if quick else 11):
            path = place.project / "notebooks" / f"resumed_{number}.ipynb"
            _write_notebook(path, RESUMED, 0)
            floor.append(await _by_nbclient(path))
            place.wait_for_spare()
            begun = time.perf_counter()
            answer = await an_agent.call(
                "start_session_resume_notebook", experiment_name=path.stem, notebook_path=str(path)
            )
            ours.append(time.perf_counter() - begun)
            await an_agent.call("shutdown_session", session_id=facts_of(answer)["session_id"])
            _expect_run(path)
    return Figure.ratio(
        "resume",
        f"a notebook of {RESUMED} trivial cells opened and run",
        Samples.milliseconds(ours[1:]),
        Samples.milliseconds(floor[1:]),
        "its cells by nbclient, both with a kernel that waits",
        aim=1.3,
    )


async def _by_nbclient(path: Path) -> float:
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, kernel_name="python3")
    async with client.async_setup_kernel():
        begun = time.perf_counter()
        for index, cell in enumerate(notebook.cells):
            await client.async_execute_cell(cell, index)
        return time.perf_counter() - begun


def _expect_run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    counts = [cell.execution_count for cell in notebook.cells]
    printed = [cell.outputs[0].text for cell in notebook.cells]
    if counts != list(range(1, RESUMED + 1)) or printed != [f"{number}\n" for number in range(RESUMED)]:
        raise BenchError(f"{path.name} is not what its cells give")


async def _forked(place: Place, an_agent: Agent, name: str, cells: int, lines: int) -> str:
    path = place.project / "notebooks" / f"{name}.ipynb"
    _write_notebook(path, cells, lines)
    answer = await an_agent.call(
        "start_session_continue_notebook", experiment_name=name, notebook_path=str(path)
    )
    return str(facts_of(answer)["session_id"])


def _write_notebook(path: Path, cells: int, lines: int) -> None:
    output = nbformat.v4.new_output("stream", name="stdout", text=_LINE * lines)
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                f"value_{number} = {number}\nprint(value_{number})",
                outputs=[output] if lines else [],
                execution_count=number + 1,
            )
            for number in range(cells)
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, path)
