"""What the job asks SLURM for, each beside what the cluster has: account, QOS, partition, GPUs, time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jlab_mcp.app.doctor.mending import set_command
from jlab_mcp.app.refused import with_directives
from jlab_mcp.config.problems import place
from jlab_mcp.core.checkup import Check, Finding, doubtful, failed, fine, unchecked
from jlab_mcp.core.resolver import BUILT_IN
from jlab_mcp.core.slurm.alternatives import alternatives
from jlab_mcp.core.slurm.chosen import chosen_accounts, chosen_partitions, in_words
from jlab_mcp.core.slurm.instead import instead
from jlab_mcp.core.slurm.settings import GPUS
from jlab_mcp.errors import ExitCode, JlabMcpError

if TYPE_CHECKING:
    from jlab_mcp.app.doctor.scene import Scene
    from jlab_mcp.core.cluster import Cluster
    from jlab_mcp.core.profile import SlurmSection

FIELDS = ("account", "qos", "partition", *GPUS, "time")
_FOR_EVER = ("time",)
"""What keeps a job from ever starting, also where SLURM takes it."""
_NO_PARTITIONS = "the partitions are not known"
_UNKNOWN = {
    "account": ("your accounts are not known",),
    "qos": ("your accounts are not known", "the QOS of your accounts"),
    "partition": (_NO_PARTITIONS,),
    "time": (_NO_PARTITIONS,),
}
"""How the sentences begin that say what could not be found out; for all others they are about nodes."""


async def command_for(scene: Scene, field: str) -> str:
    """Return the command that makes a setting one that the cluster has; empty where none is sure.

    A partition that is closed to the user's usual account may be open to another one.
    """
    slurm, cluster = with_directives(scene.resolved.slurm), await scene.cluster()
    for name in (field, "account") if field == "partition" else (field,):
        value = instead(name, slurm, cluster)
        if value and value != getattr(slurm, name):
            return set_command(scene, f"slurm.{name}", value)
    return ""


async def _look(scene: Scene, fields: tuple[str, ...]) -> Finding:
    """Compare the setting, the one of several that is set, with what the cluster has."""
    slurm = with_directives(scene.resolved.slurm)
    if slurm.clusters:
        return unchecked(f"what the cluster {slurm.clusters} has is not asked from here; sbatch is, below")
    cluster = await scene.cluster()
    given = [name for name in fields if getattr(slurm, name) is not None]
    for field in given or fields[:1]:
        wrong = alternatives(field, slurm, cluster) if given or field == "partition" else ""
        if wrong:
            return await _wrong(scene, field, wrong)
    field = (given or fields)[0]
    if (field in ("account", "qos")) and (none := _keeps_none(cluster)):
        return fine(none)
    if unknown := _unknown(field, slurm, cluster):
        return unchecked(unknown)
    if not given:
        return _unset(field, slurm, cluster)
    said = [f"{name} = {getattr(slurm, name)} ({_where(scene, name)})" for name in given]
    return fine("; ".join(said) + _beside(field, slurm, cluster))


async def _wrong(scene: Scene, field: str, wrong: str) -> Finding:
    value = getattr(scene.resolved.slurm, field)
    found = f"slurm.{field} is not set" if value is None else f'slurm.{field} is "{value}"'
    found = f"{found} ({_where(scene, field)}): {wrong}" if value is not None else f"{found}: {wrong}"
    command = await command_for(scene, field)
    fix = "change the setting"
    try:
        accepted = (await scene.job()).state == "accepted"
    except JlabMcpError:
        accepted = False
    if accepted and field not in _FOR_EVER:
        return doubtful(
            found, "SLURM takes the job all the same; it may wait for ever", fix=fix, command=command
        )
    return failed(
        found,
        code=ExitCode.JOB_REFUSED,
        fix=fix,
        command=command or "jlab-mcp profile init",
    )


def _unset(field: str, slurm: SlurmSection, cluster: Cluster) -> Finding:
    if field == "account":
        names = [account.name for account in chosen_accounts(slurm, cluster) if account.default]
        return fine(f"not set; jobs are charged to {names[0]}" if names else "not set")
    if field == "qos":
        usual = [account.default_qos for account in chosen_accounts(slurm, cluster) if account.default_qos]
        return fine(f"not set; jobs get {usual[0]}" if usual else "not set")
    if field == "partition":
        return fine(f"not set; jobs go to {in_words(chosen_partitions(slurm, cluster))}")
    if field == "time":
        found = chosen_partitions(slurm, cluster)
        limits = [part.default_time or part.max_time for part in found]
        return fine(f"not set; a job gets {limits[0]}" if limits and limits[0] else "not set")
    return fine("no GPU is asked for")


def _beside(field: str, slurm: SlurmSection, cluster: Cluster) -> str:
    """Say what the limit is that a setting keeps to."""
    limits = [part.max_time for part in chosen_partitions(slurm, cluster) if part.max_time]
    return f"; at most {limits[0]}" if field == "time" and len(limits) == 1 else ""


def _keeps_none(cluster: Cluster) -> str | None:
    """Return the sentence that says that there are no accounts, and so nothing that could be wrong."""
    return next(
        (said for said in cluster.sentences if said.startswith("this cluster keeps no accounts")), None
    )


def _unknown(field: str, slurm: SlurmSection, cluster: Cluster) -> str | None:
    """Return why it is not known what there is; None where it is."""
    if field in ("time", *GPUS) and slurm.partition and not chosen_partitions(slurm, cluster):
        return f"there is no partition {slurm.partition} to compare it with"
    begins = _UNKNOWN.get(field, (_NO_PARTITIONS, "the nodes of the partitions"))
    return next((said for said in cluster.sentences if said.startswith(begins)), None)


def _where(scene: Scene, field: str) -> str:
    """Say where a setting was set."""
    key = f"slurm.{field}"
    origin = scene.resolved.origins.get(key, BUILT_IN)
    named = place(origin, key, scene.home).removesuffix(key).rstrip(": ")
    return named or "jlab-mcp's own default"


def _check(id_: str, title: str, *fields: str) -> Check[Scene]:
    return Check(id_, title, partial(_look, fields=fields), needs=("controller",), of_slurm=True)


CHECKS: tuple[Check[Scene], ...] = (
    _check("account", "account", "account"),
    _check("qos", "QOS", "qos"),
    _check("partition", "partition", "partition"),
    _check("gres", "GPUs", *GPUS),
    _check("time", "time limit", "time"),
)
