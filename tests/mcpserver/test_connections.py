"""Calls of an agent while the network between it and the server is cut."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from tests.agent import Agent, agent
from tests.commands import LIMIT
from tests.conftest import Project
from tests.network import Network, network

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

_CUT = 60.0
"""Seconds for which the connection is cut."""


def counts_until(go: Path, begun: Path) -> str:
    """Code that prints numbers until it may end, and how often it ran."""
    return (
        "import pathlib, time\nn = globals().get('n', 0) + 1\ni = 0\n"
        f"while not pathlib.Path({str(go)!r}).exists():\n"
        f"    print(i, flush=True); i += 1; time.sleep(0.1); pathlib.Path({str(begun)!r}).touch()\n"
        "print('ran', n)"
    )


async def seen(path: Path) -> None:
    """Wait until code has made a file."""
    async with asyncio.timeout(LIMIT):
        while not path.exists():
            await asyncio.sleep(0.02)


async def told(me: Agent, pattern: str) -> None:
    """Wait until an agent's progress says something."""
    async with asyncio.timeout(LIMIT):
        while not any(re.search(pattern, message or "") for _, _, message in me.progress):
            await asyncio.sleep(0.1)


async def through_a_cut(project: Project, way: Network, files: Path, cut, heal) -> tuple[Agent, str]:
    """Run code, cut the network meanwhile, and heal it again once `heal` is over; returns what is told."""
    files.mkdir()
    go, begun = files / "go", files / "begun"
    async with agent(project) as me:
        session = await me.open(files.name)
        call = asyncio.create_task(me.execute(session, counts_until(go, begun)))
        await seen(begun)
        cut()
        await heal(me)
        await way.open()
        go.touch()
        async with asyncio.timeout(LIMIT):
            text = await call
        assert (await me.execute(session, "print('still', n)")).startswith("still 1\n")
        await me.ok("shutdown_session", session_id=session)
    return me, text


def assert_whole(text: str) -> None:
    """Check that no line is missing, and that the code ran once."""
    lines = text.partition("\n[")[0].splitlines()
    shown = [int(line) for line in lines if line.isdigit()]
    if "left out" not in text:
        assert shown == list(range(len(shown)))
    assert lines[-1] == "ran 1"


async def test_code_goes_on_through_every_cut_of_the_network_and_its_caller_hears_of_it(
    live_project: Project, tmp_path: Path
) -> None:
    async def a_minute(me: Agent) -> None:
        since = time.monotonic()
        await told(me, "has been lost for")
        while (left := _CUT - (time.monotonic() - since)) > 0:
            await asyncio.sleep(min(left, 1))

    async def until_told(me: Agent) -> None:
        await told(me, "has been lost for")

    async def at_once(_me: Agent) -> None:
        pass

    async def case(name: str, cut: str, heal, *, websockets: bool = True) -> None:
        async with network(live_project, tmp_path / f"{name} files", websockets=websockets) as (way, project):
            me, text = await through_a_cut(project, way, tmp_path / name, getattr(way, cut), heal)
            assert_whole(text)
            times = [at for at, _, _ in me.progress]
            assert times == sorted(times)

    await asyncio.gather(
        case("silent for a minute", "hold", a_minute),
        case("refused", "refuse", until_told),
        case("lost for good", "lose", at_once),
        case("silent without websockets", "hold", until_told, websockets=False),
        case("lost without websockets", "lose", at_once, websockets=False),
    )
