"""What to propose for a profile, from what a cluster says about itself.

A front end asks one question after the other:

    answered = {}
    while question := questions(cluster, answered):
        answered[question.key] = …  # one of question.options' values, or question.default
    settings(cluster, answered)

Later questions depend on earlier answers, so an answer must not be changed without dropping those after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.core.proposing.nodes import ask_constraint, ask_cpus, ask_gpu_type, ask_gpus, ask_mem
from jlab_mcp.core.proposing.partitions import ask_partition
from jlab_mcp.core.proposing.question import GPU_TYPE, GPUS, Answers, Option, Question, Value, normal
from jlab_mcp.core.proposing.terms import ask_account, ask_modules, ask_qos, ask_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jlab_mcp.core.cluster import Cluster

__all__ = ["KEYS", "Option", "Proposal", "Question", "Setting", "Value", "propose", "questions", "settings"]

_STEPS = {
    "slurm.partition": ask_partition,
    "gpu_type": ask_gpu_type,
    "slurm.constraint": ask_constraint,
    "gpus": ask_gpus,
    "slurm.cpus_per_task": ask_cpus,
    "slurm.mem": ask_mem,
    "slurm.time": ask_time,
    "slurm.account": ask_account,
    "slurm.qos": ask_qos,
    "env.modules": ask_modules,
}
KEYS = tuple(_STEPS)
"""The keys of all questions, in the order in which they are asked."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of the profile to write.

    Attributes:
        key: dotted, such as `slurm.gres`.
        value: as the profile takes it, in SLURM's words and units.
        why: the reason, for a comment beside it.
    """

    key: str
    value: str | int | tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A whole profile's worth of proposals.

    Attributes:
        questions: what there was to decide, also where it was given.
        answers: the answer to each, under its question's key.
        settings: what comes of it.
    """

    questions: tuple[Question, ...]
    answers: Mapping[str, Value]
    settings: tuple[Setting, ...]


def questions(cluster: Cluster, answered: Mapping[str, object]) -> Question | None:
    """Return the next question; None when all is settled.

    Raises:
        ValueError: an answer is not of its question's type.
    """
    return next(
        (question for question, _ in _walk(cluster, answered) if _is_due(question, answered)),
        None,
    )


def settings(cluster: Cluster, answered: Mapping[str, object]) -> tuple[Setting, ...]:
    """Return the profile's keys; a question without an answer counts as answered by its default.

    Raises:
        ValueError: an answer is not of its question's type.
    """
    return propose(cluster, choices=answered).settings


def propose(cluster: Cluster, *, choices: Mapping[str, object] | None = None) -> Proposal:
    """Propose everything that was not chosen already.

    Args:
        cluster: what is known of it.
        choices: answers that are given, by key; text as from a flag will do. An answer to a question that
            does not come up is used all the same: the user may know more than the cluster says.

    Raises:
        ValueError: a choice is not of its question's type; says what is expected.
    """
    walked = list(_walk(cluster, choices or {}))
    answers = {question.key: value for question, value in walked}
    reasons = {question.key: question.reason(value) for question, value in walked}
    return Proposal(
        questions=tuple(question for question, _ in walked),
        answers=answers,
        settings=tuple(_settings(answers, reasons)),
    )


def _is_due(question: Question, answered: Mapping[str, object]) -> bool:
    return question.is_open and question.key not in answered


def _walk(cluster: Cluster, answered: Mapping[str, object]) -> Iterator[tuple[Question, Value]]:
    """Yield every question that comes up, with its answer."""
    answers: Answers = {}
    for key, step in _STEPS.items():
        question = step(cluster, answers)
        if question is None and key in answered:
            question = Question(key, "", (), None, "", is_open=False)
        if question is not None:
            answers[key] = normal(key, answered[key]) if key in answered else question.default
            yield question, answers[key]


def _settings(answers: Mapping[str, Value], reasons: Mapping[str, str]) -> Iterator[Setting]:
    for key, value in answers.items():
        if key == GPU_TYPE:
            continue
        if key == GPUS and value:
            kind = answers.get(GPU_TYPE)
            why = "; ".join(reason for reason in (reasons.get(GPU_TYPE), reasons[GPUS]) if reason)
            yield Setting("slurm.gres", f"gpu:{kind}:{value}" if kind else f"gpu:{value}", why)
        elif key != GPUS and value is not None and value != ():
            yield Setting(key, value, reasons[key])
