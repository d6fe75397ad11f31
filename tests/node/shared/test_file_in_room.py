"""Where a notebook is kept while pages share it, and when they do not any more.

The shared documents are real; only the room's server and its way to the file are stood in for, because these
come with an extension that would change JupyterLab for all other tests (`tests/browser/test_side_by_side.py` has them).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from jupyter_ydoc import YNotebook

from jlab_mcp.node.notebook.document import Document
from jlab_mcp.node.notebook.file import NotebookFile
from jlab_mcp.node.shared.room import SharedRoom

LIMIT = 60.0


class Loader:
    """Reads and writes the room's file, as jupyter-collaboration's does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last_modified: datetime | None = None
        self.saves = 0
        self.hindered: Exception | None = None

    def load(self) -> Any:
        self._look()
        return nbformat.read(self.path, as_version=4)

    async def maybe_save_content(self, model: dict[str, Any]) -> dict[str, Any]:
        if self.hindered:
            raise self.hindered
        self.saves += 1
        nbformat.write(nbformat.from_dict(model["content"]), self.path)
        self._look()
        return {"hash": str(self.saves)}

    def _look(self) -> None:
        self.last_modified = datetime.fromtimestamp(self.path.stat().st_mtime, tz=UTC)


class Shared:
    """A notebook that an agent has open, and a room that comes and goes."""

    def __init__(self, path: Path) -> None:
        document = Document.new("python3", "Python 3", "python")
        document.insert(None, "code", "a", "a")
        self.path = path
        self.file = NotebookFile.create(str(path), document)
        self.file.together.rooms = lambda _path: self.room
        self.room: SharedRoom | None = None
        self.loader = Loader(path)

    def open(self, *, ready: bool = True) -> Any:
        """Open a room; returns what jupyter-collaboration has of it."""
        self.notebook = YNotebook()
        inner = SimpleNamespace(
            _document=self.notebook,
            ydoc=self.notebook.ydoc,
            _file=self.loader,
            _update_lock=asyncio.Lock(),
            ready=False,
        )
        self.room = SharedRoom(inner)
        if ready:
            self.load(inner)
        return inner

    def load(self, inner: Any) -> None:
        self.notebook.set(self.loader.load())
        inner.ready = True

    def seen(self) -> list[str]:
        return [cell["source"] for cell in self.notebook.get()["cells"]]

    def on_disk(self) -> list[str]:
        return [cell.source for cell in nbformat.read(self.path, as_version=4).cells]

    def add(self, source: str) -> None:
        self.file.refresh()
        self.file.document.insert(None, "code", source, source)
        self.file.changed()


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT):
        while not look():
            await asyncio.sleep(0.01)


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    return Shared(tmp_path / "shared.ipynb")


async def test_what_the_agent_adds_goes_into_the_room_and_the_room_writes_the_file(shared: Shared) -> None:
    shared.open()
    shared.add("b")
    await until(lambda: shared.seen() == ["a", "b"])
    await shared.file.flush()
    assert shared.on_disk() == ["a", "b"]
    assert shared.loader.saves >= 1
    assert not shared.file.unsaved
    assert shared.file.saved.cells == shared.file.document.cells


async def test_a_room_that_is_just_opened_gets_what_came_since_it_was_read(shared: Shared) -> None:
    inner = shared.open(ready=False)
    shared.add("b")
    before = shared.path.read_bytes()
    flushing = asyncio.ensure_future(shared.file.flush())
    done, _ = await asyncio.wait({flushing}, timeout=1)
    assert not done
    assert shared.path.read_bytes() == before  # the room is about to read it
    shared.load(inner)
    await flushing
    assert shared.seen() == ["a", "b"]
    assert shared.on_disk() == ["a", "b"]


async def test_a_room_that_is_being_filled_is_left_alone(shared: Shared) -> None:
    inner = shared.open()
    shared.file.refresh()
    async with inner._update_lock:
        cells = shared.notebook.get()
        shared.notebook.ycells.clear()
        shared.add("b")
        assert [cell["source"] for cell in shared.file.document.cells] == ["a", "b"]
        shared.notebook.set(cells)
    await until(lambda: shared.seen() == ["a", "b"])


async def test_what_people_do_is_taken_in_and_told_once(shared: Shared) -> None:
    shared.open()
    shared.file.refresh()
    source = shared.notebook.ycells[0]["source"]
    source += " by a person"
    await until(lambda: shared.file.document.cell("a")["source"] == "a by a person")
    said = "a person changed the notebook in JupyterLab meanwhile, which was merged in: cell a edited"
    assert shared.file.take_notices() == [said]
    assert shared.file.take_notices() == []
    assert not shared.file.unsaved  # the room saves what people do, as they have set it


async def test_when_the_room_has_gone_the_file_is_written_with_what_it_had_last(shared: Shared) -> None:
    shared.open()
    shared.add("b")
    await until(lambda: shared.seen() == ["a", "b"])
    source = shared.notebook.ycells[0]["source"]
    source += " by a person"
    shared.room = None  # before it has saved
    shared.add("c")
    await shared.file.flush()
    assert shared.on_disk() == ["a by a person", "b", "c"]
    assert "changed on disk" not in " ".join(shared.file.take_notices())
    shared.open()
    shared.add("d")
    await until(lambda: shared.seen() == ["a by a person", "b", "c", "d"])


async def test_a_file_that_the_room_cannot_save_is_told_and_tried_again(shared: Shared) -> None:
    shared.open()
    shared.loader.hindered = OSError(28, "No space left on device")
    shared.add("b")
    await until(lambda: shared.file.save_error)
    assert shared.file.unsaved
    assert "could not be saved" in (shared.file.save_error or "")
    shared.loader.hindered = None
    await until(lambda: shared.on_disk() == ["a", "b"])
    await until(lambda: shared.file.save_error is None)


def test_at_the_end_of_the_server_the_file_has_what_the_room_had(shared: Shared) -> None:
    async def work() -> None:
        shared.open()
        shared.add("b")
        await until(lambda: shared.seen() == ["a", "b"])
        source = shared.notebook.ycells[1]["source"]
        source += " by a person"

    asyncio.run(work())
    shared.file.mark()
    shared.file.flush_now()
    assert shared.on_disk() == ["a", "b by a person"]
