"""How a server's job ended, and how it stands in the queue, in words."""

from __future__ import annotations

from signal import Signals
from typing import TYPE_CHECKING

from jlab_mcp.core.command import LAUNCHER_EXITS
from jlab_mcp.core.slurm.jobs import Phase
from jlab_mcp.core.slurm.reasons import pending_reason

if TYPE_CHECKING:
    from jlab_mcp.core.record import EndNote
    from jlab_mcp.core.slurm.jobs import Job, JobEnd

_WORDS = {
    "BOOT_FAIL": "failed: its node could not be booted",
    "COMPLETED": "ended by itself",
    "DEADLINE": "was ended at its deadline",
    "LAUNCH_FAILED": "failed: SLURM could not start it",
    "OUT_OF_MEMORY": "was ended because it used more memory than it had asked for",
    "PREEMPTED": "was preempted by another job",
    "REVOKED": "was revoked, because another cluster runs it",
}

_SIGNALS = {number.value: number.name for number in Signals}


def note_words(note: EndNote) -> str | None:
    """Say why a server ended, where it ended by itself; None where a signal ended it."""
    if note.cause == "idle":
        return "no cell had run for as long as server.idle_timeout allows"
    if note.cause == "shutdown":
        return "it was shut down in JupyterLab"
    return note.message if note.cause == "crash" else None


def end_words(end: JobEnd, said: str | None = None) -> str:
    """Say how a job ended, in words that follow "job 12".

    Args:
        end: what SLURM knows.
        said: what the server or its shell said of it.
    """
    known = _known(end, has_reason=bool(said))
    return f"{known}: {said}" if said and end.state in (None, "COMPLETED", "FAILED") else known


def _known(end: JobEnd, *, has_reason: bool) -> str:
    if end.state is None:
        return "has ended, and SLURM no longer knows how"
    if end.state == "TIMEOUT":
        return f"timed out: its time limit{f' of {end.time_limit}' if end.time_limit else ''} was over"
    if end.state == "CANCELLED":
        return f"was cancelled{f' by user {end.by_uid}' if end.by_uid is not None else ''}"
    if end.state == "NODE_FAIL":
        return f"was lost: its node {end.nodes or ''} failed".replace("  ", " ")
    if end.state == "FAILED":
        return _failed(end, has_reason=has_reason)
    return _WORDS.get(end.state, f"ended in the state {end.state}")


def _failed(end: JobEnd, *, has_reason: bool) -> str:
    if end.signal is not None:
        return f"failed: it was ended by {_SIGNALS.get(end.signal, f'signal {end.signal}')}"
    if end.exit_code is None:
        return "failed"
    meaning = None if has_reason else LAUNCHER_EXITS.get(end.exit_code)
    return f"failed with exit code {end.exit_code}{f': {meaning}' if meaning else ''}"


def job_words(job: Job) -> str:
    """Say how a job stands that has not ended, in a clause without a full stop."""
    if job.state == "SUSPENDED":
        return f"job {job.job_id} is suspended on {job.nodes}"
    if job.phase is Phase.ENDING:
        return f"job {job.job_id} is ending on {job.nodes or 'its node'}"
    if job.state == "CONFIGURING":
        return f"job {job.job_id} has its nodes ({job.nodes}), which are being booted"
    if job.phase is Phase.RUNNING:
        return f"job {job.job_id} runs on {job.nodes or 'a node'}"
    said = [f"job {job.job_id} is queued"]
    if job.reason:
        reason = pending_reason(job.reason)
        said.append(f": {reason.sentence}" + ("" if reason.name in reason.sentence else f" ({reason.name})"))
    if job.start:
        said.append(f"; expected to start at {job.start.replace('T', ' ')}")
    return "".join(said)
