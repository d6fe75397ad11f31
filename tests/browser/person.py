"""A person at JupyterLab's page, who reads it by sight and acts by mouse and keyboard."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path, PurePath

from playwright.async_api import BrowserContext, Locator, Page, Response, async_playwright, expect

from tests.browser import chromium
from tests.commands import LIMIT
from tests.conftest import Project

SECONDS = LIMIT * 1000  # playwright counts in milliseconds
expect.set_options(timeout=SECONDS)


class Person:
    """Works in one page of JupyterLab.

    Args:
        browser: with no page of JupyterLab yet.
        url: JupyterLab's address.
        token: the server's.

    Attributes:
        page: the tab in front.
    """

    page: Page

    def __init__(self, browser: BrowserContext, url: str, token: str) -> None:
        self._browser = browser
        self._url = url
        self._token = token

    # -- what is seen ------------------------------------------------------------------------------

    @property
    def notebook(self) -> Locator:
        """The notebook that is in front."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def cells(self) -> Locator:
        """Its cells."""
        return self.notebook.locator(".jp-Cell")

    async def sees(self, *sources: str) -> None:
        """Wait until the cells are these."""
        await expect(self.cells().locator(".cm-content")).to_have_text(list(sources))

    async def sees_output(self, index: int, text: str) -> None:
        """Wait until a cell's output has a text."""
        await expect(self.cells().nth(index).locator(".jp-OutputArea").first).to_contain_text(text)

    async def picture(self, path: str) -> None:
        """Take a picture, to look at while a test is made."""
        await self.page.screenshot(path=path)

    # -- notebooks ---------------------------------------------------------------------------------

    async def open(self, notebook: str) -> None:
        """Open a notebook in a tab of its own."""
        await self.enter(PurePath(notebook).name)
        # Until the page has found the notebook's kernel, it would offer to choose another one.
        await self.sees_status("Idle")

    async def enter(self, name: str = "") -> None:
        """Open JupyterLab in a new tab, with a file or with none."""
        self.page = await self._browser.new_page()
        self.page.set_default_timeout(SECONDS)
        await self.page.goto(f"{self._url}lab/tree/notebooks/{name}?token={self._token}&reset")

    async def close(self) -> None:
        """Close all tabs, and drop what was not saved."""
        for page in self._browser.pages[1:]:  # without its first one the browser would end
            await page.close()

    def file(self, name: str) -> Locator:
        """A file in the file browser."""
        return self.page.locator(".jp-DirListing-item", has_text=name)

    # -- cells -------------------------------------------------------------------------------------

    async def edit(self, index: int, source: str) -> None:
        """Give a cell another source."""
        await self.cells().nth(index).locator(".cm-content").click()
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.insert_text(source)

    async def add(self, source: str) -> None:
        """Add a cell at the end."""
        await self.cells().last.locator(".jp-InputPrompt").click()
        await self.page.keyboard.press("b")
        await self.edit(-1, source)

    async def delete(self, index: int) -> None:
        """Delete a cell."""
        await self.cells().nth(index).locator(".jp-InputPrompt").click()
        await self.page.keyboard.press("d")
        await self.page.keyboard.press("d")

    async def run(self, index: int) -> None:
        """Run a cell."""
        await self.cells().nth(index).locator(".cm-content").click()
        await self.page.keyboard.press("Control+Enter")

    # -- saving ------------------------------------------------------------------------------------

    async def save(self) -> None:
        """Save by the keyboard."""
        async with self._saved():
            await self.page.keyboard.press("Control+S")

    async def save_over(self) -> None:
        """Save although the page says that the file was changed: overwrite it."""
        await self.page.keyboard.press("Control+S")
        async with self._saved():
            await self.answer("Overwrite")

    async def revert(self) -> None:
        """Throw away what is not saved, and take what the file has."""
        await self.menu("File", "Reload Notebook from Disk")
        await self.answer("Reload")

    async def revert_to_file(self) -> None:
        """Take what the file has; nothing here is unsaved, so the page does not ask."""
        await self.menu("File", "Reload Notebook from Disk")

    def _saved(self) -> AbstractAsyncContextManager[None]:
        return self._answered("PUT", "/api/contents/")

    @asynccontextmanager
    async def _answered(self, method: str, path: str) -> AsyncIterator[None]:
        """Wait until the server has done what the page asks it for while this context is open."""

        def is_it(response: Response) -> bool:
            return response.request.method == method and path in response.url

        async with self.page.expect_response(is_it) as response:
            yield
        assert (await response.value).ok

    # -- dialogs and menus -------------------------------------------------------------------------

    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.locator(".jp-Dialog")

    async def answer(self, button: str) -> None:
        """Answer a dialog by one of its buttons."""
        await self.dialog().locator(".jp-Dialog-button").get_by_text(button, exact=True).click()
        await self.dialog().wait_for(state="detached")

    async def menu(self, menu: str, entry: str) -> None:
        """Choose an entry of the main menu."""
        await self.page.locator(".lm-MenuBar-item", has_text=menu).click()
        await self.page.locator(".lm-Menu-item", has_text=entry).first.click()

    async def toolbar(self, command: str) -> None:
        """Click a button of the notebook's toolbar."""
        await self.notebook.locator(f"[data-command='{command}']").click()

    async def sees_status(self, status: str) -> None:
        """Wait until the status bar shows what the kernel does."""
        await expect(self.page.locator(".jp-StatusBar-TextItem", has_text=f"| {status}")).to_be_visible()

    # -- the file browser and the kernel --------------------------------------------------------------

    async def rename(self, name: str, new_name: str) -> None:
        """Rename a file in the file browser."""
        await self._of_file(name, "Rename")
        editor = self.page.locator(".jp-DirListing-editor")
        await editor.fill(new_name)
        await editor.press("Enter")
        await self.file(new_name).wait_for()

    async def _of_file(self, name: str, entry: str) -> None:
        await self.file(name).click(button="right")
        await self.page.locator(".lm-Menu-item", has_text=entry).first.click()

    async def shut_down_kernel(self) -> None:
        """Shut the notebook's kernel down."""
        async with self._answered("DELETE", "/api/sessions/"):
            await self.menu("Kernel", "Shut Down Kernel")


@asynccontextmanager
async def person_at(project: Project, program: str, folder: Path) -> AsyncIterator[Person]:
    """A person with a browser of their own, which keeps its files in `folder`, at a project's JupyterLab."""
    connection = json.loads(project.connection_file.read_bytes())
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch_persistent_context(
            folder, executable_path=program, args=list(chromium.FLAGS), headless=True
        )
        yield Person(browser, connection["url"], connection["token"])
        await browser.close()
