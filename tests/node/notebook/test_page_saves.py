"""A page of JupyterLab saves or renames a notebook while the session changes it: nothing is lost or told wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jlab_mcp.node.notebook.document import Document
from jlab_mcp.node.notebook.file import NotebookFile
from jlab_mcp.node.notebook.reading import parse, read_text


def sources(document: Document) -> list[str]:
    return [cell["source"] for cell in document.cells]


def notebook(path: str) -> NotebookFile:
    document = Document.new("python3", "Python 3", "python")
    for source in ("a", "b"):
        document.insert(None, "code", source)
    return NotebookFile.create(path, document)


@pytest.mark.parametrize("look", ["for a call", "to save"])
async def test_who_looks_before_a_pages_save_has_ended_compares_it_with_what_the_page_knew(
    tmp_path: Path, look: str
) -> None:
    path = str(tmp_path / "shared.ipynb")
    file = notebook(path)
    async with file.read_by_page():
        page = parse(read_text(path), path)
    file.document.set_source(1, "the session's")
    file.document.insert(None, "code", "added by the session")
    file.changed()
    await file.flush()
    page.set_source(0, "a person's")
    async with file.saved_by_page(1):
        # JupyterLab writes in a thread, and other tasks run before it hears that this is done.
        Path(path).write_text(page.dump(), encoding="utf-8")
        file.document.insert(None, "code", "meanwhile")
        file.changed()
        if look == "to save":
            file.save_now()
            await asyncio.sleep(0)  # the task of the save begins
        else:
            file.refresh()
        assert sources(file.document)[0] == "a person's"
    await file.flush()
    expected = ["a person's", "the session's", "added by the session", "meanwhile"]
    assert sources(file.document) == expected
    assert sources(parse(read_text(path), path)) == expected
    (said,) = file.take_notices()
    assert said.startswith(
        "the notebook had been changed on disk meanwhile, by a person in JupyterLab: cell "
    )


@pytest.mark.parametrize("dirty", [False, True])
async def test_who_looks_before_a_rename_has_ended_does_not_take_the_notebook_for_deleted(
    tmp_path: Path, *, dirty: bool
) -> None:
    old, new = tmp_path / "old.ipynb", tmp_path / "new.ipynb"
    file = notebook(str(old))
    if dirty:
        file.document.insert(None, "code", "by the session")
        file.changed()
    async with file.held():
        old.rename(new)
        file.save_now()
        file.refresh()
        await asyncio.sleep(0)
        file.moved(str(new))
    await file.flush()
    assert sources(parse(read_text(str(new)), str(new))) == ["a", "b", *(["by the session"] if dirty else [])]
    assert file.take_notices() == [f"the notebook was renamed: it is {new} now"]
    assert not old.exists()
