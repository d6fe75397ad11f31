"""Questions, their options, and what has been answered so far."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | int | tuple[str, ...] | None
"""An answer: text, a count, several names, or None for "leave it to the site"."""

PARTITION = "slurm.partition"
GPU_TYPE = "gpu_type"
CONSTRAINT = "slurm.constraint"
GPUS = "gpus"
CPUS = "slurm.cpus_per_task"
MEM = "slurm.mem"
TIME = "slurm.time"
ACCOUNT = "slurm.account"
QOS = "slurm.qos"
MODULES = "env.modules"

_COUNTS = frozenset({GPUS, CPUS})
_LISTS = frozenset({MODULES})


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose.

    Attributes:
        value: what to put into the answers; None leaves the matter to the site.
        label: a few words.
        why: what speaks for it or against it; may be empty.
    """

    value: Value
    label: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a wizard.

    Attributes:
        key: under which the answer goes into the answers. A profile's key, but for `gpu_type` and `gpus`,
            which become `slurm.gres` together.
        text: the question.
        options: what to choose from, best first.
        default: the proposal.
        why: why that is proposed.
        typed: whether another value than the options' may be typed in.
        several: whether any number of options may be chosen; the answer is a tuple.
        is_open: whether there is anything to ask; otherwise `default` is settled.
    """

    key: str
    text: str
    options: tuple[Option, ...]
    default: Value
    why: str
    typed: bool = False
    several: bool = False
    is_open: bool = True

    def reason(self, value: Value) -> str:
        """Say why a value is chosen, for the comment beside it."""
        if value == self.default:
            return self.why
        return next((option.why for option in self.options if option.value == value), "") or "as chosen"


Answers = dict[str, Value]


def normal(key: str, value: object) -> Value:
    """Return an answer in the type of its question; text may come from flags.

    Raises:
        ValueError: it is not what the question asks for; says what is expected.
    """
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "none")):
        return () if key in _LISTS else None
    if key in _COUNTS:
        if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value.strip(), re.ASCII):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise ValueError(f'{key} is "{value}", expected a whole number')
    if key in _LISTS:
        names = re.split(r"[\s,]+", value.strip()) if isinstance(value, str) else value
        if isinstance(names, (list, tuple)):
            return tuple(str(name) for name in names)
        raise ValueError(f'{key} is "{value}", expected names')
    return str(value)


def text_of(answers: Mapping[str, Value], key: str) -> str | None:
    """Return an answer that is a text."""
    value = answers.get(key)
    return value if isinstance(value, str) else None


def count_of(answers: Mapping[str, Value], key: str) -> int:
    """Return an answer that is a count; 0 if there is none."""
    value = answers.get(key)
    return value if isinstance(value, int) else 0
