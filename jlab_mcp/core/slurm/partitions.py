"""What `scontrol` says: the cluster's settings, and the limits of its partitions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jlab_mcp.core.cluster import Gpu, NodeGroup, Partition
from jlab_mcp.core.slurm.nodes import figure, stated

_CONFIG_LINE = re.compile(r"\s*([A-Za-z]\w*)\s*=\s*(.*?)\s*")
_MEMORY = re.compile(r"(\d{1,15})(?:\.(\d{1,6}))?([KMGTP]?)B?", re.ASCII | re.IGNORECASE)
_IN_MB = {"K": 1 / 1024, "": 1.0, "M": 1.0, "G": 1024.0, "T": 1024.0**2, "P": 1024.0**3}
_VERSION = re.compile(r"\bslurm\S*\s+(\d+\.\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of a cluster that matter here.

    Attributes:
        name: ClusterName.
        whole_nodes: whether SLURM hands out nothing smaller than a node.
        counts_memory: whether memory is handed out; None if not said.
        keeps_accounts: whether there is an accounting database; None if not said.
        needs_account: whether jobs without a valid account are refused.
    """

    name: str | None = None
    whole_nodes: bool = False
    counts_memory: bool | None = None
    keeps_accounts: bool | None = None
    needs_account: bool = False


def parse_configuration(text: str) -> Configuration:
    """Read the answer to `configuration_arguments`."""
    said: dict[str, str] = {}
    for line in text.splitlines():
        match = _CONFIG_LINE.fullmatch(line)
        if match:
            said.setdefault(match[1].lower(), match[2])
    parameters = stated(said.get("selecttypeparameters", ""))
    storage = stated(said.get("accountingstoragetype", ""))
    enforced = said.get("accountingstorageenforce", "").lower()
    return Configuration(
        name=stated(said.get("clustername", "")),
        whole_nodes=said.get("selecttype", "").lower() == "select/linear",
        counts_memory=None if parameters is None else "memory" in parameters.lower(),
        keeps_accounts=None if storage is None else not storage.lower().endswith("none"),
        needs_account=any(word in enforced for word in ("associations", "limits", "qos", "all")),
    )


def parse_version(text: str) -> str | None:
    """Read the answer to `version_arguments`: `slurm 22.05.8`, or `slurm-wlm 21.08.5` on Debian."""
    match = _VERSION.search(text)
    return match[1] if match else None


def parse_partitions(text: str) -> tuple[Partition, ...]:
    """Read the answer to `partitions_arguments`; the many-line form is read, too.

    Their nodes are what the totals say of one node on average, for where `sinfo` says nothing.
    """
    blocks: list[dict[str, str]] = []
    for word in text.split():
        key, sign, value = word.partition("=")
        if key == "PartitionName" and value:
            blocks.append({})
        if sign and blocks:
            blocks[-1].setdefault(key, value)
    return tuple(_partition(block) for block in blocks)


def _partition(block: dict[str, str]) -> Partition:
    defaults = _pairs(block.get("JobDefaults", ""))
    total = _pairs(block.get("TRES", ""))
    return Partition(
        name=block["PartitionName"],
        default=block.get("Default") == "YES",
        up=block.get("State", "UP") == "UP",
        max_time=stated(block.get("MaxTime", "")),
        default_time=stated(block.get("DefaultTime", "")),
        allow_accounts=_names(block.get("AllowAccounts", "ALL")),
        deny_accounts=_names(block.get("DenyAccounts", "")) or (),
        allow_qos=_names(block.get("AllowQos", "ALL")),
        deny_qos=_names(block.get("DenyQos", "")) or (),
        whole_nodes=block.get("OverSubscribe", block.get("Shared", "")).startswith("EXCLUSIVE"),
        mem_per_gpu_mb=figure(defaults.get("DefMemPerGPU", "")) or None,
        cpus_per_gpu=figure(defaults.get("DefCpuPerGPU", "")) or None,
        max_mem_per_cpu_mb=figure(block.get("MaxMemPerCPU", "")) or None,
        max_mem_per_node_mb=figure(block.get("MaxMemPerNode", "")) or None,
        gpus=figure(total.get("gres/gpu", "")),
        groups=_average(block, total),
    )


def _average(block: dict[str, str], total: dict[str, str]) -> tuple[NodeGroup, ...]:
    nodes, cpus = figure(block.get("TotalNodes", "")), figure(block.get("TotalCPUs", ""))
    if not nodes or not cpus:
        return ()
    gpus = (figure(total.get("gres/gpu", "")) or 0) // nodes
    memory = megabytes(total.get("mem", "")) // nodes
    return (NodeGroup(nodes, cpus // nodes, memory, (Gpu(None, gpus),) if gpus else ()),)


def megabytes(text: str) -> int:
    """Read an amount of memory such as `62.50G`, `64gb` or `500`, which are megabytes; 0 if it is none."""
    match = _MEMORY.fullmatch(text)
    return int(float(f"{match[1]}.{match[2] or 0}") * _IN_MB[match[3].upper()]) if match else 0


def _names(text: str) -> tuple[str, ...] | None:
    """Return a list of names; None for everybody."""
    names = tuple(name for name in (stated(text) or "").split(",") if name)
    return None if any(name.upper() == "ALL" for name in names) else names


def _pairs(text: str) -> dict[str, str]:
    return {key: value for key, _, value in (item.partition("=") for item in text.split(","))}
