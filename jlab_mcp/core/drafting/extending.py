"""What a new profile takes over from the one that it extends, and how it says what is different."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jlab_mcp.core.proposal import KEYS, Option, Question, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jlab_mcp.core.proposal import Value

LEAVE = "none: leave it to the site"
GPU_TYPE, GPUS, MODULES = "gpu_type", "gpus", "env.modules"
GPU_KEYS = ("slurm.gres", "slurm.gpus", "slurm.gpus_per_node", "slurm.gpus_per_task")
RELATED = {
    "slurm.mem": ("slurm.mem_per_gpu", "slurm.mem_per_cpu"),
    "slurm.cpus_per_task": ("slurm.cpus_per_gpu",),
}
"""Settings that say the same in another way, and exclude each other."""

_OF_THE_USER = ("slurm.account", "env.venv")
"""That a profile leaves these open says nothing."""
_GPU_ITEM = re.compile(r"(?:(?P<type>[^:,]+):)?(?P<count>\d+)")


@dataclass(frozen=True, slots=True)
class GpuRequest:
    """How a profile asks for GPUs.

    Attributes:
        key: the setting, such as `slurm.gpus_per_node`.
        type: of GPU; None for any.
        count: how many.
        rest: what else its `gres` asks for, such as `gpumem:24g`.
    """

    key: str
    type: str | None
    count: int
    rest: tuple[str, ...] = ()

    def of(self, kind: str | None, count: int) -> str:
        """Write a request for other GPUs in the same form."""
        item = f"{kind}:{count}" if kind else str(count)
        return ",".join([f"gpu:{item}", *self.rest]) if self.key == "slurm.gres" else item


@dataclass(frozen=True, slots=True)
class Base:
    """The profile that the new one extends.

    Attributes:
        name: its name.
        values: dotted path -> value, of everything that it and its parents set.
        required: dotted paths of what its user has to fill in.
    """

    name: str
    values: Mapping[str, object]
    required: tuple[str, ...] = ()

    @property
    def gpu_key(self) -> str | None:
        """The first setting by which it asks for GPUs."""
        return next((key for key in GPU_KEYS if key in self.values), None)

    @property
    def gpus(self) -> GpuRequest | None:
        """How it asks for GPUs; None if it does not, or not in one item."""
        key = self.gpu_key
        return gpu_request(key, str(self.values[key])) if key else None

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to be filled in."""
        return tuple(key for key in self.required if key not in self.values)


def gpu_request(key: str, text: str) -> GpuRequest | None:
    """Read a request for GPUs; None if it has none, or more than one."""
    items = text.split(",")
    is_gres = key == "slurm.gres"
    gpus = [item for item in items if item.split(":")[0] == "gpu"] if is_gres else items
    if len(gpus) != 1:
        return None
    rest = tuple(item for item in items if item != gpus[0])
    item = gpus[0].removeprefix("gpu").removeprefix(":") if is_gres else gpus[0]
    match = _GPU_ITEM.fullmatch(item or "1")
    if match is None:  # a type without a number is one of them
        return GpuRequest(key, item, 1, rest)
    return GpuRequest(key, match["type"], int(match["count"]), rest)


def as_in_base(base: Base | None, question: Question) -> Question:
    """Make what the base says the proposal, and the first option."""
    if base is None or (question.key in KEYS and base.values.get("mode") == "local"):
        return question  # a local profile says nothing on clusters
    said = _said(base, question.key)
    if said is None:
        return question
    value, why = said
    if question.several:
        names = value if isinstance(value, tuple) else ()
        listed = {option.value for option in question.options}
        more = tuple(Option(name, name) for name in names if name not in listed)
        return replace(question, options=(*more, *question.options), default=names, why=why)
    plain = LEAVE if value is None else str(value)
    label = next((option.label for option in question.options if option.value == value), plain)
    others = tuple(option for option in question.options if option.value != value)
    return replace(question, options=(Option(value, label, why), *others), default=value, why=why)


def differing(
    base: Base | None, answers: Mapping[str, object], proposed: tuple[Setting, ...]
) -> list[Setting]:
    """Return what has to be said, in the base's own way, so that it comes to what is proposed."""
    if base is None:
        return list(proposed)
    found = {setting.key: setting for setting in _in_words_of(base, proposed)}
    for setting in _taken_back(base, answers, found):
        found.setdefault(setting.key, setting)
    return list(found.values())


def _said(base: Base, key: str) -> tuple[Value, str] | None:
    """Return what a base says on a question, and that in words; None if it has no opinion."""
    if key in (GPU_TYPE, GPUS):
        return _said_of_gpus(base, key)
    if key in base.values:
        return _as_answer(base.values[key]), f"as in {base.name}"
    related = next((other for other in RELATED.get(key, ()) if other in base.values), None)
    if related:
        return None, f"{base.name} has {related.partition('.')[2]} = {base.values[related]}"
    if key in base.required or key in _OF_THE_USER or key == MODULES:
        return None
    return None, f"{base.name} leaves it to the site"


def _said_of_gpus(base: Base, key: str) -> tuple[Value, str] | None:
    if base.gpu_key is None:
        return None, f"{base.name} asks for none"
    request = base.gpus
    if request is None:
        return None
    return (request.type if key == GPU_TYPE else request.count), f"as in {base.name}"


def _as_answer(value: object) -> Value:
    if isinstance(value, (list, tuple)):
        return tuple(str(item) for item in value)
    return value if isinstance(value, int) else str(value)


def _in_words_of(base: Base, proposed: tuple[Setting, ...]) -> Iterator[Setting]:
    """Ask for GPUs in the way the base does."""
    request = base.gpus
    for setting in proposed:
        gpus = gpu_request(setting.key, str(setting.value)) if setting.key == "slurm.gres" else None
        if request and gpus:
            yield replace(setting, key=request.key, value=request.of(gpus.type, gpus.count))
        else:
            yield setting


def _taken_back(base: Base, answers: Mapping[str, object], found: Mapping[str, Setting]) -> Iterator[Setting]:
    """Yield `none` for what the base sets and the answers leave out, or say in another way."""
    for key in (*KEYS, "env.venv"):
        if key in base.values and key in answers and not answers[key]:
            yield Setting(key, "none", f"{base.name} has {_in_words(base.values[key])}; here it is left out")
    for key, related in RELATED.items():
        for other in related:
            if key in found and other in base.values:
                yield Setting(other, "none", f"{key.partition('.')[2]} replaces what {base.name} has")
    if (request := base.gpus) and GPUS in answers and not answers[GPUS]:
        why = f"{base.name} asks for GPUs; here there are none"
        yield Setting(request.key, ",".join(request.rest) or "none", why)


def _in_words(value: object) -> str:
    return " ".join(str(item) for item in value) if isinstance(value, (list, tuple)) else str(value)
