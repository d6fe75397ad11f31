"""A room's document, real and shared with a second one as a page has it; only who serves it is left out."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_ydoc import YNotebook

from jlab_mcp.node.notebook.document import Document
from jlab_mcp.node.notebook.room import merge_shared
from jlab_mcp.node.shared.edits import edit_text
from jlab_mcp.node.shared.room import SharedRoom

EMPTY = Document.new("python3", "Python 3", "python")
LETTERS = "ab äöü€₤𝄞𝄢\n"


class Pages:
    """A page that shares the notebook; what either side does reaches the other when `meet` is called."""

    def __init__(self, document: Document) -> None:
        self.served = YNotebook()
        self.page = YNotebook()
        self.served.set(content_of(document))
        self.meet()
        lock = asyncio.Lock()
        room = SimpleNamespace(_document=self.served, ydoc=self.served.ydoc, ready=True, _update_lock=lock)
        self.room = SharedRoom(room)

    def meet(self) -> None:
        to_page = self.served.ydoc.get_update(self.page.ydoc.get_state())
        to_server = self.page.ydoc.get_update(self.served.ydoc.get_state())
        self.page.ydoc.apply_update(to_page)
        self.served.ydoc.apply_update(to_server)

    def seen(self) -> list[dict[str, Any]]:
        self.meet()
        return [without_marks(cell) for cell in self.page.get()["cells"]]


def content_of(document: Document) -> dict[str, Any]:
    import json

    content: dict[str, Any] = json.loads(document.dump())
    content["cells"] = [dict(cell) for cell in document.cells]
    return content


def without_marks(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in cell["metadata"].items() if key != "trusted"}
    return {**cell, "metadata": metadata}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def display(data: str) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"text/plain": data}, "metadata": {"scale": 1.0}}


def begun(*sources: str) -> tuple[Document, Pages]:
    document = EMPTY.snapshot()
    for source in sources:
        document.insert(None, "code", source)
    pages = Pages(document)
    pages.room.base = pages.room.take(document.snapshot())
    return document, pages


def change(document: Document, by: random.Random) -> None:
    """Do what an agent does, at random."""
    text = "".join(by.choices(LETTERS, k=by.randrange(8)))
    what = by.choice(["insert", "source", "delete", "move", "run", "run", "run"])
    if what == "insert" or not len(document):
        place = by.randrange(len(document) + 1)
        document.insert(place, by.choice(["code", "markdown"]), text)
        return
    cell_id = by.choice(document.cells)["id"]
    if what == "source":
        document.set_source(cell_id, document.cell(cell_id)["source"][: by.randrange(4)] + text)
    elif what == "delete":
        document.delete(cell_id)
    elif what == "move":
        document.move(cell_id, by.randrange(len(document)))
    elif document.cell(cell_id)["cell_type"] == "code":
        outputs = [dict(each) for each in document.cell(cell_id)["outputs"]][: by.randrange(4)]
        if outputs and outputs[-1]["output_type"] == "stream":
            outputs[-1]["text"] += text
        outputs.append(by.choice([stream(text), stream(text, "stderr"), display(text)]))
        timing = {"iopub.status.busy": str(by.random())}
        document.set_outputs(cell_id, outputs, by.randrange(9), timing)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_put_is_what_pages_see_and_what_is_read_again(seed: int) -> None:
    by = random.Random(seed)  # noqa: S311
    document, pages = begun("a", "b", "c")
    for _ in range(30):
        for _ in range(by.randrange(1, 4)):
            change(document, by)
        base = pages.room.base
        assert base is not None
        assert pages.room.take(base) is base
        pages.room.put(document.snapshot(), ())
        assert pages.seen() == [without_marks(cell) for cell in document.cells]
    added = {"cell_type": "markdown", "id": "added", "metadata": {"new": 1.0}, "source": "by a person"}
    pages.page.append_cell(added)
    pages.meet()
    assert pages.room.base is not None
    read = pages.room.take(pages.room.base)
    assert [slot.cell for slot in read.slots] == [*document.cells, added]


def test_a_notebook_without_ids_is_shared_too() -> None:
    mine = Document.parse(
        '{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": ['
        '{"cell_type": "markdown", "metadata": {}, "source": "a"},'
        '{"cell_type": "markdown", "metadata": {}, "source": "b"}]}'
    )
    pages = Pages(mine)
    base = mine.snapshot()
    pages.room.base = theirs = pages.room.take(base)
    merged, _ = merge_shared(base, mine, theirs)
    merged.set_source(0, "a by the agent")
    pages.room.put(merged.snapshot(), ())
    assert [cell["source"] for cell in pages.seen()] == ["a by the agent", "b"]
    source = pages.page.ycells[1]["source"]
    source += " by a person"
    pages.meet()
    base = pages.room.base
    pages.room.base = theirs = pages.room.take(base)
    merged, _ = merge_shared(base, merged, theirs)
    pages.room.put(merged.snapshot(), ())
    assert [cell["source"] for cell in pages.seen()] == ["a by the agent", "b by a person"]
    assert [cell["source"] for cell in merged.cells] == ["a by the agent", "b by a person"]


@pytest.mark.parametrize("seed", range(40))
def test_a_text_is_changed_only_where_it_differs(seed: int) -> None:
    by = random.Random(seed)  # noqa: S311
    _, pages = begun("".join(by.choices(LETTERS, k=20)))
    shared = pages.served.ycells[0]["source"]
    for _ in range(20):
        new = list(str(shared))
        at = by.randrange(len(new) + 1)
        new[at : at + by.randrange(4)] = by.choices(LETTERS, k=by.randrange(4))
        edit_text(shared, "".join(new))
        assert str(shared) == "".join(new)


def test_what_a_person_types_while_the_agent_edits_the_same_cell_stays() -> None:
    document, pages = begun("first = 1\nlast = 2")
    source = pages.page.ycells[0]["source"]
    source += "  # typed"  # has not reached the server yet
    document.set_source(0, "first = 10\nlast = 2")
    pages.room.put(document.snapshot(), ())
    assert pages.seen()[0]["source"] == "first = 10\nlast = 2  # typed"


def test_a_running_cell_shows_it_and_goes_when_a_person_deletes_it() -> None:
    document, pages = begun("a", "runs")
    running = document.cell(1)["id"]
    pages.room.put(document.snapshot(), {running})
    pages.meet()
    assert pages.page.ycells[1]["execution_state"] == "running"
    document.set_outputs(running, [stream("more")], 1)
    del pages.page.ycells[1]
    pages.meet()
    base = pages.room.base
    assert base is not None
    theirs = pages.room.take(base)
    merged, notes = merge_shared(base, document, theirs)
    assert [cell["source"] for cell in merged.cells] == ["a"]
    assert notes == []
    pages.room.base = theirs
    pages.room.put(merged, ())
    assert [cell["source"] for cell in pages.seen()] == ["a"]


def test_a_cell_copied_with_its_id_gets_one_of_its_own() -> None:
    _, pages = begun("a")
    copied = dict(pages.page.get()["cells"][0])
    pages.page.append_cell({**copied, "source": "copy"})
    pages.meet()
    assert pages.room.base is not None
    read = pages.room.take(pages.room.base)
    assert [cell["source"] for cell in read.cells] == ["a", "copy"]
    assert len({cell["id"] for cell in read.cells}) == 2


def test_a_long_stream_is_appended_to_not_written_anew() -> None:
    document, pages = begun("runs")
    cell_id = document.cell(0)["id"]
    sizes = []
    text = ""
    for number in range(50):
        text += f"line {number} of some length\n"
        document.set_outputs(cell_id, [stream(text)], 1)
        before = pages.served.ydoc.get_state()
        pages.room.put(document.snapshot(), ())
        sizes.append(len(pages.served.ydoc.get_update(before)))
    assert max(sizes[10:]) < 300
    assert pages.seen()[0]["outputs"] == [stream(text)]
