"""Run the wizard: with a person at the terminal, or without."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.app.profiles.draft import make_draft, write_draft
from jlab_mcp.app.profiles.ground import look_around, name_problem, proposed_name, scene_of
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, say, show_note
from jlab_mcp.cli.settle import can_ask, nobody_to_ask
from jlab_mcp.cli.tone import TONE
from jlab_mcp.cli.wizard.ask import asker
from jlab_mcp.cli.wizard.talk import Talk, answer_problem
from jlab_mcp.config.places import home_folder
from jlab_mcp.core.drafting.interview import VENV, by_default
from jlab_mcp.core.proposal import KEYS
from jlab_mcp.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.app.profiles.draft import Draft
    from jlab_mcp.app.profiles.ground import Ground

_FLAGS = {
    "--partition": "slurm.partition",
    "--gpu-type": "gpu_type",
    "--gpus": "gpus",
    "--cpus": "slurm.cpus_per_task",
    "--mem": "slurm.mem",
    "--time": "slurm.time",
    "--account": "slurm.account",
    "--qos": "slurm.qos",
    "--modules": "env.modules",
    "--venv": VENV,
}
"""Flag -> the question that it answers."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for.

    Attributes:
        name: of the new profile; None to ask, or to take the proposed one.
        base: the profile to begin with; None to ask, or to take the one that fits.
        flags: answers, by their flags.
        further: settings of `--set`, dotted path -> text.
        replace: whether a file of that name may be replaced.
        to_stdout: whether to print the file instead of writing it.
        timeout: seconds that each command of SLURM may take.
    """

    name: str | None
    base: str | None
    flags: Mapping[str, object]
    further: Mapping[str, str]
    replace: bool
    to_stdout: bool
    timeout: float

    @property
    def given(self) -> dict[str, object]:
        """Answers, by their questions' keys."""
        asked = {key: text for key, text in self.further.items() if key in (*KEYS, VENV)}
        return {**{_FLAGS[flag]: value for flag, value in self.flags.items()}, **asked}

    @property
    def extra(self) -> dict[str, str]:
        """Settings that there is no question for."""
        return {key: text for key, text in self.further.items() if key not in (*KEYS, VENV)}

    @property
    def said(self) -> dict[str, str]:
        """Setting -> the flag that gave it."""
        said = {_FLAGS[flag]: flag for flag in self.flags}
        for flag in ("--gpu-type", "--gpus"):
            if flag in self.flags:
                said["slurm.gres"] = flag
        return {**said, **{key: f"--set {key}" for key in self.further}}


def talk(wish: Wish) -> ExitCode:
    """Ask, show, write."""
    if not can_ask():
        raise nobody_to_ask("`--non-interactive` takes what is proposed, and flags what you choose")
    TONE.quiet = False  # a conversation in silence is none
    conversation: Talk | None = None
    try:
        conversation = Talk(
            ground=_look(wish),
            ask=asker(),
            base=wish.base,
            name=wish.name,
            given=wish.given,
            extra=wish.extra,
            said=wish.said,
            replaces=wish.replace,
            to_stdout=wish.to_stdout,
        )
        draft = conversation.profile()
        if draft is not None and conversation.written:
            conversation.offer_default(draft.name)
    except KeyboardInterrupt:
        written = conversation.written if conversation else None
        say(f"\ninterrupted; {written} is written" if written else "\ninterrupted, nothing was written")
        return ExitCode.INTERRUPTED
    if draft is None:
        say("nothing was written")
    elif wish.to_stdout:
        data(draft.text.rstrip("\n"))
    else:
        _say_next(draft)
    return ExitCode.OK


def assume(wish: Wish) -> ExitCode:
    """Take what is proposed, and write it."""
    ground = _look(wish)
    base = wish.base or _only_fitting(ground)
    name = wish.name or proposed_name(ground, base)
    scene = scene_of(ground, base, wish.extra)
    try:
        answers, unanswered = by_default(scene, wish.given)
    except ValueError as error:
        raise ConfigError([str(error)]) from error
    flags = {key: flag for flag, key in _FLAGS.items()}
    problems = [
        f"{question.key}: {base} requires it; name it with"
        f" `{flags.get(question.key, f'--set {question.key}=VALUE')}`"
        for question in unanswered
    ]
    if problem := name_problem(ground, name, base):
        problems.append(f"--name: {problem}")
    if problems:
        raise ConfigError(problems)
    draft = make_draft(ground, scene, name, answers, wish.said)
    _say_assumed(wish, ground, draft, base)
    if wish.to_stdout:
        data(draft.text.rstrip("\n"))
        return ExitCode.OK
    path, backup = write_draft(ground, draft, replace_old=wish.replace)
    if backup:
        say(f"the old file is kept as `{ground.shown(backup)}`")
    data(str(path))
    _say_next(draft)
    return ExitCode.OK


def _look(wish: Wish) -> Ground:
    """Look around, and say what was found; flags that are wrong are told first."""
    home = home_folder(os.environ)
    problems = [
        f"{flag}: {problem.removeprefix(f'{_FLAGS[flag]}: ')}"
        for flag, value in wish.flags.items()
        if (problem := answer_problem(_FLAGS[flag], str(value), home))
    ]
    problems += [
        f"--set {problem}"
        for key, text in wish.further.items()
        if (problem := answer_problem(key, text, home))
    ]
    if problems:
        raise ConfigError(problems)
    say(f"looking for SLURM and its modules (at most {wish.timeout:g} s for each command)")
    with PROGRESS.during("looking for SLURM and its modules", told=True):
        ground = asyncio.run(look_around(os.environ, Path.cwd(), seconds=wish.timeout))
    for sentence in ground.cluster.sentences:
        show_note(sentence)
    if ground.cluster.has_slurm:
        cluster = ground.cluster
        version = f" with SLURM {cluster.slurm_version}" if cluster.slurm_version else ""
        count = len(cluster.partitions)
        say(f"found {cluster.name or 'a cluster'}{version}, {count} partition{'' if count == 1 else 's'}")
    else:
        say("no jobs can be submitted here, so this makes a profile for this machine")
    return ground


def _say_assumed(wish: Wish, ground: Ground, draft: Draft, base: str | None) -> None:
    """Say what was not asked for and taken all the same."""
    if base and not wish.base:
        why = next((each.why for each in ground.fitting if each.name == base), "")
        say(f"assumed: begin with {base} ({why})")
    if not wish.name:
        say(f"assumed: name {draft.name}")
    for setting in draft.settings:
        if setting.key not in wish.said:
            value = setting.value if not isinstance(setting.value, tuple) else " ".join(setting.value)
            say(f"assumed: {setting.key} = {value} ({setting.why})")
    unused = [flag for flag, key in _FLAGS.items() if flag in wish.flags and key in KEYS]
    if unused and draft.resolved.mode == "local":
        show_note(f"only jobs of SLURM have these, and servers run here: {', '.join(unused)}")
    for sentence in draft.sentences:
        show_note(sentence)


def _only_fitting(ground: Ground) -> str | None:
    """Return the profile that fits; of several, the user has to choose."""
    for level in ("user", "site", "shipped"):
        names = [each.name for each in ground.fitting if each.level == level]
        if len(names) == 1:
            return names[0]
        if names:
            show_note(f"several profiles fit this machine ({', '.join(names)}); choose with `--from`")
            return None
    return None


def _say_next(draft: Draft) -> None:
    """Name the commands that make sense now; in this order."""
    name = draft.name
    if draft.resolved.mode == "local":
        steps = [(f"start --profile {name}", "start a server with it")]
    else:
        steps = [
            (f"profile check {name}", "ask SLURM whether it would run the job"),
            (f"start --profile {name}", "submit the job"),
        ]
    steps += [
        (f"profile use {name}", "make it the default"),
        (f"profile mcp-config --profile {name}", "tell your MCP client"),
    ]
    width = max(len(command) for command, _ in steps)
    say("next:")
    for command, purpose in steps:
        say(f"  jlab-mcp {command:<{width}}  {purpose}")
