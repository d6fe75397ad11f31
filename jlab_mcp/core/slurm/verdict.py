"""What `sbatch --test-only` says: whether a job would run and when, or why not and which setting it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jlab_mcp.core.slurm.refusals import Refusal, lines_of, refusal, said_in, unreachable

_START = re.compile(
    r"Job \d+ to start at (?P<start>\S+)(?: using (?P<cpus>\d+) processors)?"
    r"(?: on (?:nodes )?(?P<nodes>\S+))?(?: in partition (?P<partition>\S+))?"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What sbatch said.

    Attributes:
        answered: whether SLURM answered at all.
        accepted: whether it would take the job.
        start: when the job is expected to start, in the cluster's local time, as SLURM writes it.
        nodes: where.
        partition: in which partition.
        refusal: why not, if it was refused.
        reason: why SLURM did not answer, in its own words, if it said any.
        notes: what else was said beside a start, such as by a site's own plugin.
    """

    answered: bool
    accepted: bool
    start: str | None = None
    nodes: str | None = None
    partition: str | None = None
    refusal: Refusal | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()


def verdict(status: int | None, output: str) -> Verdict:
    """Read what sbatch said.

    Args:
        status: its exit status; None if it did not end by itself.
        output: all that it printed.
    """
    lines = lines_of(output)
    started = next((match for line in lines if (match := _START.search(line))), None)
    if status == 0 and started:
        notes = tuple(said_in(line) for line in lines if not _START.search(line))
        where = started.groupdict()
        return Verdict(True, True, where["start"], where["nodes"], where["partition"], notes=notes)
    why = refusal(output)
    if status is None or not lines or unreachable(output):
        return Verdict(answered=False, accepted=False, reason=why.said if lines else None)
    return Verdict(answered=True, accepted=False, refusal=why)
