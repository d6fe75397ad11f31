"""Whether a job asks for more time, CPUs, memory or nodes than its partition has, and how much that is.

A value is only called too large where every partition that the job may come to is known to have less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.core.slurm.chosen import chosen_accounts, chosen_nodes, chosen_partitions, in_words, is_open
from jlab_mcp.core.slurm.partitions import megabytes
from jlab_mcp.core.walltime import walltime_seconds
from jlab_mcp.core.words import listed

if TYPE_CHECKING:
    from jlab_mcp.core.cluster import Cluster
    from jlab_mcp.core.profile import SlurmSection


def time(slurm: SlurmSection, cluster: Cluster) -> str:
    """Explain `time`: the longest that the partition and the QOS allow."""
    asked = _seconds(slurm.time)
    partitions = chosen_partitions(slurm, cluster)
    below = [part for part in partitions if _is_below(part.max_time, asked)]
    said = [f"{part.name} allows {part.max_time} at most" for part in below]
    accounts = chosen_accounts(slurm, cluster)
    names = {slurm.qos.lower()} if slurm.qos else {account.default_qos for account in accounts}
    said += [
        f"the QOS {qos.name} allows {qos.max_wall} at most"
        for qos in cluster.qos
        if qos.name in names and _is_below(qos.max_wall, asked)
    ]
    longer = [
        f"{part.name} ({part.max_time or 'unlimited'})"
        for part in cluster.partitions
        if is_open(part, cluster) and part not in partitions and not _is_below(part.max_time, asked)
    ]
    more = f"; long enough: {listed(longer)}" if below and asked and longer and not cluster.averaged else ""
    return f"{listed(said)}{more}"


def nodes(slurm: SlurmSection, cluster: Cluster) -> str:
    """Explain `nodes`: how many the partition has."""
    partitions = chosen_partitions(slurm, cluster)
    there = sum(group.nodes for group in chosen_nodes(slurm, cluster))
    least = (slurm.nodes or "").partition("-")[0]
    if not least.isdecimal() or not 0 < there < int(least):
        return ""
    return f"{in_words(partitions)} has {there} node{'' if there == 1 else 's'}"


def ntasks(slurm: SlurmSection, cluster: Cluster) -> str:
    """Explain `ntasks`: how many CPUs the partition has in all."""
    there = sum(group.nodes * group.cpus for group in chosen_nodes(slurm, cluster))
    asked = (slurm.ntasks or 0) * (slurm.cpus_per_task or 1)
    where = in_words(chosen_partitions(slurm, cluster))
    return f"{where} has {there} CPUs in all" if 0 < there < asked else ""


def cpus(slurm: SlurmSection, cluster: Cluster) -> str:
    """Explain `cpus_per_task` and `cpus_per_gpu`: how many CPUs a node has."""
    there = max((group.cpus for group in chosen_nodes(slurm, cluster)), default=0)
    asked = slurm.cpus_per_task or slurm.cpus_per_gpu or 0
    where = in_words(chosen_partitions(slurm, cluster))
    return f"no node of {where} has more than {there} CPUs" if 0 < there < asked else ""


def mem(slurm: SlurmSection, cluster: Cluster) -> str:
    """Explain `mem`: how much memory a node has."""
    return _memory(slurm, cluster, megabytes(slurm.mem or ""))


def mem_per_cpu(slurm: SlurmSection, cluster: Cluster) -> str:
    """Explain `mem_per_cpu`: how much memory a node has for the CPUs of a task."""
    count = slurm.cpus_per_task or 1
    asked = megabytes(slurm.mem_per_cpu or "") * count
    said = _memory(slurm, cluster, asked)
    return f"for {count} CPUs that is {asked}M; {said}" if said and count > 1 else said


def mem_per_gpu(slurm: SlurmSection, cluster: Cluster) -> str:
    """Explain `mem_per_gpu`: how much memory a node has."""
    return _memory(slurm, cluster, megabytes(slurm.mem_per_gpu or ""))


def _memory(slurm: SlurmSection, cluster: Cluster, asked: int) -> str:
    partitions = chosen_partitions(slurm, cluster)
    there = max((group.memory_mb for group in chosen_nodes(slurm, cluster)), default=0)
    if 0 < there < asked:
        return f"no node of {in_words(partitions)} has more than {there}M"
    caps = [part.max_mem_per_node_mb for part in partitions if part.max_mem_per_node_mb]
    if caps and len(caps) == len(partitions) and max(caps) < asked:
        return f"{in_words(partitions)} allows {max(caps)}M on a node"
    return ""


def _is_below(longest: str | None, asked: int | None) -> bool:
    """Say whether a limit is shorter than what is asked for, or is one at all where nothing is."""
    seconds = _seconds(longest)
    return seconds is not None and (asked is None or seconds < asked)


def _seconds(text: str | None) -> int | None:
    """Read a duration; None if it is unset, or no duration."""
    try:
        return walltime_seconds(text) if text else None
    except ValueError:
        return None
