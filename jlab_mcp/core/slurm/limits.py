"""Reasons that name a limit of a QOS or an account: the names are composed of parts, and so are the words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jlab_mcp.core.slurm.settings import CPUS, GPUS, MEMORY, SIZE


@dataclass(frozen=True, slots=True)
class LimitReason:
    """What a limit is about; the fields mean what those of `PendingReason` do."""

    sentence: str
    fields: tuple[str, ...]
    never: bool = False
    remedy: str = ""


_THING = "(?P<thing>Cpu|Mem|Memory|Node|Energy|GRES|License|BB|Billing|Unknown)"
_OWNER = "(?P<owner>QOS|Assoc)"
_PATTERNS = {
    kind: re.compile(f"{pattern}(?:Limit)?", re.IGNORECASE)
    for kind, pattern in {
        "jobs_of_all": f"{_OWNER}Grp(?P<submit>Submit)?Jobs?",
        "jobs_of_one": f"{_OWNER}Max(?P<submit>Submit)?Jobs?(?:PerUser)?",
        "jobs_of_account": "(?P<owner>)Max(?P<submit>Submit)?Jobs?PerAccount",
        "total_time": f"{_OWNER}GrpWall",
        "time": f"{_OWNER}MaxWallDurationPerJob",
        "all": f"{_OWNER}Grp{_THING}",
        "budget": f"{_OWNER}Grp{_THING}Minutes",
        "running": f"{_OWNER}Grp{_THING}RunMinutes",
        "running_of_one": f"(?P<owner>)Max{_THING}RunMinsPer(?:Account|User)",
        "job": f"{_OWNER}Max{_THING}Per(?P<of>Job|Node)",
        "minutes": f"{_OWNER}Max{_THING}MinutesPerJob",
        "yours": f"{_OWNER}Max{_THING}PerUser",
        "accounts": f"(?P<owner>)Max{_THING}PerAccount",
        "least": f"{_OWNER}Min{_THING}(?:NotSatisfied)?",
    }.items()
}
_THINGS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "cpu": ("CPUs", "CPU time", CPUS),
    "mem": ("memory", "memory times time", MEMORY),
    "memory": ("memory", "memory times time", MEMORY),
    "node": ("nodes", "node time", ("nodes",)),
    "gres": ("GPUs or other GRES", "time on GPUs or other GRES", (*GPUS, "nodes")),
    "license": ("licenses", "license time", ("licenses",)),
    "bb": ("burst buffer", "burst buffer times time", ("extra_directives",)),
    "energy": ("energy", "energy times time", ()),
    "billing": ("billing units", "billing units times time", SIZE),
    "unknown": ("of some resource", "time on some resource", SIZE),
}
"""Part of a name -> the thing, how its use over time is called, and what asks for it."""
_COUNTED = {"cpu", "node", "gres", "license", "billing"}


def limit_reason(name: str) -> LimitReason | None:
    """Explain a reason such as `QOSMaxGRESPerUser`; None if it names no limit.

    A limit of one job is for ever; one of several jobs, or of what they used, clears in time.
    """
    for kind, pattern in _PATTERNS.items():
        if match := pattern.fullmatch(name):
            return _reason(kind, {key: (part or "").lower() for key, part in match.groupdict().items()})
    return None


def _reason(kind: str, parts: dict[str, str]) -> LimitReason:
    owner, field = ("your account", "account") if parts["owner"] == "assoc" else ("the QOS", "qos")
    if kind.startswith("jobs"):
        return LimitReason(_jobs(kind, parts, owner), (field,))
    if kind == "total_time":
        return LimitReason(f"the jobs of {owner} have used all the time that it has", (field, "time"))
    other = f"or choose another {'account' if field == 'account' else 'QOS'}"
    if kind == "time":
        return LimitReason(
            f"its time limit is longer than {owner} allows",
            ("time", field),
            never=True,
            remedy=f"shorten the time limit, {other}",
        )
    _, _, fields = _THINGS[parts["thing"]]
    timed = ("time",) if kind in ("budget", "running", "running_of_one", "minutes") else ()
    never = kind in ("job", "minutes", "least")
    return LimitReason(
        _words(kind, parts, owner),
        (*fields, *timed, field),
        never,
        f"ask for {'more' if kind == 'least' else 'less'}, {other}" if never else "",
    )


def _jobs(kind: str, parts: dict[str, str], owner: str) -> str:
    """Word a limit on the number of jobs."""
    state = "are waiting or running" if parts["submit"] else "run"
    if kind == "jobs_of_all":
        return f"as many jobs of {owner} {state} as it allows"
    whose = "your account" if kind == "jobs_of_account" else "you"
    return f"as many jobs of {whose} {state} as {owner} allows".replace("jobs of you ", "of your jobs ")


def _words(kind: str, parts: dict[str, str], owner: str) -> str:
    thing, time, _ = _THINGS[parts["thing"]]
    counted = parts["thing"] in _COUNTED
    much = "as many" if counted else "as much"
    of_node = " on a node" if parts.get("of") == "node" else ""
    return {
        "all": f"the jobs of {owner} together have {much} {thing} as it allows",
        "budget": f"the {time} that {owner} had is used up",
        "running": f"the running jobs of {owner} have reserved as much {time} as it allows",
        "running_of_one": f"running jobs have reserved as much {time} as {owner} allows",
        "job": f"it asks for more {thing}{of_node} than {owner} allows a job",
        "minutes": f"it asks for more {time} than {owner} allows a job",
        "yours": f"your jobs together have {much} {thing} as {owner} allows a user",
        "accounts": f"the jobs of your account together have {much} {thing} as {owner} allows",
        "least": f"it asks for {'fewer' if counted else 'less'} {thing} than {owner} demands",
    }[kind]
