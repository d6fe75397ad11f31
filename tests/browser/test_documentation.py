"""The built documentation in a browser: no other host is asked, and the search finds, also from a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.browser.chromium import FLAGS
from tests.docs.pages import ROOT

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documentation") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


async def test_it_opens_from_a_folder_asks_nobody_else_and_is_searched(
    site: Path, browser_program: str
) -> None:
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=browser_program, args=list(FLAGS))
        page = await browser.new_page()
        asked: list[str] = []
        mistakes: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        for name in sorted(
            str(path.relative_to(site)) for path in site.rglob("*.html") if path.name != "404.html"
        ):
            await page.goto(f"file://{site}/{name}")
        await page.goto(f"file://{site}/index.html")
        await page.click(".md-search__input")
        await page.keyboard.type("idle_timeout")
        await page.locator(".md-search-result__item a", has_text="Settings").first.wait_for(timeout=60_000)
        await browser.close()
    assert len(asked) > 20
    assert not [url for url in asked if not url.startswith((f"file://{site}/", "data:", "about:"))]
    assert not mistakes
