"""`jlab-mcp open`, and a real browser that goes where it is sent."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import Browser, expect

from tests.browser.watcher import SECONDS, Node, watching
from tests.commands import run
from tests.conftest import Project

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def address(project: Project, *arguments: str) -> str:
    """Run the command, and take the address that it gives."""
    done = await asyncio.to_thread(run, project, "open", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["url"])


async def test_a_browser_comes_in_by_the_ticket_to_the_page_it_was_made_for(
    browser: Browser, node: Node, live_project: Project
):
    session = await node.open("opened by a ticket")
    await node.run(session, "print('seen')")
    url = await address(live_project, "--view", "--session", session)
    async with watching(browser, node) as person:
        await person.page.goto(url)
        assert person.page.url == f"{node.url}jlab-mcp/view#{session}"
        await person.sees(person.cell(1), "seen")
        await person.page.goto(await address(live_project, "--session", session))
        assert "token" not in person.page.url
        assert person.page.url.startswith(f"{node.url}lab/tree/notebooks/opened")
        shown = person.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        await expect(shown).to_contain_text("seen", timeout=SECONDS)
    async with watching(browser, node) as stranger:
        await stranger.page.goto(url)
        await stranger.sees(stranger.page.locator("h1"), "This link is used up")
        await stranger.page.goto(f"{node.url}jlab-mcp/view")
        assert "/login" in stranger.page.url
    await node.end(session)
