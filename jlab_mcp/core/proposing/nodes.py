"""How much of a node: GPUs, CPUs and memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jlab_mcp.core.proposing.partitions import chosen_partitions, usable
from jlab_mcp.core.proposing.question import (
    CONSTRAINT,
    CPUS,
    GPU_TYPE,
    GPUS,
    MEM,
    Option,
    Question,
    count_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.core.cluster import Cluster, NodeGroup, Partition
    from jlab_mcp.core.proposing.question import Value

_SLICE = re.compile(r"(?:^|[_.:-])\d+g\.\d+gb", re.IGNORECASE)
"""A MIG slice, such as `a100_3g.20gb`."""
_GPU_FEATURE = re.compile(
    r"gpu|cuda|tesla|quadro|geforce|titan|rtx|gtx|"
    r"(?<![a-z0-9])(?:a(?:10|16|30|40|100|800)|h(?:20|100|200|800)|v100|l(?:4|20|40)|k(?:20|40|80)|p(?:40|100)"
    r"|m(?:40|60)|t4|gh?200|gb?[23]00|b[23]00|mi\d{2,3})(?!\d)",
    re.IGNORECASE,
)
"""A feature that names a kind of GPU."""
_FEW_CPUS = 4
_KEPT_BY_SLURM = 0.03
"""Share of a node's memory left alone: SLURM may reserve some (MemSpecLimit), and then refuses the whole."""
_ROUND_MB = 1000


def ask_gpu_type(cluster: Cluster, answers: Mapping[str, Value]) -> Question | None:
    """Ask for the type of GPU; settled where there is but one, and left out where no GPUs are shown."""
    groups = [group for group in _groups(cluster, answers) if group.gpus]
    counts: dict[str | None, int] = {}
    for group in groups:
        for gpu in group.gpus:
            counts[gpu.type] = counts.get(gpu.type, 0) + gpu.count * group.nodes
    if not counts:
        return None
    types = sorted(counts, key=lambda name: (name is None, bool(_SLICE.search(name or "")), -counts[name]))
    text = "Which type of GPU?"
    if len(types) == 1:
        why = "the only type" if types[0] else "no type of GPU is known"
        only = Option(types[0], types[0] or "any", why)
        return Question(GPU_TYPE, text, (only,), types[0], why, is_open=False)
    options = [Option(name, name, f"{counts[name]} of them") for name in types if name is not None]
    options.append(Option(None, "any", "whatever is free first"))
    return Question(GPU_TYPE, text, tuple(options), types[0], f"{counts[types[0]]} of them, the most")


def ask_constraint(cluster: Cluster, answers: Mapping[str, Value]) -> Question | None:
    """Ask for a feature that tells kinds of GPU apart, or that names GPUs which GRES do not show."""
    groups = _groups(cluster, answers)
    shown = [group for group in groups if group.gpus]
    if shown:
        groups = _with_type(groups, text_of(answers, GPU_TYPE))
    found: dict[str, int] = {}
    for group in groups:
        for feature in group.features:
            if _GPU_FEATURE.search(feature):
                found[feature] = found.get(feature, 0) + group.nodes
    nodes = sum(group.nodes for group in groups)
    telling = [name for name, count in found.items() if count < nodes or not shown]
    if not telling:
        return None
    text = "Only nodes with which feature?"
    options = tuple(Option(name, name, f"{found[name]} of {nodes} nodes have it") for name in telling)
    anyone = Option(None, "none: any node", "")
    if shown:
        return Question(CONSTRAINT, text, (anyone, *options), None, "any node with such GPUs will do")
    proposed = next((name for name in telling if name.lower() == "gpu"), telling[0])
    why = "SLURM shows no GPUs here, but this feature names them"
    return Question(CONSTRAINT, text, (*options, anyone), proposed, why)


def ask_gpus(cluster: Cluster, answers: Mapping[str, Value]) -> Question | None:
    """Ask for the number of GPUs; left out where there are none."""
    wanted = text_of(answers, GPU_TYPE)
    groups = _suitable(cluster, answers)
    per_node = [sum(gpu.count for gpu in group.gpus if wanted in (None, gpu.type)) for group in groups]
    most = max(per_node, default=0)
    if not most:
        return None
    text = "How many GPUs?"
    options = tuple(
        Option(number, str(number), f"all of a node with {most}" if number == most else "")
        for number in range(1, most + 1)
    )
    if _whole_nodes(cluster, answers):
        why = "the partition hands out whole nodes, so all of a node's GPUs are yours"
        return Question(GPUS, text, options, most, why, is_open=most > 1)
    why = "one is what most notebooks use" if most > 1 else "a node has one"
    return Question(GPUS, text, options, 1, why, is_open=most > 1)


def ask_cpus(cluster: Cluster, answers: Mapping[str, Value]) -> Question | None:
    """Ask for CPUs; the proposal is a fair share of the node, so that its other GPUs stay usable."""
    groups = _enough(cluster, answers)
    proposed, why = _cpu_share(groups, cluster, answers)
    numbers = [proposed, max(1, proposed // 2)]
    if groups:
        numbers.append(_least_cpus(groups))
    options = [
        Option(number, str(number), why if number == proposed else "") for number in dict.fromkeys(numbers)
    ]
    options.append(
        Option(None, "none: leave it to the site", "SLURM gives one CPU unless the site says more")
    )
    return Question(CPUS, "How many CPUs?", tuple(options), proposed, why, typed=True)


def _least_cpus(groups: tuple[NodeGroup, ...]) -> int:
    return max(1, min(group.cpus for group in groups))


def _cpu_share(
    groups: tuple[NodeGroup, ...], cluster: Cluster, answers: Mapping[str, Value]
) -> tuple[int, str]:
    gpus = count_of(answers, GPUS)
    if not groups:
        return _FEW_CPUS, "a usual number; SLURM did not say how many a node has"
    least = _least_cpus(groups)
    if _whole_nodes(cluster, answers):
        return least, "the partition hands out whole nodes, and a node has that many"
    if not gpus or not all(group.gpus for group in groups):
        return min(_FEW_CPUS, least), "enough for a notebook without GPUs"
    given = {partition.cpus_per_gpu for partition in chosen_partitions(cluster, answers)}
    if len(given) == 1 and (per_gpu := given.pop()):
        return per_gpu * gpus, f"the site gives {per_gpu} CPUs to a GPU"
    group = min(groups, key=lambda group: group.cpus / group.gpu_count)
    share = max(1, group.cpus * gpus // group.gpu_count)
    return min(share, least), f"{gpus} of {group.gpu_count} GPUs of a node with {group.cpus} CPUs"


def ask_mem(cluster: Cluster, answers: Mapping[str, Value]) -> Question | None:
    """Ask for memory; settled as nothing where SLURM does not hand memory out."""
    text = "How much memory?"
    site = Option(None, "none: leave it to the site", "the site's own default")
    if cluster.counts_memory is False:
        why = "this cluster does not hand out memory"
        return Question(MEM, text, (Option(None, "none", why),), None, why, is_open=False)
    if _whole_nodes(cluster, answers):
        why = "the partition hands out whole nodes: 0 asks for all memory of the node"
        return Question(MEM, text, (Option("0", "all of the node's", why), site), "0", why, typed=True)
    given = {partition.mem_per_gpu_mb for partition in chosen_partitions(cluster, answers)}
    if count_of(answers, GPUS) and len(given) == 1 and (per_gpu := given.pop()):
        why = f"the site gives {per_gpu} MB to a GPU"
        options = (Option(None, site.label, why), *_mem_options(cluster, answers))
        return Question(MEM, text, options, None, why, typed=True)
    proposed = _mem_options(cluster, answers)
    if not proposed:
        why = "SLURM did not say how much a node has"
        return Question(MEM, text, (site,), None, why, typed=True)
    return Question(MEM, text, (*proposed, site), proposed[0].value, proposed[0].why, typed=True)


def _mem_options(cluster: Cluster, answers: Mapping[str, Value]) -> tuple[Option, ...]:
    """Propose memory in proportion to the GPUs, or to the CPUs where there are none."""
    groups = [group for group in _enough(cluster, answers) if group.memory_mb > 1 and group.cpus]
    if not groups:
        return ()
    gpus, cpus = count_of(answers, GPUS), count_of(answers, CPUS) or 1
    by_gpu = bool(gpus) and all(group.gpus for group in groups)
    share = min(
        (
            group.memory_mb * min(1.0, gpus / group.gpu_count if by_gpu else cpus / group.cpus),
            f"{gpus} of {group.gpu_count} GPUs" if by_gpu else f"{cpus} of {group.cpus} CPUs",
            group.memory_mb,
        )
        for group in groups
    )
    megabytes, part, whole = share
    limit = min(
        (_mem_limit(partition, cpus) for partition in chosen_partitions(cluster, answers)),
        default=float("inf"),
    )
    why = f"{part} of a node with {whole} MB, less a little that SLURM may keep"
    if limit < megabytes * (1 - _KEPT_BY_SLURM):
        return (Option(f"{int(limit)}M", f"{int(limit)} MB", "the most that the partition allows"),)
    rounded = _round(megabytes * (1 - _KEPT_BY_SLURM))
    return (Option(f"{rounded}M", f"{rounded} MB", why),)


def _mem_limit(partition: Partition, cpus: int) -> float:
    per_cpu = partition.max_mem_per_cpu_mb * cpus if partition.max_mem_per_cpu_mb else float("inf")
    return min(per_cpu, partition.max_mem_per_node_mb or float("inf"))


def _round(megabytes: float) -> int:
    """Round down to thousands, as sites do; small nodes are left as they are."""
    return int(megabytes) // _ROUND_MB * _ROUND_MB if megabytes >= 2 * _ROUND_MB else max(1, int(megabytes))


def _whole_nodes(cluster: Cluster, answers: Mapping[str, Value]) -> bool:
    chosen = chosen_partitions(cluster, answers)
    return bool(chosen) and all(partition.whole_nodes for partition in chosen)


def _groups(cluster: Cluster, answers: Mapping[str, Value]) -> tuple[NodeGroup, ...]:
    """Return the nodes that a job may come to."""
    return usable(
        tuple(group for partition in chosen_partitions(cluster, answers) for group in partition.groups)
    )


def _with_type(groups: tuple[NodeGroup, ...], wanted: str | None) -> tuple[NodeGroup, ...]:
    with_gpus = tuple(group for group in groups if group.gpus)
    typed = tuple(group for group in with_gpus if any(gpu.type == wanted for gpu in group.gpus))
    return typed if wanted is not None else with_gpus


def _suitable(cluster: Cluster, answers: Mapping[str, Value]) -> tuple[NodeGroup, ...]:
    """Return the nodes with the chosen type of GPU and feature."""
    groups = _groups(cluster, answers)
    if any(group.gpus for group in groups):
        groups = _with_type(groups, text_of(answers, GPU_TYPE)) or groups
    feature = text_of(answers, CONSTRAINT)
    return tuple(group for group in groups if feature in group.features) or groups


def _enough(cluster: Cluster, answers: Mapping[str, Value]) -> tuple[NodeGroup, ...]:
    """Return the nodes that have as many GPUs as asked for."""
    groups = _suitable(cluster, answers)
    return tuple(group for group in groups if group.gpu_count >= count_of(answers, GPUS)) or groups
