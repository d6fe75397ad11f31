"""One browser, and one agent beside it, for all tests of this folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.agent import Agent, agent
from tests.browser import chromium
from tests.browser.person import Person, person_at
from tests.browser.watcher import Node, Watcher, watching
from tests.conftest import Project


@pytest.fixture(scope="session")
def browser_program() -> str:
    """The browser's program, installed where that can be done."""
    if reason := chromium.hindrance():
        pytest.skip(reason)
    chromium.install()
    return chromium.PROGRAM


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser_owner(
    browser_program: str, live_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Person]:
    """A person with a browser of their own."""
    async with person_at(live_project, browser_program, tmp_path_factory.mktemp("chromium")) as me:
        yield me


@pytest_asyncio.fixture(loop_scope="session")
async def person(browser_owner: Person) -> AsyncIterator[Person]:
    """The same person; what a test leaves open is closed."""
    yield browser_owner
    await browser_owner.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser_agent(live_project: Project) -> AsyncIterator[Agent]:
    """An agent at work in the same project, the same for all tests: an MCP server takes seconds to start."""
    async for me in keep(agent(live_project)):
        yield me


async def keep(coming: AbstractAsyncContextManager[Agent]) -> AsyncIterator[Agent]:
    """Yield an agent, who comes and goes in one task, as the MCP client wants it."""
    ready: asyncio.Future[Agent] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def speak() -> None:
        async with coming as me:
            ready.set_result(me)
            await done.wait()

    speaking = asyncio.create_task(speak())
    both: set[asyncio.Future[Any]] = {speaking, ready}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        await speaking  # which raises why it could not
    yield ready.result()
    done.set()
    await speaking


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(browser_program: str) -> AsyncIterator[Browser]:
    """A browser without anybody in it yet."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=browser_program, args=list(chromium.FLAGS), headless=True
        )
        yield launched
        await launched.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node(live_project: Project) -> AsyncIterator[Node]:
    """The node API of the project's server."""
    connection = json.loads(live_project.connection_file.read_bytes())
    asked = Node(connection["url"], connection["token"])
    yield asked
    await asked.http.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def watcher(browser: Browser, node: Node) -> AsyncIterator[Watcher]:
    """A person at the live page."""
    async with watching(browser, node, viewport={"width": 1280, "height": 900}) as person:
        yield person
        assert not person.troubles
