"""What a SLURM cluster says about itself: partitions, nodes, accounts, QOS, modules.

Names and units are SLURM's. A value that could not be found out is None or empty, and `Cluster.sentences`
says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Gpu:
    """GPUs of one type in one node.

    Attributes:
        type: the type as `--gres=gpu:TYPE:COUNT` names it; None where the site names none.
        count: how many of them a node has, at least 1.
    """

    type: str | None
    count: int


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """Nodes of a partition that are alike.

    Attributes:
        nodes: how many.
        cpus: CPUs of each node, as SLURM counts them (often hardware threads).
        memory_mb: memory of each node in megabytes.
        gpus: what GPUs each node has.
        features: names for `--constraint`.
        up: whether jobs can start there now or once others have ended; False if down or drained.
    """

    nodes: int
    cpus: int
    memory_mb: int
    gpus: tuple[Gpu, ...] = ()
    features: tuple[str, ...] = ()
    up: bool = True

    @property
    def gpu_count(self) -> int:
        """GPUs of each node, of all types."""
        return sum(gpu.count for gpu in self.gpus)


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition, and who may use it for how long.

    Attributes:
        name: for `--partition`.
        default: whether jobs that name no partition go here.
        up: whether it takes and starts jobs.
        max_time: longest `--time`; None if unlimited or unknown.
        default_time: what a job without `--time` gets; None if that is `max_time`, or unknown.
        allow_accounts: the only accounts let in; None for all.
        deny_accounts: accounts kept out.
        allow_qos: the only QOS let in; None for all.
        deny_qos: QOS kept out.
        whole_nodes: whether a job gets whole nodes, whatever it asked for.
        mem_per_gpu_mb: the site's default of `--mem-per-gpu`.
        cpus_per_gpu: the site's default of `--cpus-per-gpu`.
        max_mem_per_cpu_mb: memory above this a CPU makes SLURM add CPUs, or refuse.
        max_mem_per_node_mb: most memory a job may have on a node.
        gpus: GPUs of the whole partition; None if SLURM does not say.
        groups: its nodes.
    """

    name: str
    default: bool = False
    up: bool = True
    max_time: str | None = None
    default_time: str | None = None
    allow_accounts: tuple[str, ...] | None = None
    deny_accounts: tuple[str, ...] = ()
    allow_qos: tuple[str, ...] | None = None
    deny_qos: tuple[str, ...] = ()
    whole_nodes: bool = False
    mem_per_gpu_mb: int | None = None
    cpus_per_gpu: int | None = None
    max_mem_per_cpu_mb: int | None = None
    max_mem_per_node_mb: int | None = None
    gpus: int | None = None
    groups: tuple[NodeGroup, ...] = ()

    @property
    def gpu_groups(self) -> tuple[NodeGroup, ...]:
        """The nodes that have GPUs."""
        return tuple(group for group in self.groups if group.gpus)

    @property
    def gpu_types(self) -> tuple[str, ...]:
        """GPU types by name, the most frequent first; untyped GPUs are left out."""
        found: dict[str, int] = {}
        for group in self.groups:
            for gpu in group.gpus:
                if gpu.type is not None:
                    found[gpu.type] = found.get(gpu.type, 0) + gpu.count * group.nodes
        return tuple(sorted(found, key=lambda name: -found[name]))

    def admits_account(self, name: str) -> bool:
        """Say whether jobs of an account are let in."""
        if name in self.deny_accounts:
            return False
        return self.allow_accounts is None or name in self.allow_accounts

    def admits_qos(self, name: str) -> bool:
        """Say whether jobs of a QOS are let in."""
        return name not in self.deny_qos and (self.allow_qos is None or name in self.allow_qos)


@dataclass(frozen=True, slots=True)
class Account:
    """An account that the user may charge jobs to.

    Attributes:
        name: for `--account`.
        partition: the only partition it holds for; None for all.
        qos: names for `--qos` that it may use.
        default_qos: the QOS of a job that names none; None if the site sets none.
        default: whether jobs that name no account are charged to it.
    """

    name: str
    partition: str | None = None
    qos: tuple[str, ...] = ()
    default_qos: str | None = None
    default: bool = False


@dataclass(frozen=True, slots=True)
class Qos:
    """A quality of service.

    Attributes:
        name: for `--qos`.
        max_wall: longest `--time`; None if it sets no limit.
    """

    name: str
    max_wall: str | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """All that is known of a cluster.

    Attributes:
        name: SLURM's ClusterName.
        slurm_version: such as `22.05.8`; None if there is no `sbatch` here.
        partitions: in SLURM's order.
        accounts: the user's own; empty if there are none, or unknown.
        qos: all of the cluster's.
        modules: names for `module load`, in the order in which they were listed.
        sentences: what could not be found out, and why; one sentence each.
        needs_account: whether SLURM refuses jobs of users without an account.
        counts_memory: whether SLURM hands out memory, so that `--mem` means something; None if unknown.
        averaged: whether the nodes are only what a partition's totals make on average.
    """

    name: str | None = None
    slurm_version: str | None = None
    partitions: tuple[Partition, ...] = ()
    accounts: tuple[Account, ...] = ()
    qos: tuple[Qos, ...] = ()
    modules: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    needs_account: bool = False
    counts_memory: bool | None = None
    averaged: bool = False

    @property
    def has_slurm(self) -> bool:
        """Whether jobs can be submitted from here, as far as can be told."""
        return self.slurm_version is not None or bool(self.partitions)

    @property
    def default_partition(self) -> Partition | None:
        """Where jobs go that name no partition."""
        return next((partition for partition in self.partitions if partition.default), None)

    def partition(self, name: str) -> Partition | None:
        """Return the partition of a name."""
        return next((partition for partition in self.partitions if partition.name == name), None)


def merge_groups(groups: Iterable[NodeGroup]) -> tuple[NodeGroup, ...]:
    """Count nodes together that differ in nothing but their number."""
    counts: dict[NodeGroup, int] = {}
    for group in groups:
        alike = NodeGroup(0, group.cpus, group.memory_mb, group.gpus, group.features, group.up)
        counts[alike] = counts.get(alike, 0) + group.nodes
    return tuple(
        NodeGroup(nodes, alike.cpus, alike.memory_mb, alike.gpus, alike.features, alike.up)
        for alike, nodes in counts.items()
    )
