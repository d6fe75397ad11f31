"""Files of our own: private, whole, locked."""

from __future__ import annotations

import asyncio
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jlab_mcp.errors import CannotWrite, ServerStarting
from jlab_mcp.storage.files import make_private_folder, write_private, writing
from jlab_mcp.storage.locks import held
from jlab_mcp.storage.logs import log_tail, prepare_log
from jlab_mcp.storage.nodefiles import copy_node_files, launcher_path


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_files_are_for_their_user_alone(tmp_path: Path) -> None:
    folder = make_private_folder(tmp_path / "a" / "b")
    write_private(folder / "f", "first")
    write_private(folder / "f", "second")
    assert (_mode(tmp_path / "a"), _mode(folder), _mode(folder / "f")) == (0o700, 0o700, 0o600)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("f", "second")]


def test_a_refusal_to_write_names_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="file`: Not a directory"), writing(tmp_path):
        make_private_folder(tmp_path / "file" / "below")


async def test_a_lock_lets_one_in_at_a_time(tmp_path: Path) -> None:
    inside = most = 0

    async def enter() -> None:
        nonlocal inside, most
        async with held(tmp_path / "new" / "lock"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(8)))
    assert most == 1


async def test_a_lock_that_stays_taken_is_a_clear_error(tmp_path: Path) -> None:
    async with held(tmp_path / "lock"):
        with pytest.raises(ServerStarting, match="another jlab-mcp"):
            async with held(tmp_path / "lock", limit=0.05):
                pass


async def test_a_lock_is_freed_when_its_holder_is_killed(tmp_path: Path) -> None:
    code = "import fcntl,sys,time; f=open(sys.argv[1],'w'); fcntl.flock(f, 2); print('held',flush=True); time.sleep(99)"
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path / "lock"], stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout
        assert holder.stdout.readline()
        holder.send_signal(signal.SIGKILL)
        async with held(tmp_path / "lock", limit=10):
            pass


def test_the_log_of_the_last_time_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "logs/k.log"
    prepare_log(log)
    log.write_bytes(b"\x1b[31mred\x1b[0m\n\n" + b"x\n" * 50 + b"last\xff")
    assert log_tail(log, lines=2) == ["x", "last\ufffd"]
    prepare_log(log)
    assert (log.read_bytes(), stat.S_IMODE(log.stat().st_mode), log_tail(log)) == (b"", 0o600, [])
    assert log.with_name("k.log.1").exists()


def test_the_node_service_is_copied_once_and_mended_where_damaged(tmp_path: Path) -> None:
    launcher = copy_node_files(tmp_path)
    assert launcher == launcher_path(tmp_path)
    before = launcher.stat().st_mtime_ns
    assert copy_node_files(tmp_path) == launcher
    assert launcher.stat().st_mtime_ns == before
    source = launcher.read_bytes()
    launcher.write_bytes(b"")
    (launcher.parent / "extension.py").unlink()
    assert copy_node_files(tmp_path).read_bytes() == source
    assert (launcher.parent / "extension.py").exists()
    assert [path.name for path in launcher.parent.parent.parent.iterdir()] == [launcher.parent.parent.name]
    assert not list(launcher.parent.rglob("__pycache__"))


def test_another_version_of_the_node_service_lies_beside(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "launch.py").write_text("1")
    first = copy_node_files(tmp_path, source)
    (source / "launch.py").write_text("2")
    second = copy_node_files(tmp_path, source)
    assert (first.read_text(), second.read_text()) == ("1", "2")
