"""How many GPUs of which type a profile asks for, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.core.fields import gpus_in_gres

if TYPE_CHECKING:
    from jlab_mcp.core.profile import SlurmSection


def gpus_in_words(slurm: SlurmSection) -> str | None:
    """Return what is asked for, such as `2x a100` or `1 GPU`; None where no GPU is.

    A request by node or by task says so unless there is one of them.
    """
    per, asked = "", slurm.gpus
    if asked is None and slurm.gpus_per_node:
        per, asked = _per("node", slurm.nodes), slurm.gpus_per_node
    if asked is None and slurm.gpus_per_task:
        per, asked = _per("task", slurm.ntasks), slurm.gpus_per_task
    if asked is None and (items := gpus_in_gres(slurm.gres or "")):
        per, asked = _per("node", slurm.nodes), ",".join(item.partition(":")[2] or "1" for item in items)
    return f"{', '.join(map(_one, asked.split(',')))}{per}" if asked else None


def _per(what: str, count: object) -> str:
    return "" if str(count or 1) in ("1", "1-1") else f" per {what}"


def _one(item: str) -> str:
    """Word `[TYPE:]COUNT`; a type alone stands for one."""
    kind, _, count = item.rpartition(":")
    if not kind and not count.isdecimal():
        kind, count = count, "1"
    if kind:
        return f"{count}x {kind}"
    return f"{count} GPU" if count == "1" else f"{count} GPUs"
