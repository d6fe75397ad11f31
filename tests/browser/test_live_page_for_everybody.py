"""The live page in the dark, on a phone, by the keyboard and by ear."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from tests.browser.test_hostile_outputs import frame_of
from tests.browser.watcher import SECONDS, Node, Watcher, watching

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE = "x_" * 400


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session(node: Node):
    """A session with some of everything in it."""
    opened = await node.open("everything")
    cells = f"sessions/{opened}/cells"
    await node.post(
        cells, op="insert", cell_type="markdown", source=f"# A\n\n## B\n\n|a|b|\n|-|-|\n|1|{WIDE}|\n\n{WIDE}"
    )
    await node.run(opened, f"print('\\x1b[32mgreen\\x1b[0m \\x1b[33myellow\\x1b[0m', '{WIDE}')\n# {WIDE}")
    await node.run(
        opened, "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()"
    )
    table = "<table>" + "<tr>" + "<td>wide</td>" * 60 + "</tr></table>"
    await node.run(
        opened, f"from IPython.display import *\ndisplay(HTML({table!r}), HTML('<script>1</script>'))\n1/0"
    )
    await node.begin(opened, "import time\nprint('begun', flush=True)\ntime.sleep(600)")
    yield opened
    await node.end(opened)


async def faults(watcher: Watcher) -> list[Any]:
    """What axe finds wrong, in short."""
    found = await watcher.page.evaluate(f"{AXE}\naxe.run({{ iframes: false, runOnly: {RULES} }})")
    return [(each["id"], [node["html"][:120] for node in each["nodes"][:3]]) for each in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_checker_of_accessibility_finds_nothing_wrong(
    browser: Browser, node: Node, session: str, scheme: Any
):
    async with watching(browser, node, color_scheme=scheme, reduced_motion="reduce") as person:
        await person.enter(session)
        await person.sees(person.cell(5), "begun")
        assert await faults(person) == []
        await person.page.locator("#interrupt").click()
        assert await faults(person) == []
        await person.page.keyboard.press("Escape")
        await expect(person.page.locator("#ask")).to_be_hidden()
        await expect(person.cell(5)).to_have_attribute("data-state", "running")
        assert person.troubles == []


async def test_the_page_has_landmarks_headings_and_names(watcher: Watcher, session: str):
    await watcher.enter(session)
    await watcher.sees(watcher.cell(5), "begun")
    tree = await watcher.page.locator("body").aria_snapshot()
    for part in ("- banner:", "- navigation", "- main:", 'heading "everything" [level=2]', 'article "Cell 4, code, failed"',
                 'checkbox "Follow" [checked]', 'button "Interrupt"', 'img "figure, 640 by 480 pixels"'):  # fmt: skip
        assert part in tree, tree


async def test_colours_follow_the_system_and_the_switch(browser: Browser, node: Node, session: str):
    async with watching(browser, node, color_scheme="dark") as person:
        await person.enter(session)
        back = "getComputedStyle(document.body).backgroundColor"
        dark = await person.page.evaluate(back)
        await person.page.emulate_media(color_scheme="light")
        await expect(person.page.locator("html")).to_have_attribute("data-theme", "light")
        light = await person.page.evaluate(back)
        assert (dark, light) == ("rgb(13, 17, 23)", "rgb(246, 248, 250)")
        button = person.page.locator("#theme")
        await button.click()
        await button.click()
        await expect(button).to_have_accessible_name("Colours: dark")
        assert await person.page.evaluate(back) == dark
        await frame_is(person, dark=True)
        await person.page.reload()
        await expect(button).to_have_accessible_name("Colours: dark")
        await button.click()
        await frame_is(person, dark=False)


async def test_a_frame_that_is_on_its_way_while_the_colours_change_has_the_new_ones(
    browser: Browser, node: Node, session: str
):
    asked, go = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        response = await route.fetch()
        await go.wait()
        await route.fulfill(response=response)

    async with watching(browser, node, color_scheme="dark") as person:
        await person.page.route("**/view/frame/**", hold)
        await person.enter(session)
        await person.cell(4).scroll_into_view_if_needed()
        async with asyncio.timeout(SECONDS / 1000):
            await asked.wait()
        await person.page.emulate_media(color_scheme="light")
        await expect(person.page.locator("html")).to_have_attribute("data-theme", "light")
        go.set()
        await frame_is(person, dark=False)


async def frame_is(person: Watcher, *, dark: bool) -> None:
    """Wait until a frame follows the switch."""
    frame = await frame_of(person, 4)
    await expect(frame.locator("html")).to_have_class("dark" if dark else "", timeout=SECONDS)


@pytest.mark.parametrize("width", [320, 390, 768])
async def test_on_a_phone_nothing_sticks_out_and_the_sessions_are_a_touch_away(
    browser: Browser, node: Node, session: str, width: int
):
    size = {"width": width, "height": 800}
    async with watching(browser, node, viewport=size, has_touch=True, is_mobile=True) as person:
        await person.enter(session)
        await person.sees(person.cell(5), "begun")
        assert await person.page.evaluate("document.documentElement.scrollWidth") <= width
        assert await person.page.evaluate("visualViewport.scale") == 1
        await expect(person.page.locator("#sessions")).to_be_hidden()
        await person.page.locator("#menu").tap()
        await expect(person.page.locator("#sessions")).to_contain_text("everything")
        await expect(person.page.locator("#curves")).to_contain_text("Memory", timeout=SECONDS)
        assert await person.page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_keyboard_is_enough(watcher: Watcher, node: Node, session: str):
    await watcher.enter(session)
    await watcher.sees(watcher.cell(5), "begun")
    page = watcher.page
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to the notebook"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "notebook"
    reached = []
    for _ in range(8):
        await page.keyboard.press("Tab")
        focus = "document.activeElement"
        reached.append(await page.evaluate(f"{focus}.id || {focus}.textContent.trim()"))
        assert await page.evaluate(f"{focus}.matches(':focus-visible')")
    assert {"follow", "lab", "interrupt"} <= set(reached), reached
    await page.locator("#interrupt").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Keep running")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(watcher.cell(5)).to_have_attribute("data-state", "interrupted", timeout=SECONDS)
    await expect(page.locator("#said")).to_have_text("It was interrupted.")
    await node.begin(session, "import time\nprint('begun', flush=True)\ntime.sleep(600)")
