"""Settings that cannot stand beside each other: what sbatch would refuse, said before it is asked.

Learned by asking a real sbatch (22.05). GPUs in `gres` beside another request for GPUs are the exception:
some pairs of numbers pass, but then the job gets more nodes or GPUs than either line says.

Works on values as they were written, so that a file's contradictions are found beside its other mistakes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jlab_mcp.core.fields import gpus_in_gres
from jlab_mcp.core.profile import ServerSection, takes_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MEMORY = ("mem", "mem_per_cpu", "mem_per_gpu")
_PORT = re.compile(r"\d{1,9}")
"""Longer numbers are no ports anyway, and Python refuses to read very long ones."""
_GPUS = ("gpus", "gpus_per_node", "gpus_per_task")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two settings that exclude each other.

    Attributes:
        first: dotted path of the one.
        second: dotted path of the other.
        words: what stands between them in a sentence.
        default: what follows where the second is not set.
    """

    first: str
    second: str
    words: str = "cannot stand beside"
    default: str = ""


def contradictions(values: Mapping[str, Any]) -> list[Contradiction]:
    """Find what excludes each other in nested settings; anything that is no setting is ignored."""
    slurm, server, env = (_stated(values, section) for section in ("slurm", "server", "env"))
    return [*_in_slurm(slurm), *_in_env(env), *_in_server(server)]


def _in_slurm(stated: Mapping[str, Any]) -> Iterator[Contradiction]:
    for first, second in (*_pairs(_MEMORY), ("cpus_per_task", "cpus_per_gpu")):
        if first in stated and second in stated:
            yield Contradiction(f"slurm.{first}", f"slurm.{second}")
    if _common(stated.get("nodelist"), stated.get("exclude")):
        yield Contradiction("slurm.nodelist", "slurm.exclude", "names a node of")
    yield from _in_gpus(stated)
    for directive in _texts(stated.get("extra_directives")):
        name = directive.removeprefix("--").partition("=")[0]
        if name.replace("-", "_") in stated:
            yield Contradiction("slurm.extra_directives", f"slurm.{name.replace('-', '_')}", "repeats")


def _in_gpus(stated: Mapping[str, Any]) -> Iterator[Contradiction]:
    asked = [name for name in _GPUS if name in stated]
    in_gres = bool(gpus_in_gres(str(stated.get("gres", ""))))
    if in_gres:
        for name in asked:
            yield Contradiction("slurm.gres", f"slurm.{name}", "asks for GPUs, and so does")
    if "gpus_per_task" in stated and not {"ntasks", "gpus", "nodes"} & stated.keys():
        yield Contradiction("slurm.gpus_per_task", "slurm.ntasks", "needs")
    if "mem_per_gpu" in stated and not asked and not in_gres:
        yield Contradiction("slurm.mem_per_gpu", "slurm.gpus", "needs")


def _in_env(stated: Mapping[str, Any]) -> Iterator[Contradiction]:
    if "conda" in stated and "venv" in stated:
        yield Contradiction("env.conda", "env.venv")


def _in_server(stated: Mapping[str, Any]) -> Iterator[Contradiction]:
    if "bind_ip" in stated and "interface" in stated:
        yield Contradiction("server.interface", "server.bind_ip")
    defaults = {name: str(ServerSection.model_fields[name].default) for name in ("port_min", "port_max")}
    first, last = (str(stated.get(name, default)) for name, default in defaults.items())
    if _PORT.fullmatch(first) and _PORT.fullmatch(last) and int(first) > int(last):
        if "port_min" in stated:
            yield Contradiction("server.port_min", "server.port_max", "is above", f" ({last}, the default)")
        else:
            yield Contradiction("server.port_max", "server.port_min", "is below", f" ({first}, the default)")


def _stated(values: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Return what a section sets, without what `none` takes back and what is false."""
    fields = values.get(section)
    if not isinstance(fields, dict):
        return {}
    return {key: value for key, value in fields.items() if value is not None and not takes_back(key, value)}


def _pairs(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for index, first in enumerate(names):
        yield from ((first, second) for second in names[index + 1 :])


def _common(first: object, second: object) -> bool:
    """Say whether two node lists share a name; ranges in brackets are compared as they are written."""
    if not isinstance(first, str) or not isinstance(second, str):
        return False
    return bool(set(first.split(",")) & set(second.split(",")))


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else []
