"""What `sbatch --test-only` says: whether a job would run and when, or why not and which setting it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

_START = re.compile(
    r"Job \d+ to start at (?P<start>\S+)(?: using (?P<cpus>\d+) processors)?"
    r"(?: on (?:nodes )?(?P<nodes>\S+))?(?: in partition (?P<partition>\S+))?"
)
_SPEAKER = re.compile(r"^(?:sbatch: )?(?:(?:error|fatal|lua|warning|info): |allocation failure: )*")
_UNREACHABLE = re.compile(
    r"unable to contact|configuration source|timed out|connection refused|zero bytes|fetch_config|DNS SRV"
    r"|communications connection failure|authentication|unable to establish",
    re.IGNORECASE,
)
_MEMORY = ("mem", "mem_per_cpu", "mem_per_gpu")
_GPUS = ("gres", "gpus", "gpus_per_node", "gpus_per_task")
_CPUS = ("cpus_per_task", "cpus_per_gpu", "ntasks")
_AT_FAULT: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"account or account/partition", ("account", "partition")),
    (r"account", ("account",)),
    (r"group not permitted|partition", ("partition",)),
    (
        r"accounting/qos policy|qos.*limit|association.*limit",
        ("qos", "time", *_GPUS, *_CPUS, *_MEMORY, "nodes"),
    ),
    (r"qos", ("qos",)),
    (r"mutually exclusive|memory|--mem", _MEMORY),
    (r"feature|constraint", ("constraint",)),
    (r"gres|generic resource|gpu", (*_GPUS, "extra_directives")),
    (r"time limit|--time\b", ("time",)),
    (r"node configuration", (*_GPUS, *_CPUS, *_MEMORY, "constraint", "nodes", "nodelist", "exclude", "tmp")),
    (r"processors|cpu count|node count", (*_CPUS, "nodes")),
    (r"reservation", ("reservation",)),
    (r"node name", ("nodelist", "exclude")),
    (r"license", ("licenses",)),
    (r"cluster", ("clusters",)),
    (r"--signal", ("signal",)),
    (r"mail", ("mail_type", "mail_user")),
)
"""Words of a refusal, and the settings that they are about; the first that fits counts."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What sbatch said.

    Attributes:
        answered: whether SLURM answered at all.
        accepted: whether it would take the job.
        start: when the job is expected to start, in the cluster's local time, as SLURM writes it.
        nodes: where.
        partition: in which partition.
        reason: why not, in SLURM's own words.
        fields: fields of `[slurm]` that the reason is about.
        notes: what else was said, such as by a site's own plugin.
    """

    answered: bool
    accepted: bool
    start: str | None = None
    nodes: str | None = None
    partition: str | None = None
    reason: str | None = None
    fields: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def verdict(status: int | None, output: str) -> Verdict:
    """Read what sbatch said.

    Args:
        status: its exit status; None if it did not end by itself.
        output: all that it printed.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    started = next((match for line in lines if (match := _START.search(line))), None)
    if status == 0 and started:
        notes = tuple(_said(line) for line in lines if not _START.search(line))
        where = started.groupdict()
        return Verdict(True, True, where["start"], where["nodes"], where["partition"], notes=notes)
    reason = _reason(lines)
    if status is None or not reason or _UNREACHABLE.search(output):
        return Verdict(answered=False, accepted=False, reason=reason)
    notes = tuple(said for line in lines if (said := _said(line)) != reason)
    return Verdict(True, False, reason=reason, fields=at_fault(reason), notes=notes)


def at_fault(reason: str) -> tuple[str, ...]:
    """Return the fields of `[slurm]` that a refusal is about; empty where its words tell none."""
    return next((fields for words, fields in _AT_FAULT if re.search(words, reason, re.IGNORECASE)), ())


def _reason(lines: list[str]) -> str | None:
    """Return the sentence that says most: the controller's, else the first error, else the last words."""
    for mark in ("allocation failure: ", "fatal: ", "error: "):
        for line in lines:
            if mark in line:
                return _said(line)
    return _said(lines[-1]) if lines else None


def _said(line: str) -> str:
    return _SPEAKER.sub("", line).rstrip(".")
