"""Why a job does not start: the reasons that `squeue` gives (20.11 to 24.05), in words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jlab_mcp.core.slurm.limits import limit_reason
from jlab_mcp.core.slurm.settings import MEMORY, SIZE


@dataclass(frozen=True, slots=True)
class PendingReason:
    """Why a job is in the state that it is in.

    Attributes:
        name: the reason as SLURM gives it, whole.
        sentence: what it means.
        fields: fields of `[slurm]` that it is about.
        never: whether the job stays where it is until its request or a limit is changed. A reason that goes
            away when other jobs end, a node comes back or somebody releases the job is none.
        remedy: what helps; may be empty.
    """

    name: str
    sentence: str
    fields: tuple[str, ...] = ()
    never: bool = False
    remedy: str = ""


_RELEASE = "`scontrol release JOBID` lets it go on"
_CHANGE = "change the request, then submit it anew"
_PARTITION = "wait, or choose another partition"

_Meaning = tuple[str, tuple[str, ...], bool, str]
_NAMED: dict[str, _Meaning] = {
    "none": ("SLURM has not looked at it yet", (), False, ""),
    "priority": ("jobs with a higher priority come before it", (), False, ""),
    "resources": ("what it asks for is in use by other jobs", (), False, ""),
    "dependency": ("it waits for another job", ("extra_directives",), False, ""),
    "dependencyneversatisfied": (
        "it waits for another job that will never end as it should",
        ("extra_directives",),
        True,
        _CHANGE,
    ),
    "begintime": (
        "its earliest start has not come yet; a job that was requeued is put off for a few minutes",
        (),
        False,
        "",
    ),
    "licenses": ("the licenses that it needs are in use", ("licenses",), False, ""),
    "reservation": ("its reservation has not begun, or is in use", ("reservation",), False, ""),
    "reservationdeleted": ("its reservation was deleted", ("reservation",), True, _CHANGE),
    "reservationinvalid": ("its reservation is not valid for it", ("reservation",), True, _CHANGE),
    "reqnodenotavail": (
        "a node that it needs is down, drained or reserved",
        ("nodelist", "constraint"),
        False,
        "a shorter time limit may fit before a reservation or maintenance",
    ),
    "nodes required for job are down, drained or reserved for jobs in higher priority partitions": (
        "the nodes that it could run on are down, drained or reserved",
        ("nodelist", "constraint", "partition"),
        False,
        "",
    ),
    "nodedown": ("a node that it needs is down", ("nodelist",), False, ""),
    "frontenddown": ("the host that starts jobs is down", (), False, ""),
    "partitiondown": ("the partition starts no jobs now", ("partition",), False, _PARTITION),
    "partitioninactive": ("the partition takes and starts no jobs now", ("partition",), False, _PARTITION),
    "partitiontimelimit": (
        "its time limit is longer than the partition allows",
        ("time", "partition"),
        True,
        "shorten the time limit, or choose another partition",
    ),
    "partitionnodelimit": (
        "it asks for more or fewer nodes than the partition allows",
        ("nodes", "partition"),
        True,
        "change the number of nodes, or choose another partition",
    ),
    "partitionconfig": (
        "it asks for more than the partition has or allows",
        ("partition", *SIZE, "time"),
        True,
        "ask for less, or choose another partition",
    ),
    "accountnotallowed": (
        "the partition does not let the job's account in",
        ("account", "partition"),
        True,
        "choose another account or partition",
    ),
    "qosnotallowed": (
        "the partition or the account does not let the job's QOS in",
        ("qos", "partition", "account"),
        True,
        "choose another QOS or partition",
    ),
    "invalidaccount": ("its account is not valid", ("account",), True, "choose another account"),
    "invalidqos": ("its QOS is not valid", ("qos",), True, "choose another QOS"),
    "accountingpolicy": (
        "a limit of the account or QOS holds it back",
        ("account", "qos", *SIZE, "time"),
        False,
        "",
    ),
    "qosusagethreshold": ("more of the QOS was used than its threshold allows", ("qos",), False, ""),
    "badconstraints": (
        "no node has all that it asks for",
        ("constraint", *SIZE, "nodelist", "exclude", "tmp"),
        True,
        "ask for what a node has",
    ),
    "constraints": (
        "no node has all that it asks for at this time",
        ("constraint", "nodelist", "exclude"),
        False,
        "",
    ),
    "maxmemperlimit": (
        "it asks for more memory of a CPU or node than is allowed",
        (*MEMORY, "cpus_per_task"),
        True,
        "ask for less memory, or for more CPUs",
    ),
    "jobhelduser": ("it is held until you or your account's coordinator release it", (), False, _RELEASE),
    "jobheldadmin": (
        "it is held until an administrator releases it",
        (),
        False,
        "ask the cluster's support",
    ),
    "jobholdmaxrequeue": (
        "it was requeued as often as is allowed, and is held until it is released",
        (),
        False,
        _RELEASE,
    ),
    "launch failed requeued held": (
        "its start on the node failed, and it is held until it is released",
        (),
        False,
        _RELEASE,
    ),
    "user env retrieval failed requeued held": (
        "your environment could not be read on the node, and it is held until it is released",
        ("get_user_env", "export"),
        False,
        _RELEASE,
    ),
    "job requeued in held state": ("it was requeued, and is held until it is released", (), False, _RELEASE),
    "jobarraytasklimit": ("as many tasks of its array run as it allows", ("extra_directives",), False, ""),
    "cleaning": ("its previous run is still being cleared up", (), False, ""),
    "prolog": ("the cluster prepares its nodes", (), False, ""),
    "scheddefer": ("SLURM starts jobs of this kind only in its next round", (), False, ""),
    "fedjoblock": ("the clusters of the federation agree on where it runs", ("clusters",), False, ""),
    "maxpoweredupnodes": ("as many nodes are switched on as is allowed", (), False, ""),
    "mpiportsbusy": ("the ports for MPI are in use", (), False, ""),
    "powernotavail": ("there is not enough electric power for it now", (), False, ""),
    "powerreserved": ("the electric power that it needs is reserved", (), False, ""),
    "burstbufferresources": ("the burst buffer has no room for it now", ("extra_directives",), False, ""),
    "burstbufferstagein": ("its files are being copied into the burst buffer", (), False, ""),
    "burstbufferoperation": (
        "the burst buffer failed, and it is held until it is released",
        ("extra_directives",),
        False,
        _RELEASE,
    ),
    "blockmaxerror": ("the block of nodes had too many errors", (), False, ""),
    "blockfreeaction": ("the block of nodes is being freed", (), False, ""),
    "associationjoblimit": ("your account runs as many jobs as it may", ("account",), False, ""),
    "associationresourcelimit": ("your account uses as much as it may", ("account", *SIZE), False, ""),
    "associationtimelimit": (
        "the time limit is longer than your account allows, or its time is used up",
        ("time", "account"),
        False,
        "",
    ),
    "qosjoblimit": ("the QOS runs as many jobs as it may", ("qos",), False, ""),
    "qosresourcelimit": ("the jobs of the QOS use as much as it allows", ("qos", *SIZE), False, ""),
    "qostimelimit": (
        "the time limit is longer than the QOS allows, or its time is used up",
        ("time", "qos"),
        False,
        "",
    ),
    "deadline": (
        "it cannot end before its deadline",
        ("time", "extra_directives"),
        True,
        "shorten the time limit, or move the deadline",
    ),
    "timelimit": ("it reached its time limit", ("time",), False, "ask for more time"),
    "inactivelimit": ("it did nothing for longer than the cluster allows", (), False, ""),
    "outofmemory": ("it used more memory than it asked for", MEMORY, False, "ask for more memory"),
    "nonzeroexitcode": ("its script failed", (), False, ""),
    "raisedsignal": ("a signal ended it", (), False, ""),
    "joblaunchfailure": ("it could not be started on the node", (), False, ""),
    "systemfailure": ("SLURM or the node failed", (), False, ""),
}
"""Reason in lower case -> what it means, fields, whether it is for ever, what helps."""


def pending_reason(name: str) -> PendingReason:
    """Explain a reason as `squeue` (%r or %R) or `scontrol show job` writes it; an unknown one is passed on.

    SLURM may add what it is about after a comma or colon, such as `ReqNodeNotAvail, UnavailableNodes:n1`.
    """
    bare = name.strip()
    if bare.startswith("(") and bare.endswith(")"):
        bare = bare[1:-1].strip()
    if bare in ("", "null"):
        bare = "None"
    if found := _NAMED.get(_key(bare)):
        return PendingReason(name, *found)
    head, _, about = re.sub(r"[,:]", "\0", bare, count=1).partition("\0")
    about = about.strip(" _")
    if found := _NAMED.get(_key(head)):
        sentence, fields, never, remedy = found
        return PendingReason(name, f"{sentence} ({about})" if about else sentence, fields, never, remedy)
    if limit := limit_reason(head.strip()):
        return PendingReason(name, limit.sentence, limit.fields, limit.never, limit.remedy)
    return PendingReason(name, f"SLURM says no more than {bare}")


def _key(text: str) -> str:
    """Return a reason as the table has it; `scontrol` writes `_` for spaces."""
    return text.replace("_", " ").strip().lower()
