from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jlab_mcp.node.notebook.document import Document
from jlab_mcp.node.notebook.merge import merge

STREAM = {"output_type": "stream", "name": "stdout", "text": "1\n"}


def start(*sources: str, minor: int = 5) -> Document:
    document = Document.new("python3", "Python 3", "python")
    for source in sources or ("a", "b", "c"):
        document.insert(None, "code", source)
    document.minor = minor
    return Document.parse(document.dump()) if minor >= 5 else document


def reread(document: Document) -> Document:
    """As someone else's copy: ids are what the file holds, if it does."""
    return Document.parse(document.dump())


def sources(document: Document) -> list[str]:
    nbformat.validate(json.loads(document.dump()))
    return [cell["source"] for cell in document.cells]


def ids(document: Document) -> list[str]:
    return [cell["id"] for cell in document.cells]


@st.composite
def edited(draw: st.DrawFn, base: Document) -> Document:
    document = base.snapshot()
    for _ in range(draw(st.integers(0, 6))):
        total = len(document)
        edit = draw(
            st.sampled_from(["insert", "source", "delete", "move", "outputs"] if total else ["insert"])
        )
        if edit == "insert":
            document.insert(draw(st.integers(0, total)), "code", draw(st.text("xyz", max_size=2)))
            continue
        index = draw(st.integers(0, total - 1))
        if edit == "source":
            document.set_source(index, draw(st.text("xyz", max_size=2)))
        elif edit == "delete":
            document.delete(index)
        elif edit == "move":
            document.move(index, draw(st.integers(0, total - 1)))
        else:
            document.set_outputs(ids(document)[index], [STREAM], 1, {})
    return document


@settings(deadline=None)
@given(st.data())
def test_where_one_side_changed_nothing_the_other_is_the_merge(data: st.DataObject) -> None:
    base = start("a", "b", "c", "a")
    other = data.draw(edited(base))
    for mine, disk in ((other, reread(base)), (base.snapshot(), reread(other)), (other, reread(other))):
        merged, notes = merge(base, mine, disk)
        assert merged.dump() == other.dump()
        assert notes == []


@settings(deadline=None)
@given(st.data())
def test_nothing_that_either_side_wrote_is_lost(data: st.DataObject) -> None:
    base = start("a", "b", "c")
    mine, disk = data.draw(edited(base)), reread(data.draw(edited(base)))
    merged, _ = merge(base, mine, disk)
    kept = sources(merged)
    assert len(set(ids(merged))) == len(merged)
    old = {cell["id"]: cell for cell in base.cells}
    for side in (mine, disk):
        for cell in side.cells:
            if cell["id"] not in old or cell["source"] != old[cell["id"]]["source"]:
                assert cell["source"] in kept


def test_changes_of_different_cells_are_both_taken() -> None:
    base = start()
    mine, disk = base.snapshot(), reread(base)
    mine.set_source(0, "mine")
    mine.set_outputs(ids(mine)[0], [STREAM], 1, {})
    disk.set_source(2, "disk")
    merged, notes = merge(base, mine, disk)
    assert sources(merged) == ["mine", "b", "disk"]
    assert merged.cells[0]["outputs"] == [STREAM]
    assert notes == []


def test_where_both_changed_one_cell_both_are_kept_and_it_is_said() -> None:
    base = start()
    mine, disk = base.snapshot(), reread(base)
    mine.set_source(1, "mine")
    disk.set_source(1, "disk")
    merged, (note,) = merge(base, mine, disk)
    assert sources(merged) == ["a", "mine", "disk", "c"]
    assert ids(merged)[1] == ids(base)[1]
    assert "both by the session and in the file" in note


def test_a_cell_that_the_session_ran_and_a_person_edited_has_the_edit_and_its_outputs() -> None:
    base = start()
    mine, disk = base.snapshot(), reread(base)
    mine.set_outputs(ids(base)[0], [STREAM], 1, {})
    disk.set_source(0, "a person")
    merged, (note,) = merge(base, mine, disk)
    assert sources(merged) == ["a person", "b", "c"]
    assert merged.cells[0]["outputs"] == [STREAM]
    assert "its outputs are those of the code before" in note
    other = {**STREAM, "text": "theirs"}
    disk.set_outputs(ids(base)[0], [other], 2, {})
    merged, (note,) = merge(base, mine, disk)
    assert (sources(merged)[0], merged.cells[0]["outputs"]) == ("a person", [other])
    assert "edited and run in the file" in note


def test_outputs_of_both_sides_for_one_source_are_no_conflict() -> None:
    base = start()
    mine, disk = base.snapshot(), reread(base)
    mine.set_outputs(ids(base)[0], [STREAM], 2, {"shell.execute_reply": "T"})
    disk.set_outputs(ids(base)[0], [{**STREAM, "text": "part"}], 1, {})
    disk.metadata["by a person"] = True
    merged, notes = merge(base, mine, disk)
    assert merged.cells[0]["outputs"] == [STREAM]
    assert merged.metadata["by a person"] is True
    assert notes == []


def test_metadata_of_both_sides_is_merged_key_by_key() -> None:
    base = start()
    mine, disk = base.snapshot(), reread(base)
    mine.set_outputs(ids(base)[0], [STREAM], 1, {"shell.execute_reply": "T"})
    disk.cells[0]["metadata"]["tags"] = ["kept"]
    disk.touch(ids(base)[0])
    merged, _ = merge(base, mine, disk)
    assert merged.cells[0]["metadata"] == {"execution": {"shell.execute_reply": "T"}, "tags": ["kept"]}


def test_deleted_on_one_side_and_unchanged_on_the_other_is_deleted() -> None:
    base = start()
    mine, disk = base.snapshot(), reread(base)
    mine.delete(0)
    disk.delete(2)
    merged, notes = merge(base, mine, disk)
    assert sources(merged) == ["b"]
    assert notes == []


@pytest.mark.parametrize("deleter", ["mine", "disk"])
def test_deleted_on_one_side_and_changed_on_the_other_is_kept_and_said(deleter: str) -> None:
    base = start()
    sides = {"mine": base.snapshot(), "disk": reread(base)}
    other = "disk" if deleter == "mine" else "mine"
    sides[deleter].delete(1)
    sides[other].set_source(1, "changed")
    merged, (note,) = merge(base, sides["mine"], sides["disk"])
    assert sources(merged) == ["a", "changed", "c"]
    assert "it was kept" in note


def test_cells_added_on_both_sides_stand_where_they_were_put() -> None:
    base = start()
    mine, disk = base.snapshot(), reread(base)
    mine.insert(1, "code", "after a, mine")
    mine.insert(None, "code", "last, mine")
    disk.insert(2, "markdown", "after b, disk")
    disk.insert(None, "code", "last, disk")
    merged, notes = merge(base, mine, disk)
    assert sources(merged) == ["a", "after a, mine", "b", "after b, disk", "c", "last, mine", "last, disk"]
    assert notes == []


def test_a_move_on_one_side_and_an_insertion_on_the_other() -> None:
    base = start()
    mine, disk = base.snapshot(), reread(base)
    disk.move(2, 0)
    mine.insert(2, "code", "new")
    merged, _ = merge(base, mine, disk)
    assert sources(merged) == ["c", "a", "b", "new"]


def test_without_ids_in_the_file_cells_are_matched_by_content_and_place() -> None:
    base = start("a", "b", "c", "d", minor=4)
    mine, disk = base.snapshot(), reread(base)
    assert not set(ids(base)) & set(ids(disk))
    mine.set_source(3, "mine")
    disk.set_source(1, "disk")
    disk.insert(0, "markdown", "# title")
    merged, notes = merge(base, mine, disk)
    assert sources(merged) == ["# title", "a", "disk", "c", "mine"]
    assert ids(merged)[1:] == ids(base)
    assert merged.minor == 4
    assert notes == []


def test_a_file_that_was_raised_to_format_4_5_stays_there_and_keeps_the_ids_in_use() -> None:
    base = start("a", "b", minor=4)
    raised: dict[str, Any] = json.loads(base.dump())
    raised["nbformat_minor"] = 5
    disk = Document.parse(json.dumps(raised))
    mine = base.snapshot()
    mine.insert(None, "code", "new")
    merged, _ = merge(base, mine, disk)
    assert sources(merged) == ["a", "b", "new"]
    assert merged.minor == 5
    assert ids(merged) == ids(mine)
