"""Outputs that try whatever they can: none reaches the page, its login, or any other host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Frame, expect

from tests.browser.watcher import SECONDS, Node, Watcher

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TRIES = """
window.tried = {};
const attempt = (name, act) => { try { window.tried[name] = String(act()); } catch (error) { window.tried[name] = "refused " + error.name; } };
attempt("cookie", () => document.cookie);
attempt("storage", () => localStorage.length);
attempt("parent", () => parent.document.cookie);
attempt("top", () => top.document.body.innerHTML);
attempt("mark the page", () => { top.hacked = true; return "marked"; });
attempt("lead the page away", () => { top.location = "OTHER/top"; });
attempt("a window", () => window.open("OTHER/window"));
attempt("sibling", () => parent.frames[0].document.body.innerHTML);
attempt("image", () => { new Image().src = "OTHER/image"; });
attempt("beacon", () => navigator.sendBeacon("OTHER/beacon", "x"));
attempt("websocket", () => { new WebSocket("OTHER/socket".replace("http", "ws")); });
attempt("events", () => { new EventSource("OTHER/events"); });
attempt("own page", () => { new Image().src = "/jlab-mcp/v1/info"; });
fetch("OTHER/fetch").then(() => window.tried.fetch = "done", (error) => window.tried.fetch = "refused " + error.name);
fetch("/jlab-mcp/v1/sessions", { credentials: "include" }).then(() => window.tried.api = "done", (error) => window.tried.api = "refused " + error.name);
const add = (tag, attributes) => document.body.append(Object.assign(document.createElement(tag), attributes));
add("link", { rel: "stylesheet", href: "OTHER/style" });
add("link", { rel: "prefetch", href: "OTHER/prefetch" });
add("iframe", { src: "OTHER/frame" });
add("object", { data: "OTHER/object" });
add("script", { src: "OTHER/script" });
add("video", { src: "OTHER/video" });
const form = Object.assign(document.createElement("form"), { action: "OTHER/form", method: "post", target: "_top" });
document.body.append(form);
attempt("form", () => form.submit());
window.tried.ready = "yes";
"""
AWAY = "<script>window.tried = { ready: 'yes' }; location.href = 'OTHER/away';</script>"
STATIC = """
<b>harmless</b>
<meta http-equiv="refresh" content="0; url=OTHER/refresh">
<base href="OTHER/">
<link rel="stylesheet" href="OTHER/style"><link rel="preconnect" href="OTHER/"><link rel="dns-prefetch" href="OTHER/">
<style>@import "OTHER/import"; body { background: url(OTHER/background) }</style>
<img src="OTHER/picture" onerror="window.hacked = 1"><img src="x" onerror="window.hacked = 1">
<svg onload="window.hacked = 1"><script>window.hacked = 1</script><image href="OTHER/image"/></svg>
<iframe src="OTHER/frame"></iframe><iframe srcdoc="<script>parent.hacked = 1</script>"></iframe>
<object data="OTHER/object"></object><embed src="OTHER/embed"><video src="OTHER/video" autoplay></video>
<form action="OTHER/form" target="_top"><button id="go">go</button></form>
<a id="js" href="javascript:window.hacked=1">js</a><a id="top" href="OTHER/link" target="_top" ping="OTHER/ping">top</a>
<table background="OTHER/table"><tr><td style="background:url(OTHER/cell)">cell</td></tr></table>
"""
DRAWING = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='80' height='40' onload='top.hacked=1'><script>top.hacked = 1</script>"
    "<image href='OTHER/inner' width='9' height='9'/><rect width='80' height='40'/></svg>"
)


NOTHING_SAID = "a connection"


@asynccontextmanager
async def other_host() -> AsyncIterator[tuple[str, list[str]]]:
    """A real server elsewhere; the list has the first line of whatever comes to it, or what else it was."""
    came: list[str] = []

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at = len(came)
        came.append(NOTHING_SAID)
        came[at] = (await reader.readline()).decode(errors="replace")
        writer.close()

    server = await asyncio.start_server(heard, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", came


async def frame_of(watcher: Watcher, number: int) -> Frame:
    """The frame that shows a cell's output, once its page is there."""
    element = watcher.cell(number).locator("iframe").first
    await element.scroll_into_view_if_needed()
    handle = await element.element_handle()
    assert handle is not None
    frame = await handle.content_frame()
    assert frame is not None
    await frame.wait_for_load_state("load")
    return frame


async def let_run(watcher: Watcher, number: int) -> None:
    """Let the script of a cell's output run.

    Frames that find their height move the page: where one does so between the press and the release of the
    button, the browser takes it for no click, and a person clicks again.
    """
    cell = watcher.cell(number)
    async with asyncio.timeout(SECONDS / 1000):
        while not await cell.get_by_text("Its script runs").count():
            await cell.get_by_role("button", name="Run its script").click()


async def show(node: Node, session: str, other: str, mime: str, content: str) -> None:
    """Have a cell show hostile content."""
    bundle = {mime: content.replace("OTHER", other), "text/plain": "hostile"}
    await node.run(session, f"from IPython.display import display\ndisplay({bundle!r}, raw=True)")


async def unharmed(watcher: Watcher, address: str, came: list[str]) -> None:
    """The page is where it was, nothing of it was touched, and nobody was asked for anything."""
    assert watcher.page.url == address
    assert await watcher.page.evaluate("window.hacked") is None
    assert len(watcher.page.context.pages) == 1
    assert came == []


def requests(came: list[str]) -> list[str]:
    """What was asked: Chromium may open a connection for an address before it refuses to go there, and says nothing."""
    return [line.split()[1] for line in came if line not in ("", NOTHING_SAID)]


async def test_hostile_outputs_reach_neither_the_page_nor_its_login_nor_another_host(
    watcher: Watcher, node: Node
):
    async with other_host() as (other, came):
        session = await node.open("hostile")
        await show(node, session, other, "text/html", STATIC)
        await show(node, session, other, "image/svg+xml", DRAWING)
        await node.post(
            f"sessions/{session}/cells",
            op="insert",
            cell_type="markdown",
            source=STATIC.replace("OTHER", other)
            + f"\n\n![p]({other}/md) [x](javascript:hacked=1) <b onclick=hacked=1>b</b>",
        )
        await show(node, session, other, "text/html", f"<p>plain</p><script>{TRIES}</script>")
        await show(node, session, other, "application/javascript", TRIES)
        await show(node, session, other, "text/html", AWAY)
        await watcher.enter(session)
        address = watcher.page.url
        # As they come: no script of theirs runs.
        frame = await frame_of(watcher, 1)
        await expect(frame.locator("b")).to_have_text("harmless", timeout=SECONDS)
        assert await frame.locator("a[href], meta[http-equiv], link, iframe, form, base").count() == 0
        for link in await frame.locator("a").all():
            await link.click()
        await watcher.cell(2).locator("img").scroll_into_view_if_needed()
        await expect(watcher.cell(2).locator("img")).to_have_js_property("complete", value=True)
        assert (
            await watcher.cell(3)
            .locator("script, iframe, form, style, [onclick], [onerror], [style]")
            .count()
            == 0
        )
        assert await watcher.cell(3).locator("a[href^=javascript], img:not([src*='/files/'])").count() == 0
        await unharmed(watcher, address, came)
        quiet = await frame_of(watcher, 4)
        assert await quiet.evaluate("window.tried") is None
        # A person lets them: they run, and get nowhere.
        for number in (4, 5, 6):
            await let_run(watcher, number)
        for number in (4, 5):
            await tried_in_vain(await frame_of(watcher, number))
        await expect(watcher.cell(6).locator("iframe")).to_have_count(1)
        await asyncio.gather(*(each.wait_for_load_state("load") for each in watcher.page.frames))
        assert requests(came) == []
        await unharmed(watcher, address, [])
        # That the other host does hear what comes is shown by one that comes on purpose.
        await node.run(
            session,
            f"import urllib.request\ntry: urllib.request.urlopen('{other}/shown')\nexcept Exception: pass",
        )
        assert requests(came) == ["/shown"]
        await node.end(session)


async def tried_in_vain(frame: Frame) -> None:
    """Look at what the tries came to."""
    await frame.wait_for_function(
        "window.tried?.ready && window.tried.fetch && window.tried.api", timeout=SECONDS
    )
    tried: dict[str, Any] = await frame.evaluate("window.tried")
    for name in ("cookie", "storage", "parent", "top", "mark the page", "lead the page away", "sibling"):
        assert tried[name].startswith("refused"), (name, tried[name])
    assert (tried["a window"], tried["fetch"], tried["api"]) == (
        "null",
        "refused TypeError",
        "refused TypeError",
    )


async def test_the_page_says_who_may_do_what(watcher: Watcher, node: Node):
    session = await node.open("policies")
    await show(node, session, "", "text/html", "<script>1</script>")
    await watcher.enter(session)
    answer = await watcher.page.request.get(f"{node.url}jlab-mcp/view")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    content = await answer.text() + await watcher.page.content()
    assert node.token not in content
    address = await watcher.cell(1).locator("iframe").get_attribute("src")
    assert address is not None
    framed = await watcher.page.request.get(node.url.rstrip("/") + address.replace("script=0", "script=1"))
    assert "sandbox allow-scripts;" in framed.headers["content-security-policy"]
    assert "allow-same-origin" not in framed.headers["content-security-policy"]
    # Who opens a frame's page by itself is as safe: it is sealed by its own policy.
    await watcher.page.goto(framed.url)
    assert await watcher.page.evaluate("origin") == "null"
    await node.end(session)
