from __future__ import annotations

import json
import warnings
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jlab_mcp.node.notebook.document import CellNotFound, Document, NotANotebook

TEXT = st.text(alphabet='ab é\n\r\t"\\\u2028\x1b🎉', max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
METADATA = st.dictionaries(st.sampled_from(["x", "é", "b"]), JSON, max_size=2)
BUNDLE = st.fixed_dictionaries(
    {},
    optional={
        "text/plain": TEXT,
        "text/html": TEXT,
        "image/png": TEXT,
        "image/svg+xml": TEXT,
        "application/javascript": TEXT,
        "application/json": JSON,
        "application/vnd.x+json": JSON,
    },
)
OUTPUT = st.one_of(
    st.fixed_dictionaries({"output_type": st.just("stream"), "name": st.just("stdout"), "text": TEXT}),
    st.fixed_dictionaries({"output_type": st.just("display_data"), "data": BUNDLE, "metadata": METADATA}),
    st.fixed_dictionaries(
        {
            "output_type": st.just("execute_result"),
            "data": BUNDLE,
            "metadata": METADATA,
            "execution_count": st.none(),
        }
    ),
    st.fixed_dictionaries(
        {
            "output_type": st.just("error"),
            "ename": TEXT,
            "evalue": TEXT,
            "traceback": st.lists(TEXT, max_size=2),
        }
    ),
)
CODE = st.fixed_dictionaries(
    {
        "cell_type": st.just("code"),
        "source": TEXT,
        "metadata": METADATA,
        "outputs": st.lists(OUTPUT, max_size=3),
        "execution_count": st.none() | st.integers(0, 9),
    }
)
MARKDOWN = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["markdown", "raw"]), "source": TEXT, "metadata": METADATA},
    optional={"attachments": st.dictionaries(TEXT, BUNDLE, max_size=1)},
)


@st.composite
def notebooks(draw: st.DrawFn) -> dict[str, Any]:
    minor = draw(st.sampled_from([2, 4, 5]))
    cells = draw(st.lists(CODE | MARKDOWN, max_size=5))
    if minor >= 5:
        for index, cell in enumerate(cells):
            cell["id"] = f"cell-{index}"
    return {"cells": cells, "metadata": draw(METADATA), "nbformat": 4, "nbformat_minor": minor}


def written(notebook: dict[str, Any]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(nbformat.writes(nbformat.from_dict(notebook), version=nbformat.NO_CONVERT)) + "\n"


def valid(document: Document) -> None:
    nbformat.validate(json.loads(document.dump()))


def make(*sources: str) -> Document:
    document = Document.new("python3", "Python 3", "python")
    for source in sources:
        document.insert(None, "code", source)
    return document


@settings(max_examples=200)
@given(notebooks())
def test_the_dump_is_what_nbformat_writes(notebook: dict[str, Any]) -> None:
    text = written(notebook)
    document = Document.parse(text)
    assert document.dump() == text
    assert Document.parse(document.dump()).dump() == text
    unsplit = json.dumps(notebook)
    assert Document.parse(unsplit).dump() == text


@given(notebooks(), st.data())
def test_after_any_edits_the_cached_dump_is_the_full_one(
    notebook: dict[str, Any], data: st.DataObject
) -> None:
    document = Document.parse(written(notebook))
    before = document.snapshot()
    kept = before.dump()
    for _ in range(data.draw(st.integers(1, 5))):
        document.dump()
        total = len(document)
        edit = data.draw(st.sampled_from(["insert", "source", "delete", "move"] if total else ["insert"]))
        if edit == "insert":
            document.insert(data.draw(st.integers(-total, total)), "code", data.draw(TEXT))
        elif edit == "source":
            document.set_source(data.draw(st.integers(-total, total - 1)), data.draw(TEXT))
        elif edit == "delete":
            document.delete(data.draw(st.integers(-total, total - 1)))
        else:
            document.move(
                data.draw(st.integers(-total, total - 1)), data.draw(st.integers(-total, total - 1))
            )
    assert document.dump() == Document.parse(document.dump()).dump()
    assert before.dump() == kept
    valid(document)


def test_a_new_notebook_is_valid_and_names_its_kernel() -> None:
    document = make("1")
    valid(document)
    assert document.kernel_name == "python3"
    assert json.loads(document.dump())["nbformat_minor"] == 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        ("{", "the file is not JSON"),
        ("[" * 100_000, "the file is not JSON"),
        ("[]", "the file is JSON, but no notebook"),
        ("{}", "the file is JSON, but no notebook"),
        ('{"nbformat": 3, "worksheets": []}', "convert it with `jupyter nbconvert --to notebook`"),
        ('{"nbformat": 5}', "only format 4 can be opened"),
        ('{"nbformat": 4}', "no list of cells"),
        ('{"nbformat": 4, "cells": [1]}', "no list of cells"),
        ('{"nbformat": 4, "cells": []}', "no `nbformat_minor` or no `metadata`"),
        (
            '{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{"cell_type": "code", "source": "", "metadata": {}}]}',
            "not valid at notebook['cells'][0]",
        ),
    ],
)
def test_what_is_no_notebook_is_told_in_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(NotANotebook) as caught:
        Document.parse(text)
    assert reason in caught.value.reason
    assert "\n" not in caught.value.reason


def parse(minor: int, *cells: dict[str, Any]) -> Document:
    return Document.parse(
        json.dumps({"nbformat": 4, "nbformat_minor": minor, "metadata": {}, "cells": list(cells)})
    )


def raw(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "raw", "source": source, "metadata": {}, **more}


def test_missing_and_doubled_ids_are_mended() -> None:
    document = parse(5, raw("a", id="x"), raw("b"), raw("c", id="x"))
    ids = [cell["id"] for cell in document.cells]
    assert ids[0] == "x"
    assert len(set(ids)) == 3
    valid(document)


def test_an_older_format_keeps_its_version_and_has_ids_in_memory_only() -> None:
    document = parse(4, raw("a", id="not allowed here"), raw("b"))
    ids = [cell["id"] for cell in document.cells]
    assert len(set(ids)) == 2
    assert document.index_of(ids[1]) == 1
    content = json.loads(document.dump())
    assert content["nbformat_minor"] == 4
    assert all("id" not in cell for cell in content["cells"])
    valid(document)


def test_a_later_minor_version_keeps_what_it_adds() -> None:
    text = '{"nbformat": 4, "nbformat_minor": 9, "metadata": {}, "cells": [], "novel": {"a": 1}}'
    assert json.loads(Document.parse(text).dump()) == json.loads(text)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert len(Document.parse("\ufeff" + make("1").dump())) == 1


def test_transient_metadata_goes_as_in_nbformat() -> None:
    document = parse(4, {**raw("a"), "metadata": {"trusted": True, "kept": 1}})
    assert document.cells[0]["metadata"] == {"kept": 1}


def test_a_lone_surrogate_does_not_cost_the_notebook() -> None:
    document = make("'\ud800'", "fine")
    assert "fine" in document.dump().encode().decode()
    valid(document)


@pytest.mark.parametrize("ref", [3, -4, "3", "-4", "nothing", "", "1.5"])
def test_a_cell_that_is_not_there_is_told(ref: int | str) -> None:
    document = make("a", "b", "c")
    with pytest.raises(CellNotFound) as caught:
        document.index_of(ref)
    assert (caught.value.ref, caught.value.total) == (ref, 3)
    assert str(caught.value) == f"there is no cell {ref!r}: the notebook has 3 cells, index 0 to 2"


def test_a_cell_is_named_by_index_digits_or_id() -> None:
    document = parse(5, raw("a", id="1"), raw("b", id="x"), raw("c", id="y"))
    assert [document.index_of(ref) for ref in (0, -1, "2", "-1", "x", "1")] == [0, 2, 2, 2, 1, 0]


def test_edits() -> None:
    document = make("a", "b")
    new = document.insert(1, "markdown", "# x")
    assert [cell["source"] for cell in document.cells] == ["a", "# x", "b"]
    assert document.cell(new)["cell_type"] == "markdown"
    assert document.move(new, -1) == new
    assert [cell["source"] for cell in document.cells] == ["a", "b", "# x"]
    assert document.set_source("0", "A") == document.cells[0]["id"]
    assert document.delete(new) == new
    with pytest.raises(CellNotFound):
        document.delete(new)
    with pytest.raises(CellNotFound):
        document.insert(9, "code", "")
    with pytest.raises(CellNotFound):
        document.move(0, 2)
    assert [cell["source"] for cell in document.cells] == ["A", "b"]


def test_outputs_and_timing_are_set_and_timing_merges() -> None:
    document = make("a")
    (cell,) = document.cells
    document.set_outputs(
        cell["id"],
        [{"output_type": "stream", "name": "stdout", "text": "x\ny"}],
        3,
        {"iopub.execute_input": "T1"},
    )
    document.set_outputs(cell["id"], document.cells[0]["outputs"], 3, {"shell.execute_reply": "T2"})
    assert document.cells[0]["metadata"]["execution"] == {
        "iopub.execute_input": "T1",
        "shell.execute_reply": "T2",
    }
    assert json.loads(document.dump())["cells"][0]["outputs"][0]["text"] == ["x\n", "y"]
    document.set_outputs(cell["id"], [], None, {})
    assert document.cells[0]["metadata"] == {}
    assert document.cells[0]["execution_count"] is None
    valid(document)


def test_kernel_info_is_recorded_and_the_rest_kept() -> None:
    document = make()
    document.metadata["kept"] = 1
    document.set_kernel_info(
        {"name": "julia", "version": "1.11"}, {"name": "julia-1.11", "display_name": "Julia"}
    )
    assert document.kernel_name == "julia-1.11"
    assert document.metadata["kept"] == 1
    valid(document)


def test_touch_makes_the_text_anew() -> None:
    document = make("a")
    document.dump()
    document.cells[0]["source"] = "b"
    document.touch(document.cells[0]["id"])
    assert '"b"' in document.dump()
