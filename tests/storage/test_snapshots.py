"""What SLURM last said, on disk."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from jlab_mcp.core.record import QueueSnapshot
from jlab_mcp.core.slurm.jobs import Job
from jlab_mcp.errors import CannotWrite
from jlab_mcp.storage.snapshots import read_snapshot, write_snapshot

JOB = Job(job_id="7", state="RUNNING", nodes="n1", left_s=60.0, name="näme | of a job")


@pytest.mark.parametrize(
    "snapshot", [QueueSnapshot(at=12.5, jobs=(JOB,)), QueueSnapshot(at=0.0, failure="no answer in 30 s")]
)
def test_a_snapshot_is_read_as_it_was_written_and_is_private(tmp_path: Path, snapshot: QueueSnapshot) -> None:
    path = tmp_path / "queue-0.json"
    write_snapshot(path, snapshot)
    assert read_snapshot(path) == snapshot
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": "noon"}', '{"at": 1, "jobs": [{}]}', "\xff"])
def test_what_cannot_be_read_counts_as_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "queue-0.json"
    path.write_text(text, encoding="latin-1")
    assert read_snapshot(path) is None


def test_there_may_be_no_snapshot(tmp_path: Path) -> None:
    assert read_snapshot(tmp_path / "none" / "queue-0.json") is None
    assert read_snapshot(tmp_path) is None


def test_a_later_version_may_say_more(tmp_path: Path) -> None:
    path = tmp_path / "queue-0.json"
    path.write_text('{"at": 1.0, "jobs": [], "of_a_later_version": true}')
    assert read_snapshot(path) == QueueSnapshot(at=1.0)


def test_a_snapshot_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="Not a directory"):
        write_snapshot(tmp_path / "file" / "queue-0.json", QueueSnapshot(at=1.0))
