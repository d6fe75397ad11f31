"""Asking a command: what it said, or in words why it said nothing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from jlab_mcp.runners.ask import ask, user_name
from tests.sites import environment, put, put_failing, put_slow

PLENTY = 120.0
"""Seconds that no command here needs."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "with space"
    path.mkdir()
    return path


async def test_a_command_is_answered_with_what_it_said(folder: Path) -> None:
    put(folder, "sinfo", 'echo "$1"; echo careful >&2')
    answer = await ask(["sinfo", "a b"], environ=environment(folder), timeout=PLENTY)
    assert (answer.status, answer.stdout, answer.stderr, answer.failure) == (0, "a b\n", "careful\n", None)
    assert answer.argv == ("sinfo", "a b")


async def test_a_missing_command_is_said_to_be_missing(folder: Path) -> None:
    answer = await ask(["sinfo"], environ=environment(folder), timeout=PLENTY)
    assert (answer.status, answer.failure) == (None, "`sinfo` is not on PATH")


async def test_a_failure_ends_with_the_last_thing_said(folder: Path) -> None:
    put_failing(folder, "sinfo", "slurm_load: first\nsinfo: error: \x1b[31mlast\x1b[0m\n\n", status=3)
    answer = await ask(["sinfo"], environ=environment(folder), timeout=PLENTY, called="sinfo -a")
    assert answer.status == 3
    assert answer.failure is not None
    assert answer.failure.startswith("`sinfo -a` failed: sinfo: error: ")
    assert "\x1b" not in answer.failure


async def test_a_failure_without_a_word_has_its_status(folder: Path) -> None:
    put(folder, "sinfo", "exit 7")
    answer = await ask(["sinfo"], environ=environment(folder), timeout=PLENTY)
    assert answer.failure == "`sinfo` failed: exit status 7"


async def test_a_file_that_cannot_be_run_is_a_failure_too(folder: Path) -> None:
    (folder / "sinfo").write_bytes(b"\x7fELF no program")
    (folder / "sinfo").chmod(0o755)
    answer = await ask(["sinfo"], environ=environment(folder), timeout=PLENTY)
    assert answer.failure is not None
    assert answer.failure.startswith("`sinfo` could not be started: ")


async def test_a_slow_command_is_ended_with_its_children(folder: Path) -> None:
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        put(folder, "sinfo", f"exec 9>'{fifo}'; echo begun; /bin/sleep 3600 & wait")
        answer = await ask(["sinfo"], environ=environment(folder), timeout=1.5)
        assert (answer.status, answer.failure) == (None, "`sinfo` did not answer in 1.5 s")
        os.set_blocking(reading, True)
        assert os.read(reading, 1) == b"", "the end of file comes when nobody holds the other end any more"
    finally:
        os.close(reading)


async def test_what_a_login_shell_leaves_behind_is_not_waited_for(folder: Path) -> None:
    put(folder, "sinfo", f"/bin/sleep 3600 & echo $! > '{folder}/pid'; echo data")
    answer = await ask(["sinfo"], environ=environment(folder), timeout=PLENTY)
    left_behind = int((folder / "pid").read_text())
    os.kill(left_behind, 9)
    assert (answer.stdout, answer.failure) == ("data\n", None)


async def test_endless_chatter_is_cut_off(folder: Path) -> None:
    put(folder, "yes", "exec /usr/bin/yes")
    answer = await ask(["yes"], environ=environment(folder), timeout=PLENTY)
    assert answer.failure == "`yes` said more than 16 MB"


async def test_a_large_answer_arrives_whole(folder: Path) -> None:
    put(folder, "sinfo", "/usr/bin/head -c 3000000 /dev/zero; echo end")
    answer = await ask(["sinfo"], environ=environment(folder), timeout=PLENTY)
    assert (len(answer.stdout), answer.stdout[-4:]) == (3_000_004, "end\n")


async def test_bytes_that_are_no_text_are_replaced(folder: Path) -> None:
    put(folder, "sinfo", r"printf 'a\377b'")
    answer = await ask(["sinfo"], environ=environment(folder), timeout=PLENTY)
    assert answer.stdout == "a\ufffdb"


async def test_a_command_cannot_wait_for_the_terminal(folder: Path) -> None:
    put(folder, "sinfo", "/bin/cat; echo done")
    assert (await ask(["sinfo"], environ=environment(folder), timeout=PLENTY)).stdout == "done\n"


async def test_giving_up_ends_the_command(folder: Path) -> None:
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    put(folder, "sinfo", f"exec 9>'{fifo}'; echo begun >&9; exec /bin/sleep 3600")
    asking = asyncio.create_task(ask(["sinfo"], environ=environment(folder), timeout=PLENTY))
    with await asyncio.to_thread(fifo.open, "rb") as begun:
        assert await asyncio.to_thread(begun.readline) == b"begun\n"
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await asyncio.to_thread(begun.read) == b""


async def test_no_descriptor_is_left_open(folder: Path) -> None:
    put(folder, "sinfo", "echo data")
    put_slow(folder, "slow")
    await ask(["sinfo"], environ=environment(folder), timeout=PLENTY)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        await ask(["sinfo"], environ=environment(folder), timeout=PLENTY)
        await ask(["slow"], environ=environment(folder), timeout=0.2)
        await ask(["missing"], environ=environment(folder), timeout=PLENTY)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_the_users_name_is_the_environments_or_else_the_systems() -> None:
    assert user_name({"USER": "alice"}) == "alice"
    assert user_name({"LOGNAME": "bob"}) == "bob"
    assert user_name({}) != ""
