"""What is wrong with a setting on a cluster that was asked, and which values it would take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jlab_mcp.core.nearest import nearest_or_semicolon
from jlab_mcp.core.slurm import sizes
from jlab_mcp.core.slurm.chosen import (
    admits_user,
    chosen_accounts,
    chosen_partitions,
    in_words,
    is_open,
    names_in,
)
from jlab_mcp.core.slurm.gpusizes import gpus
from jlab_mcp.core.slurm.settings import GPUS
from jlab_mcp.core.words import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jlab_mcp.core.cluster import Cluster, Partition
    from jlab_mcp.core.profile import SlurmSection

_FEATURES = re.compile(r"[^\s&|,()\[\]*!]+")
_COUNTS = re.compile(r"\*\d+")


def alternatives(field: str, slurm: SlurmSection, cluster: Cluster) -> str:
    """Say what the cluster has in place of what a setting asks for; empty where that is in order, or unknown.

    Args:
        field: name of the field of `[slurm]`; it may be unset.
        slurm: all that the job asks for.
        cluster: what is known of the cluster that the job is for.
    """
    explain = _FIELDS.get(field)
    return explain(slurm, cluster) if explain else ""


def _partition(slurm: SlurmSection, cluster: Cluster) -> str:
    if not cluster.partitions:
        return ""
    known = [partition.name for partition in cluster.partitions]
    # SLURM hides partitions from those whose groups may not use them.
    if unknown := [name for name in names_in(slurm.partition) if name not in known]:
        shown = listed(f"{part.name}{_hindrance(part, cluster)}" for part in cluster.partitions)
        return _none_such(slurm.partition, unknown, known, "partition for you", f"there are {shown}")
    chosen = chosen_partitions(slurm, cluster)
    if not chosen:
        return f"the cluster has no default partition; there are {listed(known)}"
    if down := [part.name for part in chosen if not part.up]:
        return f"no jobs start in {listed(down, 'or')} now{_open(cluster)}"
    return "" if slurm.account else _closed_to_default(slurm, cluster)


def _hindrance(partition: Partition, cluster: Cluster) -> str:
    """Say in brackets why the user's jobs would not start in a partition."""
    if not partition.up:
        return " (down)"
    return "" if admits_user(partition, cluster) else " (closed to your accounts)"


def _open(cluster: Cluster) -> str:
    """Say which partitions the user may choose."""
    names = [part.name for part in cluster.partitions if is_open(part, cluster)]
    return f"; open to you: {listed(names)}" if names else ""


def _closed_to_default(slurm: SlurmSection, cluster: Cluster) -> str:
    """Say which account a partition demands of a job that names none."""
    accounts = [account.name for account in chosen_accounts(slurm, cluster)]
    for partition in chosen_partitions(slurm, cluster):
        if accounts and not any(map(partition.admits_account, accounts)):
            return f"it does not let your default account {accounts[0]} in; {_admitted(partition, cluster)}"
    return ""


def _account(slurm: SlurmSection, cluster: Cluster) -> str:
    own = list(dict.fromkeys(account.name for account in cluster.accounts))
    if not own:
        return ""
    if slurm.account is None:
        return f"you may use {listed(own)}"
    if slurm.account.lower() not in own:
        return _none_such(slurm.account, [slurm.account], own, "account of yours", f"you have {listed(own)}")
    for partition in chosen_partitions(slurm, cluster):
        if not partition.admits_account(slurm.account):
            return f"the partition {partition.name} does not let it in; {_admitted(partition, cluster)}"
    bound = [account.partition for account in cluster.accounts if account.name == slurm.account.lower()]
    asked = [partition.name for partition in chosen_partitions(slurm, cluster)]
    if None not in bound and asked and not set(asked) & set(bound):
        return f"it holds only for the partition {listed([str(name) for name in bound], 'or')}"
    return ""


def _admitted(partition: Partition, cluster: Cluster) -> str:
    """Say which accounts a partition lets in, and what is open if none of them is the user's."""
    own = dict.fromkeys(account.name for account in cluster.accounts)
    if mine := [name for name in own if partition.admits_account(name)]:
        return f"of yours it lets in {listed(mine)}"
    return f"it lets in none of yours{_open(cluster)}"


def _qos(slurm: SlurmSection, cluster: Cluster) -> str:
    allowed = list(dict.fromkeys(name for account in chosen_accounts(slurm, cluster) for name in account.qos))
    known = [qos.name for qos in cluster.qos]
    names = allowed or known
    if not names:
        return ""
    open_ = [
        name for name in names if all(part.admits_qos(name) for part in chosen_partitions(slurm, cluster))
    ]
    have = f"you may use {listed(open_)}" if open_ else "the partition lets in none of yours"
    if slurm.qos is None:
        return have
    if slurm.qos.lower() in names:
        return "" if slurm.qos.lower() in open_ else f"the partition does not let it in; {have}"
    if slurm.qos.lower() in known:
        return f"your account may not use it; {have}"
    return _none_such(slurm.qos, [slurm.qos], names, "QOS", have)


def _constraint(slurm: SlurmSection, cluster: Cluster) -> str:
    partitions = chosen_partitions(slurm, cluster)
    if not slurm.constraint or not partitions or cluster.averaged:
        return ""
    features = _features(partitions)
    asked = _FEATURES.findall(_COUNTS.sub("", slurm.constraint))
    missing = [name for name in asked if name not in features]
    if not missing:
        return ""
    have = f"features there are {listed(features)}" if features else "its nodes have no features"
    elsewhere = [
        part.name for part in cluster.partitions if is_open(part, cluster) and missing[0] in _features([part])
    ]
    wrong = f"no node of {in_words(partitions)} has {missing[0]}"
    if elsewhere:
        return f"{wrong}; {have}; such nodes are in {listed(elsewhere)}"
    return f"{wrong}{nearest_or_semicolon(missing[0], features)}{have}"


def _features(partitions: Iterable[Partition]) -> list[str]:
    return sorted({name for part in partitions for group in part.groups for name in group.features})


def _none_such(value: str | None, unknown: list[str], known: list[str], what: str, have: str) -> str:
    """Say that a name is none of those that there are, and which is the closest."""
    such = f"there is no such {what}" if [value] == unknown else f"there is no {what}: {listed(unknown)}"
    return f"{such}{nearest_or_semicolon(unknown[0], known)}{have}"


_FIELDS: dict[str, Callable[[SlurmSection, Cluster], str]] = {
    "partition": _partition,
    "account": _account,
    "qos": _qos,
    "constraint": _constraint,
    "time": sizes.time,
    "nodes": sizes.nodes,
    "ntasks": sizes.ntasks,
    "cpus_per_task": sizes.cpus,
    "cpus_per_gpu": sizes.cpus,
    "mem": sizes.mem,
    "mem_per_cpu": sizes.mem_per_cpu,
    "mem_per_gpu": sizes.mem_per_gpu,
    **{name: gpus(name) for name in GPUS},
}
