"""Take the picture of the live page for the documents: a real session with a training loop, a plot and a table.

`python -m tests.browser.screenshot docs/images/live-page.png`, or `make screenshot`.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.async_api import async_playwright

from tests.browser import chromium
from tests.browser.watcher import SECONDS, Node, Watcher, watching
from tests.node.server import node_server

LARGEST = 200_000
"""Bytes that the picture may have."""
SIZE = {"width": 1280, "height": 1080}
POINTS = 12
"""Points that a curve has to have, so that it looks like one."""

TITLE = "# Two spirals\n\nA net with **32 hidden units** that tells two spirals apart, trained by plain gradient descent."
PLOT = """\
import numpy as np, matplotlib.pyplot as plt
turn = np.linspace(0.6, 3 * np.pi, 150)
spiral = np.stack([turn * np.cos(turn), turn * np.sin(turn)], axis=1) / 10
points = np.concatenate([spiral, -spiral]); labels = np.repeat([1.0, -1.0], len(turn))
plt.figure(figsize=(6, 1.9))
plt.scatter(*points.T, c=labels, cmap="coolwarm", s=9); plt.axis("equal"); plt.show()"""
TABLE = "from earlier import compared  # what other sizes came to\ncompared"
EARLIER = """\
class Compared:
    def _repr_html_(self):
        rows = [(16, 0.81, "12 s"), (32, 0.97, "21 s"), (64, 0.98, "44 s")]
        cells = "".join(f"<tr><th>{n}</th><td>{score}</td><td>{took}</td></tr>" for n, score, took in rows)
        return f"<table><thead><tr><th>units</th><th>score</th><th>time</th></tr></thead><tbody>{cells}</tbody></table>"
compared = Compared()
"""
TRAIN = """\
import time
rng = np.random.default_rng(1); W1, b1, W2 = rng.normal(0, 2, (2, 32)), rng.normal(0, 1, 32), rng.normal(0, 1, 32)
for epoch in range(1, 100_000):
    for _ in range(60):
        hidden = np.tanh(points @ W1 + b1); error = np.tanh(hidden @ W2) - labels
        back = error[:, None] * W2 * (1 - hidden**2)
        W2 -= 2e-3 * hidden.T @ error; W1 -= 2e-3 * points.T @ back; b1 -= 2e-3 * back.sum(0)
    print(f"epoch {epoch:3d}   loss \\x1b[33m{np.mean(error**2):.4f}\\x1b[0m", flush=True); time.sleep(2)"""
READY = f"""() => (document.querySelector('#curves .line')?.getAttribute('d') || '').split('L').length >= {POINTS}"""


async def at_work(node: Node, folder: Path) -> str:
    """Open sessions and let something happen in them; returns the one to show."""
    folder.mkdir(exist_ok=True)
    (folder / "earlier.py").write_text(EARLIER)
    await node.open("clean the data")
    session = await node.open("tell two spirals apart")
    await node.post(f"sessions/{session}/cells", op="insert", cell_type="markdown", source=TITLE)
    for code in (PLOT, TABLE):
        await node.run(session, code)
    await node.begin(session, TRAIN)
    await node.begin(session, "plt.plot(points); plt.show()")
    return session


async def shoot(person: Watcher, session: str) -> bytes:
    """Wait until there is something to see, and take the picture."""
    await person.enter(session)
    await person.sees(person.cell(4), "epoch   5")
    await person.page.wait_for_function(READY, timeout=SECONDS)
    await person.page.locator("#follow").set_checked(False, force=True)
    await person.page.evaluate("scrollTo(0, 0)")
    await person.page.mouse.move(0, 0)
    await person.page.wait_for_function(
        "[...document.images].every((image) => image.complete)", timeout=SECONDS
    )
    return await person.page.screenshot(animations="disabled")


def small(picture: bytes) -> bytes:
    """Reduce a picture to 256 colours, which such a page has hardly more of."""
    made = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as whole:
        whole.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    return made.getvalue()


async def take(url: str, token: str, folder: Path) -> bytes:
    """Take the picture of a server's page."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.PROGRAM, args=list(chromium.FLAGS)
        )
        node = Node(url, token)
        session = await at_work(node, folder)
        async with watching(browser, node, viewport=SIZE, color_scheme="light") as person:
            picture = small(await shoot(person, session))
        await node.http.aclose()
        await browser.close()
    return picture


def main(target: Path) -> int:
    """Write the picture; the exit status is 1 where there is no browser, or it came out too large."""
    if reason := chromium.hindrance():
        print(f"error: {reason}", file=sys.stderr)
        return 1
    chromium.install()
    with tempfile.TemporaryDirectory() as folder, node_server(Path(folder)) as server:
        picture = asyncio.run(take(server.connection["url"], server.connection["token"], server.notebooks))
    if len(picture) > LARGEST:
        print(f"error: the picture has {len(picture):,} bytes, more than {LARGEST:,}", file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(picture)
    print(f"{target}: {len(picture):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
