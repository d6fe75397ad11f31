"""Which partition: those with GPUs that the user may use come first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jlab_mcp.core.proposing.question import PARTITION, Option, Question, text_of
from jlab_mcp.core.walltime import walltime_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.core.cluster import Cluster, NodeGroup, Partition
    from jlab_mcp.core.proposing.question import Value

_SHORT = re.compile(
    r"(?:^|[^a-z])(?:debug|devel?|dev|te?st|testing|short|quick)(?:$|[^a-z])|(?:(?<!la)test|dev|debug)$"
)
"""Names of partitions and QOS that are for trying things out."""
_PREEMPTED = re.compile(r"preempt|scav|backfill|requeue|besteffort|(?:^|[^a-z])(?:low|idle|spot|free)")
"""Names of partitions whose jobs make way for others."""
_USEFUL_SECONDS = 4 * 3600


def is_for_tests(name: str) -> bool:
    """Say whether a partition or QOS is, by its name, meant for short trials."""
    return _SHORT.search(name.lower()) is not None


def seconds(limit: str | None) -> float:
    """Return a time limit in seconds; no limit is infinite, and so is one that cannot be read."""
    try:
        return walltime_seconds(limit) if limit else float("inf")
    except ValueError:
        return float("inf")


def admits_user(cluster: Cluster, partition: Partition) -> bool:
    """Say whether one of the user's accounts is let in; yes where the accounts are not known."""
    return not cluster.accounts or any(partition.admits_account(account.name) for account in cluster.accounts)


def usable(groups: tuple[NodeGroup, ...]) -> tuple[NodeGroup, ...]:
    """Return the groups whose nodes take jobs; all of them if none does now."""
    return tuple(group for group in groups if group.up) or groups


def ask_partition(cluster: Cluster, _answers: Mapping[str, Value]) -> Question | None:
    """Ask for the partition; not if there is none, or no choice."""
    candidates = sorted((p for p in cluster.partitions if p.up), key=lambda p: _rank(cluster, p))
    if not candidates:
        return None
    first = candidates[0]
    options = [Option(p.name, p.name, describe(cluster, p)) for p in candidates]
    default = cluster.default_partition
    if len(candidates) == 1:
        chosen = None if first.default else first.name
        return Question(
            PARTITION, "Which partition?", tuple(options), chosen, "the only partition", is_open=False
        )
    site = f"jobs go to {default.name}" if default else "this cluster has no default partition"
    options.append(Option(None, "none: leave it to the site", site))
    has_gpus = bool(first.gpu_groups)
    if default and default.up and not has_gpus:
        return Question(
            PARTITION,
            "Which partition?",
            tuple(options),
            None,
            f"no partition shows GPUs, and jobs go to {default.name} by default",
        )
    return Question(PARTITION, "Which partition?", tuple(options), first.name, describe(cluster, first))


def _rank(cluster: Cluster, partition: Partition) -> tuple[bool | int | float, ...]:
    """Order partitions, the best first; what is alike stays in SLURM's order."""
    name = partition.name.lower()
    return (
        not partition.gpu_groups,
        not admits_user(cluster, partition),
        not any(group.up for group in partition.gpu_groups or partition.groups),
        is_for_tests(name) or seconds(partition.max_time) < _USEFUL_SECONDS,
        bool(_PREEMPTED.search(name)),
        not partition.default,
        -sum(group.nodes * group.gpu_count for group in partition.groups if group.up),
    )


def describe(cluster: Cluster, partition: Partition) -> str:
    """Say in a line what a partition has, and what stands against it."""
    nodes = sum(group.nodes for group in partition.groups)
    parts = []
    if partition.groups:
        parts.append(f"{nodes} {'node' if nodes == 1 else 'nodes'} with {_gpus(partition)}")
    if partition.max_time:
        parts.append(f"at most {partition.max_time}")
    if partition.default:
        parts.append("the default")
    if partition.whole_nodes:
        parts.append("whole nodes only")
    if partition.groups and not any(group.up for group in partition.groups):
        parts.append("all of them down")
    if not admits_user(cluster, partition):
        parts.append("closed to your accounts")
    return ", ".join(parts) or "SLURM says nothing about its nodes"


def _gpus(partition: Partition) -> str:
    counts = sorted({group.gpu_count for group in partition.gpu_groups})
    if not counts:
        return "no GPUs"
    per_node = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    types = ", ".join(partition.gpu_types)
    return f"{per_node} {types + ' ' if types else ''}{'GPU' if counts[-1] == 1 else 'GPUs'} each"


def chosen_partitions(cluster: Cluster, answers: Mapping[str, Value]) -> tuple[Partition, ...]:
    """Return the partitions that a job may come to.

    That is what was chosen (SLURM takes a list, too); with nothing chosen, the only one, or the default one,
    or, where that has no GPUs but others have, those: such a site sends jobs where their GPUs are.
    """
    name = text_of(answers, PARTITION)
    if name is not None:
        named = (cluster.partition(part.strip()) for part in name.split(","))
        return tuple(partition for partition in named if partition)
    running = tuple(partition for partition in cluster.partitions if partition.up)
    default = cluster.default_partition
    with_gpus = tuple(partition for partition in running if partition.gpu_groups)
    if len(running) == 1:
        return running
    if default and (default.gpu_groups or not with_gpus):
        return (default,)
    return with_gpus or running
