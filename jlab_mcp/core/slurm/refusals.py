"""What `sbatch` says when it takes no job: what it means, and which settings it is about.

The texts are those of SLURM 20.11 to 24.05 (slurm_errno), and what sbatch itself finds in its options.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from jlab_mcp.core.slurm.limits import limit_reason
from jlab_mcp.core.slurm.settings import CPUS, GPUS, MEMORY, SIZE
from jlab_mcp.core.words import clean


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why SLURM takes no job.

    Attributes:
        said: SLURM's own words, whole.
        sentence: what they mean; for words that are unknown the words themselves.
        fields: fields of `[slurm]` that they are about; empty where that cannot be told.
        notes: what else was said, such as by a site's own plugin.
    """

    said: str
    sentence: str
    fields: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def meaning(self) -> str:
        """What the words mean; empty where nobody knows."""
        return "" if self.sentence == self.said else self.sentence


_SPEAKER = re.compile(
    r"^(?:sbatch: )?(?:(?:error|fatal|lua|warning|info|allocation failure|batch job submission failed): )*",
    re.IGNORECASE,
)
_MARKS = ("allocation failure: ", "batch job submission failed: ", "fatal: ", "error: ")
"""Who says most comes first: the controller before sbatch."""
_SAYS_NOTHING = ("unspecified error", "access/permission denied", "")
"""What the controller says where a site's plugin has refused the job in words of its own."""

_KNOWN: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (r"invalid partition (name )?specified", "there is no such partition", ("partition",)),
    (
        r"no partition specified or system default",
        "no partition is named, and the cluster has no default",
        ("partition",),
    ),
    (r"group not permitted to use this partition", "none of your groups may use it", ("partition",)),
    (r"nodes not in this partition", "the nodes are not in the partition", ("nodelist", "partition")),
    (
        r"required partition not available|partition in down state",
        "the partition takes no jobs now",
        ("partition",),
    ),
    (
        r"requested partition configuration not available",
        "the partition cannot give that now",
        ("partition", *SIZE, "time"),
    ),
    (
        r"invalid account or account/partition",
        "you have no such account, or the partition does not let it in",
        ("account", "partition"),
    ),
    (r"invalid qos", "there is no such QOS, or you may not use it here", ("qos",)),
    (r"breached requested qos usage threshold", "more of the QOS was used than it allows", ("qos",)),
    (
        r"violates accounting/qos policy",
        "you have as many jobs as you may, or it is larger or longer than your account or QOS allows",
        ("qos", "account", "time", *SIZE),
    ),
    (r"invalid cluster feature", "no cluster has such a feature", ("clusters",)),
    (r"invalid (preferred )?feature", "no node has such a feature", ("constraint",)),
    (r"--mem.*mutually exclusive", "they cannot stand beside each other", MEMORY),
    (
        r"memory specification can not be satisfied|memory required by task is not available",
        "no node that it could run on has so much memory",
        MEMORY,
    ),
    (r"temporary disk specification can not", "no node that it could run on has so much disk", ("tmp",)),
    (
        r"(invalid|duplicate) (generic resource \(gres\)|gres) specification|invalid trackable resource",
        "there is no such generic resource, or it is asked for in a wrong form",
        (*GPUS, "extra_directives"),
    ),
    (
        r"requested node configuration is not available",
        "no node that it could run on has all that it asks for",
        (*SIZE, "constraint", "nodelist", "exclude", "tmp"),
    ),
    (
        r"more processors requested than permitted|requested more tasks than|(cpu|task) count specification",
        "it asks for more CPUs than there are",
        (*CPUS, "nodes"),
    ),
    (r"node count", "it asks for more or fewer nodes than the partition has or allows", ("nodes", "ntasks")),
    (
        r"requested time limit is invalid|time limit specification required",
        "the time limit is missing, or longer than the partition or QOS allows",
        ("time",),
    ),
    (r"invalid (--)?time specification", "SLURM cannot read the time limit", ("time",)),
    (r"invalid (--mem|memory) specification", "SLURM cannot read the amount of memory", MEMORY),
    (r"invalid --tmp specification", "SLURM cannot read the size of the disk", ("tmp",)),
    (r"invalid (--)?signal specification", "SLURM cannot read the signal", ("signal",)),
    (r"invalid --nice", "SLURM does not take that number", ("nice",)),
    (r"access denied to requested reservation", "the reservation is not for you", ("reservation",)),
    (
        r"requested reservation (not usable|is in use)|due to maintenance reservation",
        "the reservation cannot be used now",
        ("reservation", "time"),
    ),
    (r"requested reservation is invalid", "there is no such reservation", ("reservation",)),
    (r"invalid node name", "there is no such node", ("nodelist", "exclude")),
    (r"required node not available", "a node that it names is down, drained or reserved", ("nodelist",)),
    (r"invalid license", "there is no such license", ("licenses",)),
    (
        r"no cluster .* known|invalid cluster name|is an invalid entry for --cluster",
        "there is no such cluster",
        ("clusters",),
    ),
    (r"burst buffer", "the burst buffer cannot be had", ("extra_directives",)),
    (r"job dependency|circular job dep", "a job that it waits for is not known", ("extra_directives",)),
    (r"invalid wckey", "there is no such key", ("extra_directives",)),
    (
        r"(unrecognized|invalid) option|ambiguous option",
        "sbatch has no such option",
        ("extra_directives",),
    ),
    (
        r"submissions disabled|operation is presently disabled|unable to create job record",
        "the cluster takes no jobs now",
        (),
    ),
    (r"i/o error writing script", "the controller cannot write to its disk", ()),
    (
        r"other parameter too long",
        "a path or a value is longer than SLURM takes",
        ("comment", "extra_directives"),
    ),
)
"""Words of SLURM's, what they mean, and the settings that they are about; the first that fits counts."""

_HINTING: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"account", ("account",)),
    (r"partition|queue", ("partition",)),
    (r"qos.*limit|association.*limit", ("qos", "time", *SIZE)),
    (r"qos", ("qos",)),
    (r"memory|--mem", MEMORY),
    (r"feature|constraint", ("constraint",)),
    (r"gres|generic resource|gpu", (*GPUS, "extra_directives")),
    (r"time limit|--time\b|walltime", ("time",)),
    (r"reservation", ("reservation",)),
    (r"license", ("licenses",)),
    (r"--clusters?\b", ("clusters",)),
    (r"mail", ("mail_type", "mail_user")),
)
"""Words by which a text that nobody knows, such as a site's own, tells what it is about."""

_UNREACHABLE = re.compile(
    r"unable to contact|configuration source|fetch_config|dns srv|connection refused|unable to establish"
    r"|authentication (error|credential|agent)|munge|communications? connection failure|standby mode"
    r"|no route to host|network is unreachable|can't find an address|name resolution|unknown host"
    r"|incompatible versions of",
    re.IGNORECASE,
)
_LOST = re.compile(
    r"timed out|zero bytes|unexpected message received|message (send|receive) failure|insane message length"
    r"|(send|receive|shutdown) failure|received zero length|header lengths|connection reset|broken pipe",
    re.IGNORECASE,
)


def refusal(text: str) -> Refusal:
    """Explain a refusal: all that sbatch printed, or the one sentence of it.

    The reason is the controller's sentence, else the first error, else the last words. What else sbatch says
    may be more exact (`Memory specification can not be satisfied`, or the name of a limit), and counts first.
    """
    said, notes = _told(text)
    if limit := next(filter(None, map(limit_reason, notes)), None):
        return Refusal(said, limit.sentence, limit.fields, notes)
    for words, sentence, fields in _KNOWN:
        if any(re.search(words, line, re.IGNORECASE) for line in (said, *notes)):
            return Refusal(said, sentence, fields, notes)
    fields = next((about for words, about in _HINTING if re.search(words, said, re.IGNORECASE)), ())
    return Refusal(said, said, fields, notes)


def unreachable(text: str) -> bool:
    """Say whether a text tells that SLURM did not answer, so that it is no refusal."""
    return bool(_UNREACHABLE.search(text)) or answer_lost(text)


def answer_lost(text: str) -> bool:
    """Say whether the controller may have taken the job although sbatch failed: only its answer is missing.

    Look for the job by its name before another is submitted. After a failed connection there is none.
    """
    return bool(_LOST.search(text))


def lines_of(text: str) -> list[str]:
    """Return the lines that are not empty, without what a terminal would obey."""
    return [line.strip() for line in clean(text).splitlines() if line.strip()]


def said_in(line: str) -> str:
    """Return what a line of sbatch's says, without who says it."""
    return _SPEAKER.sub("", line).rstrip(".")


def _told(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the reason and what else was said."""
    lines = lines_of(text)
    ranked = [line for mark in _MARKS for line in lines if mark in line.lower()]
    candidates = [said_in(line) for line in (*dict.fromkeys(ranked), *lines[-1:])]
    telling = [said for said in candidates if said.lower() not in _SAYS_NOTHING] or candidates
    said = next(iter(telling), "") or "sbatch gave no reason"
    notes = dict.fromkeys(note for line in lines if (note := said_in(line)) not in ("", said))
    return said, tuple(notes)
