"""Whether the GPUs that a job asks for are there, and which types a node has, and how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.core.fields import gpus_in_gres
from jlab_mcp.core.nearest import nearest_or_semicolon
from jlab_mcp.core.slurm.chosen import chosen_nodes, chosen_partitions, in_words, is_open
from jlab_mcp.core.words import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jlab_mcp.core.cluster import Cluster, NodeGroup, Partition
    from jlab_mcp.core.profile import SlurmSection


def gpus(field: str) -> Callable[[SlurmSection, Cluster], str]:
    """Return what explains one of the settings that ask for GPUs."""

    def explain(slurm: SlurmSection, cluster: Cluster) -> str:
        partitions, groups = chosen_partitions(slurm, cluster), chosen_nodes(slurm, cluster)
        text: str | None = getattr(slurm, field)
        if not text or not groups:
            return ""
        items = gpus_in_gres(text) if field == "gres" else text.split(",")
        if not items:  # other resources than GPUs are not known
            link = nearest_or_semicolon(text.partition(":")[0], ["gpu"]).removeprefix("; ")
            return f"{link}{_have(partitions, groups)}" if link else ""
        elsewhere = _elsewhere(items, partitions, cluster)
        per_node = field != "gpus" or slurm.nodes in ("1", "1-1")
        for item in items:
            if wrong := _too_much(item, partitions, groups, per_node=per_node):
                kind, types = _gpu(item)[0] or "", _types(groups)
                near = nearest_or_semicolon(kind, [] if elsewhere or kind in types else types)
                return f"{wrong}{near}{_have(partitions, groups)}{elsewhere}"
        return ""

    return explain


def _too_much(item: str, partitions: list[Partition], groups: list[NodeGroup], *, per_node: bool) -> str:
    """Say what of one `[TYPE:]COUNT` there is not; empty if it can be had, or may be."""
    wanted, count = _gpu(item)
    there = in_words(partitions)
    types = [gpu.type for group in groups for gpu in group.gpus]
    if not types:
        return f"{there} has no GPUs"
    if wanted is not None and wanted not in types:
        return "" if None in types else f"{there} has no {wanted}"
    each = [(group.nodes, _of_type(group, wanted)) for group in groups]
    if per_node and count > max(number for _, number in each):
        return f"no node of {there} has {count} {wanted or 'GPUs'}"
    total = sum(many * number for many, number in each)
    return f"{there} has {total} {wanted or 'GPUs'} in all" if count > total else ""


def _gpu(item: str) -> tuple[str | None, int]:
    """Read `gpu[:TYPE][:COUNT]` and `[TYPE:]COUNT`."""
    words = [word for word in item.removeprefix("gpu").split(":") if word]
    count = int(words.pop()) if words and words[-1].isdecimal() else 1
    return (words[0] if words else None), count


def _types(groups: Iterable[NodeGroup]) -> list[str]:
    return sorted({gpu.type for group in groups for gpu in group.gpus if gpu.type})


def _of_type(group: NodeGroup, wanted: str | None) -> int:
    return sum(gpu.count for gpu in group.gpus if wanted in (None, gpu.type))


def _have(partitions: Iterable[Partition], groups: Iterable[NodeGroup]) -> str:
    """Say what GPUs the nodes have, such as `a node of short has 2 a100 or 4 h100`."""
    kinds = dict.fromkeys(
        listed([f"{gpu.count} {gpu.type or ('GPU' if gpu.count == 1 else 'GPUs')}" for gpu in group.gpus])
        for group in groups
        if group.gpus
    )
    return f"a node of {in_words(partitions)} has {listed(kinds, 'or')}" if kinds else "no node of it has any"


def _elsewhere(items: list[str], partitions: list[Partition], cluster: Cluster) -> str:
    """Say which other partitions have nodes with what is asked for."""
    wanted = [_gpu(item) for item in items]
    found = [
        part.name
        for part in cluster.partitions
        if is_open(part, cluster)
        and part not in partitions
        and any(all(_of_type(group, kind) >= count for kind, count in wanted) for group in part.groups)
    ]
    return f"; such nodes are in {listed(found)}" if found else ""
