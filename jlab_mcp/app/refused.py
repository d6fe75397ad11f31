"""Why SLURM does not run a job: which settings are at fault, where they were set, and what it would take.

`profile check`, a submission that fails and a job that can never start all explain themselves here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.profiles.survey import survey
from jlab_mcp.config.places import home_folder
from jlab_mcp.config.problems import place
from jlab_mcp.core.resolver import BUILT_IN
from jlab_mcp.core.slurm.alternatives import alternatives
from jlab_mcp.core.slurm.refusals import refusal
from jlab_mcp.errors import JobCannotStart, JobRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from jlab_mcp.core.cluster import Cluster
    from jlab_mcp.core.profile import SlurmSection
    from jlab_mcp.core.resolver import ResolvedProfile
    from jlab_mcp.core.slurm.reasons import PendingReason

_PATIENCE = 10.0
"""Seconds that asking the cluster may take: who waits has failed already."""

_TOLD_OF = {"slurm.partition": "partition", "slurm.account": "account", "slurm.qos": "QOS"}
"""The word by which to find what a survey says of a setting; of the others it says it with the nodes."""
_WHERE = ("partition", "account", "qos", "clusters")
_LATE = ("time", "partition")
"""What SLURM may find out only once the job is queued."""


class Fault(BaseModel):
    """A setting that a refusal is about."""

    model_config = ConfigDict(frozen=True)

    key: str = Field(description="Dotted path, such as slurm.account.")
    value: str | None = Field(description="What it says; null where it is unset.")
    where: str = Field(description="Where it was set, or just its name.")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is at fault.

    Attributes:
        faults: the settings that a refusal may be about, those first that the cluster cannot meet.
        hints: one sentence each, for people and models.
    """

    faults: tuple[Fault, ...] = ()
    hints: tuple[str, ...] = ()


async def refused(
    resolved: ResolvedProfile, said: str, environ: Mapping[str, str], *, notes: Sequence[str] = ()
) -> JobRefused:
    """Return the error for a job that sbatch did not take; asks the cluster what it would take.

    Args:
        resolved: what was asked for.
        said: all that sbatch printed, or the reason alone.
        environ: the environment to ask in.
        notes: more to tell the user, one sentence each.
    """
    why = refusal(said)
    found = await explain(resolved, why.fields, environ, meaning=why.meaning)
    also = (f"SLURM also says: {note}" for note in why.notes)
    return JobRefused(
        f"SLURM refuses the job: {why.said}", details=_details(found, hints=(*found.hints, *also, *notes))
    )


async def stuck(
    resolved: ResolvedProfile, reason: PendingReason, environ: Mapping[str, str], *, job_id: str
) -> JobCannotStart:
    """Return the error for a queued job whose reason is for ever; asks the cluster what it would take."""
    found = await explain(resolved, reason.fields, environ)
    helps = (reason.remedy,) if reason.remedy else ()
    return JobCannotStart(
        f"job {job_id} cannot start as it is: {reason.name}, {reason.sentence}",
        details={"job_id": job_id} | _details(found, hints=(*found.hints, *helps)),
    )


async def explain(
    resolved: ResolvedProfile, fields: Iterable[str], environ: Mapping[str, str], *, meaning: str = ""
) -> Explanation:
    """Find the settings at fault, and ask the cluster what it would take in their place.

    Args:
        resolved: what was asked for.
        fields: fields of `[slurm]` that SLURM's words are about.
        environ: the environment to ask in.
        meaning: what SLURM's words mean, for where the cluster says no more than they do.
    """
    faults = list(_faults(resolved, fields, home_folder(environ)))
    if not faults:
        return Explanation(hints=(meaning,) if meaning else ())
    words, unknown = await _asked(resolved, faults, environ)
    if not words:
        return _without_cluster(faults, meaning, unknown)
    others = [fault for fault in faults if fault not in words]
    hints = (f"{_setting(fault)}: {said}" for fault, said in words.items())
    return Explanation((*words, *others), tuple(hints))


async def doubts(resolved: ResolvedProfile, environ: Mapping[str, str]) -> list[str]:
    """Return why a job that SLURM takes may wait for ever; not every cluster refuses what it cannot start."""
    faults = [fault for fault in _faults(resolved, _LATE, home_folder(environ)) if fault.value is not None]
    words, _ = await _asked(resolved, faults, environ) if faults else ({}, [])
    return [f"it may never start: {_setting(fault)}: {said}" for fault, said in words.items()]


async def _asked(
    resolved: ResolvedProfile, faults: Iterable[Fault], environ: Mapping[str, str]
) -> tuple[dict[Fault, str], list[str]]:
    """Return what the cluster has in place of each setting that it cannot meet, and what it did not tell."""
    slurm = with_directives(resolved.slurm)
    if slurm.clusters:
        return {}, ["what the other cluster has is not asked from here"]
    seconds = min(_PATIENCE, resolved.profile.server.command_timeout)
    cluster = await survey(environ, timeout=seconds, modules=False)
    words = {fault: alternatives(fault.key.partition(".")[2], slurm, cluster) for fault in faults}
    return {fault: said for fault, said in words.items() if said}, list(_unknown(faults, cluster))


def _details(found: Explanation, *, hints: Iterable[str]) -> dict[str, Any]:
    return {"faults": [fault.model_dump() for fault in found.faults], "hints": list(hints)}


def with_directives(slurm: SlurmSection) -> SlurmSection:
    """Return what is asked for with what `extra_directives` say of where the job goes."""
    said = (directive.removeprefix("--").partition("=") for directive in slurm.extra_directives or ())
    return slurm.model_copy(update={name: value for name, _, value in said if name in _WHERE})


def _without_cluster(faults: list[Fault], meaning: str, unknown: Iterable[str]) -> Explanation:
    """Explain with SLURM's words alone, and say what the cluster did not tell."""
    settings = [_setting(fault) for fault in faults]
    if meaning:
        settings = [f"{settings[0]}: {meaning}"] if len(settings) == 1 else [meaning, *settings]
    return Explanation(tuple(faults), (*settings, *unknown))


def _unknown(faults: Iterable[Fault], cluster: Cluster) -> Iterator[str]:
    """Yield why nothing can be proposed for these settings, where the cluster was not heard."""
    if not cluster.partitions:
        yield f"what there is to choose from is not known: {next(iter(cluster.sentences), 'nobody says')}"
        return
    about = {_TOLD_OF.get(fault.key, "nodes") for fault in faults}
    yield from (sentence for sentence in cluster.sentences if any(word in sentence for word in about))


def _faults(resolved: ResolvedProfile, fields: Iterable[str], home: Path) -> Iterator[Fault]:
    """Yield the settings that are at fault: those that are set, else those that could be."""
    fields = tuple(fields)
    for field in [name for name in fields if getattr(resolved.slurm, name) is not None] or fields:
        key = f"slurm.{field}"
        value = getattr(resolved.slurm, field)
        where = place(resolved.origins.get(key, BUILT_IN), key, home)
        text = " ".join(value) if isinstance(value, tuple) else value
        yield Fault(key=key, value=None if text is None else str(text), where=where)


def _setting(fault: Fault) -> str:
    """Write a setting with its value, and where it was set."""
    said = f"{fault.key} is not set" if fault.value is None else f'{fault.key} is "{fault.value}"'
    where = fault.where.removesuffix(fault.key).rstrip(": ")
    return f"{where}: {said}" if where else said
