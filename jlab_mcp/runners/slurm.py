"""SLURM's commands for one cluster, each within a time limit; silence is never taken for an answer."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.core.slurm import jobs
from jlab_mcp.core.slurm.refusals import answer_lost
from jlab_mcp.core.slurm.sbatch import sbatch_command, submit_environment
from jlab_mcp.errors import Remedy, SlurmUnreachable
from jlab_mcp.runners.ask import ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jlab_mcp.core.slurm.jobs import Job, JobEnd
    from jlab_mcp.runners.ask import Answer

_CHANGES_THE_ANSWER = ("SQUEUE_", "SACCT_", "SCANCEL_", "SLURM_CLUSTERS", "SLURM_TIME_FORMAT")
"""How variables begin with which a user narrows what these commands show or do, or changes its form."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a submission.

    Attributes:
        job_id: the job's id; None if sbatch named none.
        cluster: the cluster that took it, if sbatch named one.
        said: what sbatch said in place of an id.
        lost: whether SLURM may have taken the job although sbatch failed.
    """

    job_id: str | None
    cluster: str | None = None
    said: str = ""
    lost: bool = False


class Slurm:
    """One cluster, as it is asked from this host by this user.

    Args:
        environ: the environment; PATH and SLURM's own settings are taken from it.
        cluster: for `--clusters`; None for the one at hand.
        slurm_conf: for SLURM_CONF; None for what the environment says.
        timeout: seconds that one command may take.
    """

    def __init__(
        self, environ: Mapping[str, str], *, cluster: str | None, slurm_conf: Path | None, timeout: float
    ) -> None:
        kept = {name: value for name, value in environ.items() if not name.startswith(_CHANGES_THE_ANSWER)}
        self._environ = kept | ({"SLURM_CONF": str(slurm_conf)} if slurm_conf else {})
        self._cluster = cluster
        self._timeout = timeout

    def require(self) -> None:
        """Require that jobs can be submitted from here at all.

        Raises:
            SlurmUnreachable: there is no sbatch.
        """
        if shutil.which("sbatch", path=self._environ.get("PATH", os.defpath)) is None:
            raise SlurmUnreachable(
                "`sbatch` is not on PATH; run this where jobs are submitted", remedy=Remedy.USE_LOCAL_MODE
            )

    async def submit(self, script: Path) -> Submitted:
        """Submit a script once."""
        environ, _ = submit_environment(self._environ)
        answer = await ask(sbatch_command(script), environ=environ, timeout=self._timeout)
        found = jobs.parse_submitted(answer.stdout) if answer.status == 0 else None
        if found is not None:
            return Submitted(*found)
        said = "\n".join(part.strip() for part in (answer.stderr, answer.stdout) if part.strip())
        said = said or answer.failure or "sbatch said nothing"
        # Exit 0 without an id, or no exit within the time: nobody can tell.
        lost = not answer.status or answer_lost(said)
        return Submitted(None, said=said, lost=lost)

    async def jobs(self) -> tuple[Job, ...]:
        """Return all of this user's jobs that the controller knows.

        Raises:
            SlurmUnreachable: it did not answer.
        """
        answer = await self._ask(jobs.queue_arguments(str(os.geteuid()), self._cluster))
        if answer.failure:
            raise SlurmUnreachable(f"SLURM does not answer: {answer.failure}")
        return jobs.parse_queue(answer.stdout)

    async def end_of(self, job_id: str, name: str) -> JobEnd | None:
        """Return how a job ended, from the controller or else from accounting; None if neither knows.

        Raises:
            SlurmUnreachable: SLURM contradicts itself; the controller says that the job has not ended.
        """
        answer = await self._ask(jobs.job_arguments(job_id, self._cluster), "scontrol show job")
        if state := jobs.parse_alive(answer.stdout, job_id, name):
            raise SlurmUnreachable(f"`squeue` does not show job {job_id} as `scontrol` does: {state}")
        if end := jobs.parse_job(answer.stdout, job_id):
            return end
        answer = await self._ask(jobs.accounting_arguments(job_id, self._cluster))
        return jobs.parse_accounting(answer.stdout, job_id)

    async def cancel(self, job_id: str) -> None:
        """Cancel a job; one that has ended is no failure.

        Raises:
            SlurmUnreachable: SLURM did not take the order.
        """
        answer = await self._ask(jobs.cancel_arguments(job_id, self._cluster))
        if answer.failure:
            raise SlurmUnreachable(f"SLURM did not take the order: {answer.failure}")

    async def _ask(self, argv: Sequence[str], called: str | None = None) -> Answer:
        return await ask(argv, environ=self._environ, timeout=self._timeout, called=called)
