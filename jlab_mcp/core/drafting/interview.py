"""What to ask for a new profile, one question after the other, and which settings come of the answers.

`core.proposal` knows the cluster, `core.extending` the profile that the new one extends. What neither of them
knows is asked for freely, so that a command that failed costs nobody the profile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from jlab_mcp.core.drafting.extending import (
    GPU_KEYS,
    GPU_TYPE,
    GPUS,
    LEAVE,
    MODULES,
    RELATED,
    Base,
    as_in_base,
    differing,
)
from jlab_mcp.core.proposal import KEYS, Option, Question, Setting, propose
from jlab_mcp.core.proposing.question import normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jlab_mcp.core.cluster import Cluster

VENV = "env.venv"
PORTS = "ports"
"""Not a setting: `FIRST-LAST` becomes `server.port_min` and `server.port_max`."""

_OTHER_ENVIRONMENTS = frozenset({"env.conda", "env.container.image"})
_PORTS = re.compile(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a new profile starts from.

    Attributes:
        mode: where its servers will run.
        cluster: what is known of the cluster.
        base: the profile that it extends.
        project_venv: whether the project has an environment `.venv`.
        venvs: other environments that were found: path -> where.
        extra: further settings that were given, dotted path -> text; they are not asked for.
    """

    mode: Literal["slurm", "local"]
    cluster: Cluster
    base: Base | None = None
    project_venv: bool = False
    venvs: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to be filled in."""
        return tuple(key for key in self.base.missing if key not in self.extra) if self.base else ()

    @property
    def shows_gpus(self) -> bool:
        """Whether SLURM shows any GPU."""
        return any(partition.gpu_groups for partition in self.cluster.partitions)


def settled(scene: Scene, answered: Mapping[str, object]) -> tuple[dict[str, object], Question | None]:
    """Return the answers with what follows from them, and the next question; None when all is settled.

    Raises:
        ValueError: an answer is not of its question's type.
    """
    answers = {**_said_otherwise(scene), **_normal(answered)}
    while True:
        question = _due(scene, answers)
        if question is None or question.is_open:
            return answers, question
        answers[question.key] = question.default


def by_default(scene: Scene, answered: Mapping[str, object]) -> tuple[dict[str, object], list[Question]]:
    """Answer every open question by its default.

    Returns:
        The answers, and the questions that need one but have no default.

    Raises:
        ValueError: an answer is not of its question's type.
    """
    answers, question = settled(scene, answered)
    unanswered = []
    while question is not None:
        if question.default is None and question.key in scene.missing:
            unanswered.append(question)
        answers, question = settled(scene, {**answers, question.key: question.default})
    return answers, unanswered


def chosen_settings(scene: Scene, answers: Mapping[str, object]) -> tuple[Setting, ...]:
    """Return what the new profile has to say: all that differs from the profile that it extends.

    Raises:
        ValueError: an answer is not of its question's type.
    """
    answers = _normal(answers)
    found: list[Setting] = []
    if scene.mode == "slurm":
        proposed = propose(scene.cluster, choices=_of_cluster(answers)).settings
        found += differing(scene.base, answers, proposed)
    elif scene.base and VENV in answers:
        found += differing(scene.base, {VENV: answers[VENV]}, ())
    found += _of_others(answers)
    if scene.base and scene.base.gpu_key and any(key in GPU_KEYS for key in scene.extra):
        found.append(Setting(scene.base.gpu_key, "none", "GPUs are asked for in another way"))
    found += (Setting(key, text, "as given") for key, text in scene.extra.items())
    said = {setting.key: setting for setting in found}  # the last of a key counts
    base = {key: _plain(value) for key, value in scene.base.values.items()} if scene.base else {}
    return tuple(setting for setting in said.values() if _plain(setting.value) != base.get(setting.key))


def ports_of(text: str) -> tuple[int, int]:
    """Read `FIRST-LAST`.

    Raises:
        ValueError: it is something else.
    """
    match = _PORTS.fullmatch(text)
    if match is None:
        raise ValueError(f'expected FIRST-LAST, such as 18000-19000, got "{text}"')
    return int(match[1]), int(match[2])


def _due(scene: Scene, answers: Mapping[str, object]) -> Question | None:
    """Return the first question without an answer, open or not."""
    for question in (*(_on_cluster(scene, answers) if scene.mode == "slurm" else ()), *_further(scene)):
        if question.key not in answers and question.key not in scene.extra:
            return _as_required(scene, question)
    return None


def _on_cluster(scene: Scene, answers: Mapping[str, object]) -> Iterator[Question]:
    proposed = {
        question.key: question for question in propose(scene.cluster, choices=_of_cluster(answers)).questions
    }
    for key in KEYS:
        if question := proposed.get(key) or _free(scene, key, answers):
            yield as_in_base(scene.base, question)


def _further(scene: Scene) -> Iterator[Question]:
    """Yield what is asked beyond the cluster."""
    if not _OTHER_ENVIRONMENTS & {*(scene.base.values if scene.base else ()), *scene.extra}:
        yield as_in_base(scene.base, _ask_venv(scene))
    if scene.mode == "local":
        usual = Option(None, "18000 to 19000", "the usual ones")
        yield Question(PORTS, "Which ports may servers use?", (usual,), None, usual.why, typed=True)
    for key in scene.missing:
        if key not in KEYS:
            yield _ask_value(key)


def _ask_venv(scene: Scene) -> Question:
    why = "it is there" if scene.project_venv else "used as soon as the project has one"
    own = Option(None, "the project's own .venv", why)
    options = (own, *(Option(path, path, where) for path, where in scene.venvs.items()))
    return Question(VENV, "Which Python environment has JupyterLab?", options, None, why, typed=True)


def _ask_value(key: str) -> Question:
    return Question(key, f"{key}: which value?", (), None, "", typed=True)


def _free(scene: Scene, key: str, answers: Mapping[str, object]) -> Question | None:
    """Ask for what the cluster did not say, so that it can be typed in."""
    leave = Option(None, LEAVE)
    question: Question | None = None
    if key == "slurm.partition" and not scene.cluster.partitions:
        why = "SLURM did not say which there are"
        question = Question(key, "Which partition?", (leave,), None, why, typed=True)
    elif key in (GPU_TYPE, GPUS) and not scene.shows_gpus and not answers.get("slurm.constraint"):
        question = _free_gpus(scene, key)
    elif key == GPUS and answers.get(GPU_TYPE):  # of a type that the cluster does not show there
        question = replace(_free_gpus(scene, key), default=1, why="SLURM shows none of that type there")
    elif key == "slurm.account":
        why = "none of yours is known; many sites need none"
        question = Question(key, "Which account?", (leave,), None, why, typed=True)
    elif key == MODULES and not scene.cluster.modules:
        why = "JupyterLab comes from the project's own environment, which most often needs none"
        question = Question(key, "Which modules?", (), (), why, typed=True, several=True)
    elif key in scene.missing:
        question = _ask_value(key)
    return question


def _free_gpus(scene: Scene, key: str) -> Question:
    if key == GPU_TYPE:
        why = "SLURM shows none; the site's pages name them, such as a100"
        return Question(key, "Which type of GPU?", (Option(None, "any"),), None, why, typed=True)
    nodes_known = any(partition.groups for partition in scene.cluster.partitions)
    options = (*(Option(number, str(number)) for number in (1, 2, 4)), Option(None, "none"))
    why = "SLURM shows no GPUs here" if nodes_known else "SLURM did not say what GPUs there are"
    return Question(key, "How many GPUs?", options, None if nodes_known else 1, why, typed=True)


def _as_required(scene: Scene, question: Question) -> Question:
    """Take "leave it to the site" away where a value is needed."""
    if question.key not in scene.missing:
        return question
    options = tuple(option for option in question.options if option.value is not None)
    default = question.default if question.default is not None else options[0].value if options else None
    name = scene.base.name if scene.base else "the profile"
    return replace(
        question, options=options, default=default, why=f"{name} requires it", typed=True, is_open=True
    )


def _said_otherwise(scene: Scene) -> dict[str, object]:
    """Settle as nothing what a further setting, or the base in its own way, says already."""
    answers: dict[str, object] = {}
    asks_in_parts = scene.base is not None and scene.base.gpu_key is not None and scene.base.gpus is None
    if asks_in_parts or any(key in GPU_KEYS for key in scene.extra):
        answers |= {GPU_TYPE: None, GPUS: None}
    for asked, related in RELATED.items():
        if any(key in related for key in scene.extra):
            answers[asked] = None
    return answers


def _normal(answers: Mapping[str, object]) -> dict[str, object]:
    """Bring answers into the types of their questions; the word `none` is no value."""
    return {key: normal(key, value) if key in (*KEYS, VENV) else value for key, value in answers.items()}


def _plain(value: object) -> object:
    """Return a value in the form in which a flag and a file compare."""
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else str(value)


def _of_cluster(answers: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in answers.items() if key in KEYS}


def _of_others(answers: Mapping[str, object]) -> Iterator[Setting]:
    """Yield what was answered to questions that are not the cluster's."""
    for key, value in answers.items():
        if key in KEYS or value is None or str(value).strip().lower() in ("", "none"):
            continue
        if key == PORTS:
            first, last = ports_of(str(value))
            yield Setting("server.port_min", first, "the first port that servers may use")
            yield Setting("server.port_max", last, "the last one")
        else:
            yield Setting(key, value if isinstance(value, int) else str(value), "as chosen")
