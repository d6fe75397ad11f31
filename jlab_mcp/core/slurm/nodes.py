"""What `sinfo` says: the partitions' nodes and their GPUs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jlab_mcp.core.cluster import Gpu, NodeGroup, Partition, merge_groups
from jlab_mcp.core.slurm.commands import SINFO_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIGURE = re.compile(r"(\d{1,18})\+?", re.ASCII)
"""A count; a `+` says that some of the nodes have more."""
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_NOTHING = frozenset({"", "(null)", "n/a", "N/A", "none", "NONE", "infinite", "UNLIMITED"})
_DEAD = ("down", "drain", "fail", "err", "unk", "inval", "future", "perfctrs")
"""How states begin in which a node takes no jobs and will not by itself."""
_AVAILABLE = frozenset({"up", "down", "drain", "inact"})


def stated(text: str) -> str | None:
    """Return a field's value; None for each of SLURM's ways to say that there is none."""
    text = text.strip()
    return None if text in _NOTHING else text


def figure(text: str) -> int | None:
    """Return a count; None if the text is none."""
    match = _FIGURE.fullmatch(text.strip())
    return int(match[1]) if match else None


def parse_sinfo(text: str) -> tuple[Partition, ...]:
    """Read the answer to `sinfo_arguments`.

    Returns:
        The partitions in the order of the text, with what `sinfo` knows of them.
    """
    found: dict[str, list[tuple[Partition, NodeGroup | None]]] = {}
    for line in text.splitlines():
        read = _line(line)
        if read is not None:
            found.setdefault(read[0].name, []).append(read)
    return tuple(
        Partition(
            name=name,
            default=any(partition.default for partition, _ in rows),
            up=any(partition.up for partition, _ in rows),
            max_time=rows[0][0].max_time,
            default_time=rows[0][0].default_time,
            groups=merge_groups(group for _, group in rows if group is not None),
        )
        for name, rows in found.items()
    )


def _line(line: str) -> tuple[Partition, NodeGroup | None] | None:
    """Read one line; a partition without nodes has no group, and a line that is none of ours is None."""
    fields = [field.strip() for field in line.split("|")]
    if len(fields) != len(SINFO_FIELDS):
        return None
    star, available, longest, default, *figures, gres, features, state = fields
    nodes, cpus, memory = (figure(text) for text in figures)
    if available not in _AVAILABLE or nodes is None or cpus is None or memory is None:
        return None
    name = star.removesuffix("*")
    if not name:
        return None
    partition = Partition(
        name=name,
        default=star.endswith("*"),
        up=available == "up",
        max_time=stated(longest),
        default_time=stated(default),
    )
    group = NodeGroup(nodes, cpus, memory, parse_gres(gres), _features(features), _takes_jobs(state))
    return partition, group if nodes else None


def _features(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in (stated(text) or "").split(",") if part.strip())


def _takes_jobs(state: str) -> bool:
    """A `*` says that the node does not answer the controller."""
    return not state.lower().startswith(_DEAD) and "*" not in state


def parse_gres(text: str) -> tuple[Gpu, ...]:
    """Read the GPUs of a GRES list such as `gpu:a100:4(S:0-1),gpumem:80G`; other GRES are passed over."""
    counts: dict[str | None, int] = {}
    for item in _items(stated(text) or ""):
        gpu = _gpu(item)
        if gpu is not None:
            counts[gpu.type] = counts.get(gpu.type, 0) + gpu.count
    return tuple(Gpu(name, count) for name, count in counts.items())


def _items(text: str) -> Iterable[str]:
    """Split at commas, but not inside brackets: `gpu:a100:4(IDX:0,2)`; the brackets are dropped."""
    return re.sub(r"\([^()]*\)?", "", text).split(",")


def _gpu(item: str) -> Gpu | None:
    name, *rest = (part.strip() for part in item.split(":"))
    if name.lower() != "gpu":
        return None
    words = [part for part in rest if part and part != "no_consume"]
    count = int(words.pop()) if words and _COUNT.fullmatch(words[-1]) else 1
    return Gpu(":".join(words) or None, count) if count else None
