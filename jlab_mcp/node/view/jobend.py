"""When the server's SLURM job ends, asked of SLURM only while somebody looks at the page."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time

_ASKED_EVERY = 900.0  # seconds: a time limit is seldom changed
_SECONDS = 10.0  # that squeue may take
_VARIABLE = "SLURM_JOB_END_TIME"  # seconds of the epoch; newer versions of SLURM set it


class JobEnd:
    """Knows when a job's time is over.

    Args:
        job_id: SLURM's id of it; None for a local server, which has no end.
    """

    def __init__(self, job_id: str | None) -> None:
        self._job_id = job_id
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None
        self._at = None if job_id is None else from_environment(os.environ.get(_VARIABLE))

    def at(self) -> float | None:
        """Return the end, in seconds of the epoch, as far as it is known; asks for it behind the answer."""
        due = self._asked_at is None or time.monotonic() - self._asked_at > _ASKED_EVERY
        if self._job_id is not None and due:
            self._asked_at = time.monotonic()
            self._asking = asyncio.ensure_future(self._ask(self._job_id))
        return self._at

    async def _ask(self, job_id: str) -> None:
        squeue = shutil.which("squeue")
        if squeue is None:
            return
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            process = await asyncio.create_subprocess_exec(
                *(squeue, "--noheader", "--jobs", job_id, "--format", "%e"),
                env={**os.environ, "LC_ALL": "C", "SLURM_TIME_FORMAT": "%s"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                answer, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            self._at = from_environment(answer.decode(errors="replace").strip()) or self._at


def from_environment(text: str | None) -> float | None:
    """Read a time as SLURM tells it, in seconds of the epoch; None for none."""
    return float(text) if text and text.isdigit() and int(text) > 0 else None
