"""A person who watches the live page, and the node API beside it, by which something happens there."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from playwright.async_api import Browser, Locator, Page, expect

from tests.commands import LIMIT

SECONDS = LIMIT * 1000  # playwright counts in milliseconds


class Node:
    """The node API, asked as the front does."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        headers = {"Authorization": f"token {token}"}
        self.http = httpx.AsyncClient(
            base_url=f"{url}jlab-mcp/v1/", headers=headers, timeout=LIMIT, trust_env=False
        )

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Ask for something that must be granted."""
        answer = await self.http.post(path, json=body)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def open(self, name: str, **body: Any) -> str:
        """Open a session; returns its id."""
        opened = await self.post("sessions", **{"mode": "new", "name": name, **body})
        return str(opened["session"]["session_id"])

    async def run(self, session: str, code: str, wait: float = LIMIT) -> dict[str, Any]:
        """Run code in a cell of its own."""
        path = f"sessions/{session}/executions"
        return await self.post(path, execution_id=os.urandom(8).hex(), code=code, wait=wait)

    async def begin(self, session: str, code: str) -> dict[str, Any]:
        """Begin to run code, and wait for nothing."""
        return await self.run(session, code, wait=0)

    async def end(self, session: str) -> None:
        """End a session."""
        await self.http.delete(f"sessions/{session}")


class Watcher:
    """Looks at the page by sight.

    Attributes:
        page: its tab.
        troubles: what the browser complained of.
    """

    def __init__(self, page: Page, node: Node) -> None:
        self.page = page
        self.node = node
        self.troubles: list[str] = []
        page.set_default_timeout(SECONDS)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))

    async def enter(self, place: str = "") -> None:
        """Come in with the token, which does not stay in the address, and go to a place of the page."""
        await self.page.goto(f"{self.node.url}jlab-mcp/view?token={self.node.token}")
        assert self.page.url == f"{self.node.url}jlab-mcp/view"
        if place:
            await self.page.goto(f"{self.node.url}jlab-mcp/view#{place}")
        await expect(self.page.locator("#link")).to_have_text("Live", timeout=SECONDS)

    def cell(self, number: int) -> Locator:
        """A cell by its number on the page, from 1."""
        return self.page.locator("article.cell").nth(number - 1)

    async def sees(self, locator: Locator, text: str) -> None:
        """Wait until something has a text."""
        await expect(locator).to_contain_text(text, timeout=SECONDS)


@asynccontextmanager
async def watching(browser: Browser, node: Node, **context: Any) -> AsyncIterator[Watcher]:
    """A person with a browser of their own, who is not logged in yet."""
    owner = await browser.new_context(**context)
    try:
        yield Watcher(await owner.new_page(), node)
    finally:
        await owner.close()
