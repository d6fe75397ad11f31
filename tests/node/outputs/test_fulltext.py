"""Pages and searches of a full text."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from jlab_mcp.node.errors import BadRequest
from jlab_mcp.node.outputs import fulltext
from jlab_mcp.node.outputs.fulltext import FullText


def find(text: FullText, pattern: str, offset: int = 0, limit: int = 10_000) -> dict[str, Any]:
    return asyncio.run(text.find(pattern, offset, limit))


@pytest.fixture(params=["memory", "file"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Make a full text, in memory or in a file."""

    def make(text: str) -> FullText:
        if request.param == "memory":
            return FullText(text)
        path = tmp_path / "text.txt"
        path.write_text(text, encoding="utf-8")
        return FullText(path=str(path))

    return make


def test_pages_that_follow_each_other_make_the_whole_text(kept: Any) -> None:
    text = "".join(f"line {n} äöü €𝄞\n" for n in range(500))
    full, pages, offset = kept(text), [], 0
    while True:
        page = full.page(offset, 100)
        if not page["text"]:
            break
        assert (page["offset"], page["total"]) == (offset, len(text.encode()))
        pages.append(page["text"])
        offset = page["end"]
    assert "".join(pages) == text
    assert len(pages) > 50


def test_a_page_ends_with_a_line_where_that_costs_little(kept: Any) -> None:
    assert kept("aaaa\nbbbb\ncccc\n").page(0, 12)["text"] == "aaaa\nbbbb\n"


def test_a_line_longer_than_the_page_is_cut_but_no_character_is(kept: Any) -> None:
    full = kept("€" * 100)
    assert full.page(0, 10)["text"] == "€€€"
    assert full.page(4, 10)["text"] == "€€€"  # from the next character on
    assert full.page(4, 10)["offset"] == 6


def test_a_negative_offset_counts_from_the_end(kept: Any) -> None:
    full = kept("one\ntwo\nthree\n")
    assert full.page(-6, 100)["text"] == "three\n"
    assert full.page(-600, 100)["text"] == "one\ntwo\nthree\n"


def test_beyond_the_end_there_is_nothing(kept: Any) -> None:
    assert kept("abc").page(99, 10) == {"offset": 3, "end": 3, "total": 3, "text": ""}


def test_a_search_gives_matching_lines_and_where_they_are(kept: Any) -> None:
    text = "".join(f"step {n} loss {n / 10}\n" for n in range(100))
    found = find(kept(text), r"^step \d0 ")
    assert [match["text"] for match in found["matches"]] == [f"step {n}0 loss {n}.0" for n in range(1, 10)]
    at = found["matches"][3]["offset"]
    assert kept(text).page(at, 60)["text"].startswith("step 40 ")
    assert found["end"] == found["total"] == len(text)


def test_a_search_that_shows_enough_says_where_to_go_on(kept: Any) -> None:
    full = kept("match\n" * 1000)
    seen, offset = 0, 0
    while offset < 6000:
        found = find(full, "match", offset, limit=1000)
        assert found["end"] > offset
        seen, offset = seen + len(found["matches"]), found["end"]
    assert seen == 1000


def test_a_long_line_is_shown_around_its_match(kept: Any) -> None:
    found = find(kept("x" * 20_000 + "needle" + "y" * 20_000), "needle")
    shown = found["matches"][0]["text"]
    assert "needle" in shown
    assert len(shown) < 400
    assert shown.startswith("…")
    assert shown.endswith("…")


def test_a_pattern_that_is_none_is_said_so() -> None:
    with pytest.raises(BadRequest, match=re.escape("grep '(' is no regular expression: missing )")):
        find(FullText("a"), "(")


def test_a_search_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fulltext, "_SEARCH_SECONDS", 1.0)
    with pytest.raises(BadRequest, match="given up after 1 s; use a simpler one"):
        find(FullText("a" * 60 + "b"), "(a|aa)+$")
