"""A notebook folder on a disk that fills up, is taken away or comes back, while cells run."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from .server import NodeServer, node_server

pytestmark = pytest.mark.live

_LIMIT = 60.0
_GROWS = (
    "import os, time\nn = 0\nwhile not os.path.exists({go!r}):\n"
    "    print(n, '#' * 300, flush=True); n += 1; time.sleep(0.1)\nprint('end')"
)


@dataclass
class SmallDisk:
    """A server whose notebooks lie on a disk of 2 MB, in a mount namespace of its own."""

    server: NodeServer

    def seen(self, path: str | Path) -> Path:
        """The file at a path of the server's, as this process may open it."""
        return Path(f"/proc/{self.server.process.pid}/root{path}")

    def mount(self, *options: str) -> None:
        """Run mount as the server sees its files."""
        inside = ["nsenter", "-m", "-t", str(self.server.process.pid)]
        subprocess.run([*inside, "mount", *options, str(self.server.notebooks)], check=True, timeout=30)

    def fill(self) -> None:
        """Leave no room."""
        file = os.open(self.seen(self.server.notebooks / "ballast"), os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while os.write(file, b"x" * 1000):
                pass
        os.close(file)

    def free(self) -> None:
        """Make room again."""
        self.seen(self.server.notebooks / "ballast").unlink()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("disk")) as found:
        yield found


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounting a small disk needs root")
    notebooks = folder / "project" / "notebooks"
    notebooks.mkdir(parents=True)
    python = folder / "python"
    python.write_text(
        f'#!/bin/sh\nexec unshare -m sh -c \'mount -t tmpfs -o size=2m disk "$0" && exec "$@"\' "{notebooks}" '
        f'{sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    with node_server(folder, python=str(python)) as server:
        yield SmallDisk(server)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def text_of(execution: dict[str, Any]) -> str:
    return "".join(output.get("text", "") for output in execution["outputs"])


def through_a_fault(
    disk: SmallDisk, name: str, go: Path, *, begin: Callable[[Path], None], end: Callable[[Path], None]
) -> tuple[str, str]:
    """Run a cell, and let a fault begin and end meanwhile; returns what was said at each time."""
    server = disk.server
    session = server.new_session(name)
    path = disk.seen(session["notebook_path"])
    url = "sessions/" + session["session_id"]
    running = server.run(session["session_id"], wait=0, code=_GROWS.format(go=str(go)))["execution_id"]
    until(lambda: path.exists() and "####" in path.read_text())
    begin(path)
    until(lambda: server.get(url).json()["save_error"] is not None)
    failing = server.execution(running)
    assert failing["state"] == "running"
    assert server.post(url + "/cells", op="insert", cell_type="markdown", source="kept").status_code == 200
    if path.is_file():  # what was there before stays whole
        nbformat.validate(nbformat.reads(path.read_text(), as_version=4))
    again = server.post(url + "/cells", op="edit", cell=-1, source="kept too").json()
    assert server.get(url).json()["save_error"] in again["notice"]
    end(path)
    until(lambda: server.get(url).json()["save_error"] is None)
    go.touch()
    ended = server.execution(running, wait=60)
    assert ended["state"] == "ok"
    lines = text_of(ended).splitlines()
    assert (lines[-1], [int(line.split()[0]) for line in lines[:-1]]) == ("end", list(range(len(lines) - 1)))
    after = server.run(session["session_id"], code="1 + 1")
    assert "saved" not in (after["notice"] or "")
    assert server.http.delete(url).json()["rescued"] is None
    notebook = nbformat.reads(path.read_text(), as_version=4)
    nbformat.validate(notebook)
    assert text_of(notebook.cells[0]) == text_of(ended)
    assert notebook.cells[1].source == "kept too"
    path.unlink()
    return failing["notice"], ended["notice"]


def test_a_full_disk_is_said_in_every_answer_and_the_notebook_saved_when_there_is_room(
    disk: SmallDisk, tmp_path: Path
) -> None:
    failing, ended = through_a_fault(
        disk, "full", tmp_path / "go", begin=lambda _: disk.fill(), end=lambda _: disk.free()
    )
    assert "No space left on device; it is tried again" in failing
    assert "is saved again" in ended


def test_a_disk_that_becomes_read_only_is_said_and_written_to_when_it_no_longer_is(
    disk: SmallDisk, tmp_path: Path
) -> None:
    failing, ended = through_a_fault(
        disk,
        "read-only",
        tmp_path / "go",
        begin=lambda _: disk.mount("-o", "remount,ro"),
        end=lambda _: disk.mount("-o", "remount,rw"),
    )
    assert "Read-only file system" in failing
    assert "is saved again" in ended


def test_a_folder_that_was_removed_is_not_made_again_and_saved_to_when_it_is_back(
    disk: SmallDisk, tmp_path: Path
) -> None:
    def check(path: Path) -> None:
        assert not path.parent.exists()
        path.parent.mkdir()

    failing, ended = through_a_fault(
        disk, "removed/x", tmp_path / "go", begin=lambda path: shutil.rmtree(path.parent), end=check
    )
    assert "its folder is gone" in failing
    assert "is saved again" in ended


def test_a_file_in_the_place_of_the_folder_is_left_alone(disk: SmallDisk, tmp_path: Path) -> None:
    def begin(path: Path) -> None:
        shutil.rmtree(path.parent)
        path.parent.write_text("a file")

    def end(path: Path) -> None:
        assert path.parent.read_text() == "a file"
        path.parent.unlink()
        path.parent.mkdir()

    failing, ended = through_a_fault(disk, "replaced/x", tmp_path / "go", begin=begin, end=end)
    assert "could not be saved" in failing
    assert "is saved again" in ended


def test_a_session_whose_folder_was_removed_ends_with_a_copy_elsewhere(disk: SmallDisk) -> None:
    session = disk.server.new_session("away/x")
    path = disk.seen(session["notebook_path"])
    shutil.rmtree(path.parent)
    disk.server.run(session["session_id"], code="print('not lost')")
    rescued = disk.server.http.delete("sessions/" + session["session_id"]).json()["rescued"]
    assert not path.parent.exists()
    assert "not lost" in disk.seen(rescued).read_text()


def test_a_notebook_file_that_was_deleted_or_moved_is_written_anew_and_that_is_said(disk: SmallDisk) -> None:
    server = disk.server
    session = server.new_session("moved")
    path = disk.seen(session["notebook_path"])
    server.run(session["session_id"], code="print('first')")
    until(lambda: "first" in path.read_text())
    path.rename(path.with_name("elsewhere.ipynb"))
    server.run(session["session_id"], code="print('second')")
    until(path.exists)
    told = server.run(session["session_id"], code="1")["notice"]
    assert "had been deleted or moved; it was written anew to" in told
    server.http.delete("sessions/" + session["session_id"])
    assert "second" in path.read_text()
    assert "second" not in path.with_name("elsewhere.ipynb").read_text()
