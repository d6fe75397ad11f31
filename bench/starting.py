"""How long things take to start: the Jupyter server, the MCP server, a session's first result."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import IO

from bench.figures import Check, Figure, Samples
from bench.floors import EMPTY_SERVER, BareKernel, time_bare_jupyterlab
from bench.place import COMMAND_SECONDS, BenchError, Place, agent, facts_of, jlab_mcp_command

_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    },
}


async def server_start(place: Place, *, quick: bool) -> Figure:
    """`start --detach` until it returns, against bare JupyterLab until it answers; alternating."""
    ours, floor = [], []
    for _ in range(2 if quick else 7):
        floor.append(time_bare_jupyterlab(place))
        begun = time.perf_counter()
        place.jlab_mcp("start", "--detach")
        ours.append(time.perf_counter() - begun)
        place.jlab_mcp("stop")
    return Figure.ratio(
        "start",
        "start --detach to ready",
        # The first pair reads from a cold disk.
        Samples.seconds(ours[1:]),
        Samples.seconds(floor[1:]),
        "bare `jupyter lab` to its first 200",
        aim=1.15,
    )


async def first_result(place: Place, *, quick: bool) -> Figure:
    """start_new_session and one execute_code, against a bare kernel's start and first reply; alternating."""
    ours, floor = [], []
    async with agent(place) as an_agent:
        for number in range(3 if quick else 11):
            kernel = BareKernel(place)
            begun = time.perf_counter()
            try:
                kernel.start()
                kernel.first_reply()
                floor.append(time.perf_counter() - begun)
            finally:
                kernel.stop()

            begun = time.perf_counter()
            session = facts_of(await an_agent.call("start_new_session", experiment_name=f"first_{number}"))
            await an_agent.call("execute_code", session_id=session["session_id"], code="1+1")
            ours.append(time.perf_counter() - begun)
            await an_agent.call("shutdown_session", session_id=session["session_id"])
    return Figure.ratio(
        "session",
        "start_new_session to first result",
        Samples.milliseconds(ours[1:]),
        Samples.milliseconds(floor[1:]),
        "bare kernel start to first reply",
        aim=1.2,
    )


async def new_session(place: Place, *, quick: bool) -> Figure:
    """start_new_session while a spare kernel is ready, which has no floor."""
    times = []
    async with agent(place) as an_agent:
        for number in range(3 if quick else 11):
            place.wait_for_spare()
            begun = time.perf_counter()
            session = await an_agent.open_session(f"spare_{number}")
            times.append(time.perf_counter() - begun)
            await an_agent.call("shutdown_session", session_id=session)
    samples = Samples.milliseconds(times[1:])
    checks = (Check("median", samples.median, aim=200, unit="ms"),)
    return Figure("new", "start_new_session with a spare kernel ready", samples, checks)


async def scratch(place: Place, *, quick: bool) -> Figure:
    """execute_scratch while a spare kernel is ready, which has no floor."""
    times = []
    async with agent(place) as an_agent:
        for _ in range(3 if quick else 11):
            place.wait_for_spare()
            times.append(await an_agent.timed("execute_scratch", code="1+1"))
    samples = Samples.milliseconds(times[1:])
    checks = (Check("median", samples.median, aim=150, unit="ms"),)
    return Figure("scratch", "execute_scratch with a spare kernel ready", samples, checks)


async def mcp_spawn(place: Place, *, quick: bool) -> Figure:
    """The MCP server from its spawn to the answer to `initialize`, against an empty one; alternating."""
    ours, floor = [], []
    for _ in range(3 if quick else 11):
        floor.append(_time_initialize([sys.executable, str(EMPTY_SERVER)], place))
        ours.append(_time_initialize(jlab_mcp_command(), place))
    return Figure.ratio(
        "spawn",
        "jlab-mcp spawn to initialize answered",
        Samples.milliseconds(ours[1:]),
        Samples.milliseconds(floor[1:]),
        "an empty MCPServer of the SDK",
        aim=1.15,
    )


def _time_initialize(command: list[str], place: Place) -> float:
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=place.project,
        env=place.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(_INITIALIZE) + "\n")
        process.stdin.flush()
        _expect_result(process.stdout, command)
        return time.perf_counter() - begun
    finally:
        process.stdin.close()
        try:
            process.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _expect_result(stdout: IO[str], command: list[str]) -> None:
    line = stdout.readline()
    if not line or "result" not in json.loads(line):
        raise BenchError(f"{command} did not answer initialize: {line[:200]!r}")
