"""What changed since a page last looked: no more than that travels, and nothing is missed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.node.view.changes import Changes, Look

Cells = list[tuple[str, dict[str, Any]]]


def look(cell: dict[str, Any], made: list[str] | None = None, *, alive: bool = False) -> Look:
    def head() -> dict[str, Any]:
        if made is not None:
            made.append(cell["source"])
        return {"source": cell["source"]}

    return Look(cell, None, head, lambda: list(cell["outputs"]), alive=alive)


def cell(source: str, *outputs: str) -> dict[str, Any]:
    return {"source": source, "outputs": [{"text": each} for each in outputs]}


def test_only_cells_that_are_others_are_looked_at_and_sent():
    changes, made = Changes(), list[str]()
    cells = [(str(number), cell(f"s{number}", "out")) for number in range(3)]
    changes.take((key, look(each, made)) for key, each in cells)
    first = changes.since(None)
    assert first is not None
    assert (first["whole"], first["order"], len(first["cells"])) == (True, ["0", "1", "2"], 3)
    assert changes.since(first["since"]) is None
    made.clear()
    cells[1] = ("1", cell("s1", "out", "more"))
    changes.take((key, look(each, made)) for key, each in cells)
    assert made == ["s1"]
    news = changes.since(first["since"])
    assert news is not None
    assert (news["whole"], news["order"]) == (False, None)
    assert news["cells"] == [{"id": "1", "source": "s1", "outputs": [None, {"text": "more"}]}]


def test_a_page_of_another_server_or_of_the_future_gets_everything():
    changes = Changes()
    changes.take([("a", look(cell("x")))])
    for known in ("0badcafe.1", "nonsense", f"{changes.since(None)['since'].split('.')[0]}.99"):  # type: ignore[index]
        news = changes.since(known)
        assert news is not None
        assert news["whole"]


def test_outputs_that_were_cleared_and_came_again_are_sent_again():
    changes = Changes()
    changes.take([("a", look(cell("x", "1")))])
    known = changes.since(None)
    changes.take([("a", look(cell("x")))])
    changes.take([("a", look(cell("x", "1")))])
    assert known is not None
    news = changes.since(known["since"])
    assert news is not None
    assert news["cells"][0]["outputs"] == [{"text": "1"}]


def test_a_cell_that_lives_is_looked_at_each_time_and_sent_only_when_it_changed():
    changes, widget = Changes(), cell("x", "0 %")
    changes.take([("a", look(widget, alive=True))])
    known = changes.since(None)
    assert known is not None
    changes.take([("a", look(widget, alive=True))])
    assert changes.since(known["since"]) is None
    widget["outputs"] = [{"text": "50 %"}]
    changes.take([("a", look(widget, alive=True))])
    assert changes.since(known["since"]) is not None


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from("abcd"), st.lists(st.sampled_from("xyz"), max_size=3)),
            max_size=4,
            unique_by=lambda each: each[0],
        ),
        min_size=1,
        max_size=8,
    ),
    st.data(),
)
def test_pages_that_look_now_and_then_have_the_notebook_in_the_end(states: Any, data: st.DataObject):
    changes = Changes()
    page: dict[str, Any] = {"since": None, "order": [], "cells": {}}
    for number, state in enumerate(states):
        cells = [(key, cell("s", *outputs)) for key, outputs in state]
        changes.take((key, look(each)) for key, each in cells)
        if number < len(states) - 1 and not data.draw(st.booleans()):
            continue
        news = changes.since(page["since"])
        if news is None:
            continue
        if news["whole"]:
            page["cells"] = {}
        page["since"], page["order"] = (
            news["since"],
            page["order"] if news["order"] is None else news["order"],
        )
        for each in news["cells"]:
            before = page["cells"].get(each["id"], [])
            page["cells"][each["id"]] = [new or before[at] for at, new in enumerate(each["outputs"])]
    shown = [(key, [each["text"] for each in page["cells"][key]]) for key in page["order"]]
    assert shown == [(key, outputs) for key, outputs in states[-1]]
