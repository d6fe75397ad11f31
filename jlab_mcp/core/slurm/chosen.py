"""Which partitions, nodes and accounts of a cluster a job's settings choose, by name or by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.core.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jlab_mcp.core.cluster import Account, Cluster, NodeGroup, Partition
    from jlab_mcp.core.profile import SlurmSection


def names_in(text: str | None) -> list[str]:
    """Return the names of a list with commas."""
    return [name for name in (text or "").split(",") if name]


def chosen_partitions(slurm: SlurmSection, cluster: Cluster) -> list[Partition]:
    """Return the partitions that a job may come to; names that there are not are left out."""
    if slurm.partition:
        return [found for name in names_in(slurm.partition) if (found := cluster.partition(name))]
    return [cluster.default_partition] if cluster.default_partition else []


def chosen_nodes(slurm: SlurmSection, cluster: Cluster) -> list[NodeGroup]:
    """Return the nodes that a job may come to; none where they are not known one by one."""
    partitions = chosen_partitions(slurm, cluster)
    if cluster.averaged or not all(part.groups for part in partitions):
        return []
    return [group for part in partitions for group in part.groups]


def chosen_accounts(slurm: SlurmSection, cluster: Cluster) -> list[Account]:
    """Return the user's accounts of that name, or their default ones; all where neither tells."""
    if slurm.account:
        named = [account for account in cluster.accounts if account.name == slurm.account.lower()]
    else:
        named = [account for account in cluster.accounts if account.default]
    return named or list(cluster.accounts)


def is_open(partition: Partition, cluster: Cluster) -> bool:
    """Say whether jobs of one of the user's accounts may start in a partition."""
    return partition.up and admits_user(partition, cluster)


def admits_user(partition: Partition, cluster: Cluster) -> bool:
    """Say whether a partition lets one of the user's accounts in; with no known account it may."""
    accounts = cluster.accounts
    return not accounts or any(partition.admits_account(account.name) for account in accounts)


def in_words(partitions: Iterable[Partition]) -> str:
    """Name partitions, such as `gpu or short`."""
    return listed([part.name for part in partitions], "or")
