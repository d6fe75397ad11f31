from __future__ import annotations

from jlab_mcp.node.notebook.document import Document
from jlab_mcp.node.notebook.merge import deletions, merge
from jlab_mcp.node.notebook.shown import Shown


def notebook(*sources: str) -> Document:
    document = Document.new("python3", "Python 3", "python")
    for source in sources:
        document.insert(None, "code", source)
    return document


def sources(document: Document) -> list[str]:
    return [cell["source"] for cell in document.cells]


def test_what_a_page_never_had_was_not_deleted_by_its_person() -> None:
    early = notebook("a")
    shown = Shown(early)
    now = early.snapshot()
    now.insert(None, "code", "b")
    saved = early.snapshot()
    saved.set_source(0, "a person")
    merged, notes = merge(shown.base_of(saved, 1), now, saved)
    assert (sources(merged), notes, deletions(now, merged)) == (["a person", "b"], [], [])


def test_what_a_page_had_and_has_no_more_was_deleted_and_it_is_said() -> None:
    early = notebook("a")
    shown = Shown(early)
    now = early.snapshot()
    added = now.insert(None, "code", "b")
    shown.add(now)
    merged, _ = merge(shown.base_of(early, 1), now, early)
    assert (sources(merged), deletions(now, merged)) == (
        ["a"],
        [f"cell {added} had been deleted in the file"],
    )


def test_of_several_pages_the_one_that_changed_least_is_taken_for_the_one_that_saves() -> None:
    early = notebook("a")
    shown = Shown(early)
    late = early.snapshot()
    late.insert(None, "code", "b")
    late.insert(None, "code", "c")
    shown.add(late)
    assert shown.base_of(early.snapshot(), 2) is early
    fewer = late.snapshot()
    fewer.delete(2)
    assert shown.base_of(fewer, 2) is late
    assert shown.base_of(early.snapshot(), 1) is late


def test_an_edit_that_the_session_made_is_not_undone_by_a_page_that_never_saw_it() -> None:
    early = notebook("a", "b")
    shown = Shown(early)
    now = early.snapshot()
    now.set_source(0, "mine")
    saved = early.snapshot()
    saved.set_source(1, "a person")
    merged, notes = merge(shown.base_of(saved, 1), now, saved)
    assert (sources(merged), notes) == (["mine", "a person"], [])
