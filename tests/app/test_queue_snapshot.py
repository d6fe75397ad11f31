"""SLURM is asked once for all who look at the same time, and its silence is shared as well.

A program in squeue's place counts how often it is called: a real one answers only where there is a cluster.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jlab_mcp.app.queue import is_it, last_seen, queue, snapshot_file
from jlab_mcp.core.record import QueueSnapshot, ServerJob
from jlab_mcp.core.slurm.jobs import Job
from jlab_mcp.errors import SlurmUnreachable
from jlab_mcp.storage.snapshots import read_snapshot, write_snapshot
from tests.sites import put

JOB = ServerJob(job_id="7", name="jlab-mcp-a", command_timeout=60.0)
LINE = "7|RUNNING|None|n1|2026-01-02T03:04:05|1:00:00|2:00:00|jlab-mcp-a"
LIMIT = 120.0
"""Seconds after which something hangs."""
PROCESSES = 8


class Squeue:
    """A program in squeue's place, which counts its calls and can be kept from answering."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"

    def says(self, *lines: str, status: int = 0) -> None:
        """Put it there; it takes as long as its `hold` is there."""
        output = "\n".join([f"echo '{line}'" for line in lines])
        held = f"while [ -e '{self.folder}/hold' ]; do /bin/sleep 0.02; done"
        put(self.folder, "squeue", f"echo x >> '{self.calls}'\n{held}\n{output}\nexit {status}")

    def hold(self) -> None:
        """Keep it from answering."""
        (self.folder / "hold").touch()

    def release(self) -> None:
        """Let it answer."""
        (self.folder / "hold").unlink()

    @property
    def asked(self) -> int:
        """How often it was called."""
        return len(self.calls.read_text().splitlines()) if self.calls.exists() else 0


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Squeue:
    """Squeue, which knows one job."""
    made = Squeue(tmp_path / "bin")
    made.says(LINE)
    monkeypatch.setenv("PATH", str(made.folder))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of records, not made yet."""
    return tmp_path / "connections"


async def test_an_answer_serves_as_long_as_it_is_young_enough(squeue: Squeue, folder: Path) -> None:
    first = await queue(JOB, folder, max_age=LIMIT)
    assert [job.job_id for job in first.jobs] == ["7"]
    assert (await queue(JOB, folder, max_age=LIMIT), squeue.asked) == (first, 1)
    assert (await queue(JOB, folder, max_age=0.0)).at > first.at
    assert squeue.asked == 2


@pytest.mark.parametrize("silent", [False, True], ids=["answers", "fails"])
@pytest.mark.parametrize(("max_age", "calls"), [(LIMIT, 1), (0.0, 2)])
async def test_many_processes_at_once_ask_once_or_twice_where_no_earlier_word_will_do(
    squeue: Squeue, folder: Path, silent: bool, max_age: float, calls: int
) -> None:
    if silent:
        squeue.says("not for you", status=1)
    squeue.hold()
    code = (
        "import asyncio, sys; from pathlib import Path; from jlab_mcp.app.queue import queue, ServerJob\n"
        "from jlab_mcp.errors import SlurmUnreachable\n"
        f"job = ServerJob.model_validate_json({JOB.model_dump_json()!r})\n"
        "print('here', flush=True); sys.stdin.readline()\n"
        # None is cancelled for another's failure: it may be the one that asks.
        "async def look():\n"
        f"    asked = [queue(job, Path({str(folder)!r}), max_age={max_age}) for _ in range(3)]\n"
        "    return await asyncio.gather(*asked, return_exceptions=True)\n"
        "print({str(each) if isinstance(each, SlurmUnreachable) else each.at for each in asyncio.run(look())})\n"
    )
    many = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PATH": str(squeue.folder)},
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    try:
        for process in many:
            assert process.stdout is not None
            assert process.stdout.readline() == "here\n"
        for process in many:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        # All of them wait at the lock, or for its holder's answer, once the lock's file is open in each.
        lock = snapshot_file(JOB, folder).with_suffix(".lock")
        async with asyncio.timeout(LIMIT):
            while not all(_opens(process.pid, lock, 3) for process in many):
                await asyncio.sleep(0.02)
        squeue.release()
        told = {process.communicate(timeout=LIMIT)[0] for process in many}
    finally:
        for process in many:
            process.kill()
            process.communicate()
    assert 1 <= squeue.asked <= calls
    assert {"not for you" in each for each in told} == {silent}


def _opens(pid: int, path: Path, times: int) -> bool:
    found = [each for each in Path(f"/proc/{pid}/fd").iterdir() if each.exists()]
    return sum(each.readlink() == path for each in found) >= times


async def test_a_failure_is_told_as_long_as_it_would_serve_as_an_answer(squeue: Squeue, folder: Path) -> None:
    squeue.says("Unable to contact slurm controller", status=1)
    for _ in range(2):
        with pytest.raises(SlurmUnreachable, match=r"SLURM does not answer: .*Unable to contact"):
            await queue(JOB, folder, max_age=LIMIT)
    assert squeue.asked == 1
    squeue.says(LINE)
    assert (await queue(JOB, folder, max_age=0.0)).failure is None


async def test_a_snapshot_that_cannot_be_read_is_made_anew(squeue: Squeue, folder: Path) -> None:
    folder.mkdir()
    snapshot_file(JOB, folder).write_text("{")
    assert len((await queue(JOB, folder, max_age=LIMIT)).jobs) == 1
    assert (squeue.asked, read_snapshot(snapshot_file(JOB, folder)) is None) == (1, False)


async def test_a_snapshot_from_the_future_does_not_serve(squeue: Squeue, folder: Path) -> None:
    folder.mkdir()
    write_snapshot(snapshot_file(JOB, folder), QueueSnapshot(at=4e9))
    assert len((await queue(JOB, folder, max_age=LIMIT)).jobs) == 1


async def test_where_answers_cannot_be_kept_slurm_is_asked_each_time(squeue: Squeue, folder: Path) -> None:
    folder.touch()  # so no file can be made in it, not even by root
    for _ in range(2):
        assert len((await queue(JOB, folder, max_age=LIMIT)).jobs) == 1
    assert squeue.asked == 2


async def test_each_cluster_has_an_answer_of_its_own(
    squeue: Squeue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = JOB.model_copy(update={"cluster": "beta"})
    configured = JOB.model_copy(update={"slurm_conf": Path("/etc/other.conf")})
    for job in (JOB, there, configured):
        await queue(job, folder, max_age=LIMIT)
    monkeypatch.setenv("SLURM_CONF", "/etc/other.conf")
    await queue(JOB, folder, max_age=LIMIT)  # the same as `configured`
    assert squeue.asked == 3


async def test_what_was_last_seen_is_read_without_asking(squeue: Squeue, folder: Path) -> None:
    assert last_seen(JOB, folder) is None
    await queue(JOB, folder, max_age=LIMIT)
    seen = last_seen(JOB, folder)
    assert seen is not None
    assert (seen[1].left_s, squeue.asked) == (3600.0, 1)
    assert last_seen(JOB, folder, since=seen[0].at + 1) is None
    assert last_seen(JOB.model_copy(update={"name": "jlab-mcp-b"}), folder) is None


@pytest.mark.parametrize(
    ("job_id", "name", "same"),
    [("7", "jlab-mcp-a", True), ("8", "jlab-mcp-a", False), ("7", "jlab-mcp-b", False)],
)
def test_a_job_is_known_by_its_name_and_its_id(job_id: str, name: str, same: bool) -> None:
    found = Job(job_id=job_id, state="RUNNING", name=name)
    assert is_it(found, JOB) is same
    assert is_it(found, JOB.model_copy(update={"job_id": None})) is (name == JOB.name)
