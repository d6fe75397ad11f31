"""The one value that a cluster would most likely take in place of a setting that it cannot meet."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from jlab_mcp.core.slurm.chosen import chosen_accounts, chosen_nodes, chosen_partitions, is_open, names_in
from jlab_mcp.core.walltime import walltime_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jlab_mcp.core.cluster import Cluster
    from jlab_mcp.core.profile import SlurmSection


def instead(field: str, slurm: SlurmSection, cluster: Cluster) -> str | None:
    """Return a value for a field of `[slurm]`; None where nothing is sure enough to be proposed."""
    propose = _FIELDS.get(field)
    return propose(slurm, cluster) if propose else None


def _partition(slurm: SlurmSection, cluster: Cluster) -> str | None:
    names = [part.name for part in cluster.partitions if is_open(part, cluster)]
    wanted = _gpu_types(slurm)
    fitting = [
        name
        for name in names
        if (part := cluster.partition(name)) and all(kind in part.gpu_types for kind in wanted)
    ]
    default = cluster.default_partition
    usual = [default.name] if default and default.name in fitting else []
    asked = names_in(slurm.partition)
    return _first(_close(asked[0] if asked else "", names), usual, fitting)


def _account(slurm: SlurmSection, cluster: Cluster) -> str | None:
    partitions = chosen_partitions(slurm, cluster)
    admitted = [
        account
        for account in cluster.accounts
        if all(part.admits_account(account.name) for part in partitions)
    ]
    names = list(dict.fromkeys(account.name for account in admitted))
    usual = [account.name for account in admitted if account.default]
    return _first(_close(slurm.account or "", names), usual, names)


def _qos(slurm: SlurmSection, cluster: Cluster) -> str | None:
    accounts = chosen_accounts(slurm, cluster)
    partitions = chosen_partitions(slurm, cluster)
    names = [
        name
        for name in dict.fromkeys(name for account in accounts for name in account.qos)
        if all(part.admits_qos(name) for part in partitions)
    ]
    usual = [account.default_qos for account in accounts if account.default_qos in names]
    return _first(_close(slurm.qos or "", names), [name for name in usual if name], names)


def _time(slurm: SlurmSection, cluster: Cluster) -> str | None:
    accounts = chosen_accounts(slurm, cluster)
    names = {slurm.qos.lower()} if slurm.qos else {account.default_qos for account in accounts}
    limits = [part.max_time for part in chosen_partitions(slurm, cluster)]
    limits += [qos.max_wall for qos in cluster.qos if qos.name in names]
    known = [limit for limit in limits if limit and _seconds(limit)]
    return min(known, key=_seconds) if known else None


def _gpus(field: str) -> Callable[[SlurmSection, Cluster], str | None]:
    def propose(slurm: SlurmSection, cluster: Cluster) -> str | None:
        found = [gpu for group in chosen_nodes(slurm, cluster) for gpu in group.gpus]
        text: str | None = getattr(slurm, field)
        if not text or not found or "," in text:
            return None
        words = [word for word in text.split(":") if word and word != "gpu"]
        count = int(words[-1]) if words and words[-1].isdecimal() else 1
        types = list(dict.fromkeys(gpu.type for gpu in found if gpu.type))
        asked = words[0] if words and not words[0].isdecimal() else None
        kind = asked if asked in types else _first(_close(asked or "", types), types if asked else [])
        most = max(gpu.count for gpu in found if kind in (None, gpu.type))
        amount = str(min(count, most))
        prefix = ["gpu"] if field == "gres" else []
        return ":".join([*prefix, *([kind] if kind else []), amount])

    return propose


def _gpu_types(slurm: SlurmSection) -> list[str]:
    texts = (slurm.gres, slurm.gpus, slurm.gpus_per_node)
    words = [word for text in texts if text for word in text.removeprefix("gpu:").split(":")]
    return [word for word in words if word and word != "gpu" and not word.isdecimal() and "," not in word]


def _close(name: str, known: Sequence[str]) -> list[str]:
    return get_close_matches(name, known, n=1, cutoff=0.6)


def _first(*lists: Sequence[str]) -> str | None:
    return next((names[0] for names in lists if names), None)


def _seconds(text: str) -> int:
    try:
        return walltime_seconds(text)
    except ValueError:
        return 0


_FIELDS: dict[str, Callable[[SlurmSection, Cluster], str | None]] = {
    "partition": _partition,
    "account": _account,
    "qos": _qos,
    "time": _time,
    **{name: _gpus(name) for name in ("gres", "gpus", "gpus_per_node")},
}
