from __future__ import annotations

from jlab_mcp.node.notebook.changes import Changes
from jlab_mcp.node.notebook.document import Document


def start(*sources: str) -> Document:
    document = Document.new("python3", "Python 3", "python")
    for source in sources:
        document.insert(None, "code", source, source)
    return document


def test_all_that_was_done_is_told_once_and_each_cell_by_what_counts() -> None:
    before = start("a", "b", "c", "d")
    after = before.snapshot()
    after.set_source("a", "other")
    after.set_outputs("a", [], 1)
    after.set_outputs("b", [], 2)
    after.delete("c")
    after.insert(0, "markdown", "", "new")
    changes = Changes()
    changes.note(before, after)
    assert changes.words() == "cell a edited; cell b run; cell new added; cell c deleted"
    changes.forget()
    assert changes.words() == ""


def test_a_cell_that_came_and_went_or_was_edited_as_it_came_is_told_as_what_it_is_now() -> None:
    changes, states = Changes(), [start("a")]
    for change in (
        lambda document: document.insert(None, "code", "", "new"),
        lambda document: document.set_source("new", "typed"),
        lambda document: document.insert(None, "code", "", "brief"),
        lambda document: document.delete("brief"),
    ):
        states.append(states[-1].snapshot())
        change(states[-1])
        changes.note(states[-2], states[-1])
    assert changes.words() == "cell new added"


def test_of_many_cells_only_some_are_named() -> None:
    changes = Changes()
    changes.note(start(), start(*"abcdefgh"))
    assert changes.words() == "cells a, b, c, d, e, 3 more added"
