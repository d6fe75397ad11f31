"""The README and the pages: complete, short, and with links that lead somewhere."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from docs.generate.__main__ import PAGES as GENERATED
from docs.generate.commands import walk
from jlab_mcp.config.environment import variables
from jlab_mcp.errors import ExitCode
from jlab_mcp.mcpserver.server import build
from tests.docs.pages import PAGES, ROOT

_LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    here = page.parent if "reference" not in page.parts else ROOT / "docs/reference"
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        target = (here / place).resolve() if place else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_is_short_and_asks_no_other_host_for_its_pictures() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    assert pictures
    assert not [place for place in pictures if "://" in place]


def test_the_readme_counts_the_tools() -> None:
    tools = asyncio.run(build().list_tools())
    assert f"\n{len(tools)} tools:" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_reference_is_what_the_program_says() -> None:
    for name, page in GENERATED.items():
        assert (ROOT / "docs/reference" / name).read_text(encoding="utf-8") == page(), name


def test_the_reference_has_every_command_variable_and_exit_status() -> None:
    commands = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    for words, command in walk():
        assert getattr(command, "commands", None) or f"\n## {' '.join(words)}\n" in commands
    rows = {int(code) for code in re.findall(r"^\| (\d+) \| ", commands, re.MULTILINE)}
    assert rows == set(ExitCode)
    settings = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    meant = {path: name for name, path in variables().items()}
    assert not [name for name in meant.values() if f"`{name}`" not in settings]


def test_the_pages_are_the_ones_that_git_keeps() -> None:
    kept = subprocess.run(
        ["git", "ls-files", "docs/reference"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert {Path(name).name for name in kept.stdout.split()} == {*GENERATED}
