"""The conversation of `jlab-mcp profile init`: questions, the review, changes, the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jlab_mcp.app.profiles.draft import make_draft, write_draft
from jlab_mcp.app.profiles.ground import name_problem, proposed_name, scene_of, value_problem, values_problem
from jlab_mcp.app.profiles.using import use_profile
from jlab_mcp.cli.profile.files import say_used
from jlab_mcp.cli.render import say, show_error, show_note
from jlab_mcp.cli.wizard.ask import Item, say_wrapped
from jlab_mcp.core.drafting.draft import free_name
from jlab_mcp.core.drafting.extending import GPU_TYPE, GPUS
from jlab_mcp.core.drafting.interview import PORTS, ports_of, settled
from jlab_mcp.errors import ConfigError, JlabMcpError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.app.profiles.draft import Draft
    from jlab_mcp.app.profiles.ground import Ground
    from jlab_mcp.app.profiles.using import Scope
    from jlab_mcp.cli.wizard.ask import Asker
    from jlab_mcp.core.drafting.interview import Scene
    from jlab_mcp.core.proposal import Option, Question

_TYPE_IN = Item("another one", "type it in")
_SEVERAL = Item("others", "type their names in")
_NAME, _BASE = "name", "base"


@dataclass
class Talk:
    """What was said so far.

    Attributes:
        ground: what there is.
        ask: the terminal.
        base: the profile to extend; asked for if None and there is one that fits.
        name: of the new profile; asked for if None.
        given: answers that flags gave, by their questions' keys.
        extra: settings that flags gave.
        said: dotted path -> the flag that gave it.
        replaces: whether the file of that name may be replaced.
        to_stdout: whether no file is written, so that its name may be taken.
        written: the new file, once it is there.
        scene: what the questions are asked about.
        answers: to all questions, asked or settled without asking.
        asked: the questions as they were asked.
    """

    ground: Ground
    ask: Asker
    base: str | None
    name: str | None
    given: dict[str, object]
    extra: Mapping[str, str]
    said: Mapping[str, str]
    replaces: bool = False
    to_stdout: bool = False
    written: Path | None = None
    scene: Scene | None = None
    answers: dict[str, object] = field(default_factory=dict)
    asked: dict[str, Question] = field(default_factory=dict)

    def profile(self) -> Draft | None:
        """Ask everything, show what comes of it, change what is to be changed, write it.

        Returns:
            What was written, or is to be printed; None if it is not wanted.
        """
        if self.base is None:
            self._ask_base()
        scene = scene_of(self.ground, self.base, self.extra)
        self._ask_name()
        self._ask_all(scene)
        while True:
            draft = self._review(scene)
            actions = [Item("change an answer"), Item("cancel", "nothing is written")]
            if draft:
                where = "print it" if self.to_stdout else f"write {self._path(draft.name)}"
                actions.insert(0, Item(where))
            chosen = actions[self.ask.choose("What now?", actions)]
            if chosen.label == "cancel":
                return None
            if chosen.label == "change an answer":
                scene = self._change(scene)
            elif draft and (self.to_stdout or self._write(draft)):
                return draft

    def _write(self, draft: Draft) -> bool:
        """Write the file; False where it cannot be written, or is somebody's by now."""
        try:
            path, backup = write_draft(self.ground, draft, replace_old=self.replaces)
        except JlabMcpError as error:
            show_error(error, None)
            self.name = None if isinstance(error, ConfigError) else self.name
            self._ask_name()
            return False
        self.written = path
        say(f"wrote `{self.ground.shown(path)}`")
        if backup:
            say(f"the old one is kept as `{self.ground.shown(backup)}`")
        return True

    def offer_default(self, name: str) -> None:
        """Ask whether the new profile is to be used where nothing else names one."""
        items = [
            Item("no", "name it with `--profile`"),
            Item("for me", "in all projects"),
            Item("for this project"),
        ]
        chosen = self.ask.choose("Use it by default?", items)
        if chosen:
            scope: Scope = "user" if chosen == 1 else "project"
            say_used(use_profile(name, scope, project_dir=self.ground.project_dir))

    def _path(self, name: str) -> str:
        return self.ground.shown(self.ground.file_of(name))

    def _ask_base(self, *, of_all: bool = False) -> None:
        """Ask what to begin with; of the profiles that fit, or of all."""
        fitting = self.ground.fitting
        if not fitting and not of_all:
            return
        found = [(each.name, f"{each.why}; {_whose(each.level)}") for each in fitting]
        listed = {name for name, _ in found}
        others = [(name, "") for name in self.ground.names if name not in listed]
        items = [Item(name, about) for name, about in (*found, *(others if of_all else ()))]
        items.append(Item("none", "only what is asked here"))
        if not of_all:
            items.append(Item("another profile", f"one of all {len(self.ground.names)}"))
        now = [number for number, item in enumerate(items) if of_all and item.label == (self.base or "none")]
        chosen = self.ask.choose("Which profile to begin with?", items, now[0] if now else 0)
        if not of_all and chosen == len(items) - 1:
            self._ask_base(of_all=True)
        else:
            self.base = None if items[chosen].label == "none" else items[chosen].label

    def _ask_name(self) -> None:
        """Ask for the name until it is right, and free or to be replaced."""
        while True:
            if self.name is None:
                proposed = proposed_name(self.ground, self.base)
                self.name = self.ask.type_in("A name for the profile?", self._name_problem, proposed)
            elif problem := self._name_problem(self.name):
                show_error(ConfigError([problem]), None)
                self.name = None
                continue
            self.name = self.name.strip()
            if self.to_stdout or self.replaces or self.name not in self.ground.taken:
                return
            self._ask_about_taken(self.name)

    def _ask_about_taken(self, name: str) -> None:
        """Ask what to do about a file that is there; it is never rewritten unasked."""
        free = free_name(name, self.ground.taken)
        items = [
            Item(f"call it {free}"),
            Item("type another name"),
            Item("replace it", f"the old one is kept as {name}.toml.bak"),
        ]
        show_note(f"`{self._path(name)}` is there already")
        chosen = self.ask.choose("Which name then?", items)
        self.replaces = chosen == len(items) - 1
        self.name = (free, None, name)[chosen]

    def _name_problem(self, name: str) -> str | None:
        return name_problem(self.ground, name.strip(), self.base)

    def _ask_all(self, scene: Scene, again: str | None = None) -> None:
        """Ask what is open; an answer stays as long as its question is the same, but for the one `again`."""
        self.scene = scene
        old, self.answers = self.answers, {}
        while True:
            answers, question = settled(scene, {**self.given, **self.answers})
            if question is None:
                self.answers = answers
                return
            key, before = question.key, self.asked.get(question.key)
            if key != again and key in old and before == question:
                self.answers[key] = old[key]
                continue
            is_chosen = key in old and (key == again or before is None or old[key] != before.default)
            self.answers[key] = self._answer(question, old[key] if is_chosen else question.default)
            self.asked[key] = question

    def _answer(self, question: Question, proposed: object) -> object:
        """Ask one question; where a value is free it can be typed in."""
        if question.several:
            return self._several(question, proposed if isinstance(proposed, tuple) else ())
        items = [_item(option, question) for option in question.options]
        if not items:
            return self._typed(question, proposed)
        values = [option.value for option in question.options]
        if question.typed:
            items.append(_TYPE_IN)
        at = next((number for number, value in enumerate(values) if value == proposed), 0)
        chosen = self.ask.choose(question.text, items, at)
        return values[chosen] if chosen < len(values) else self._typed(question, None)

    def _several(self, question: Question, proposed: tuple[str, ...]) -> tuple[str, ...]:
        names = [str(option.value) for option in question.options]
        if not names:
            return tuple(str(self._typed(question, " ".join(proposed)) or "").split())
        items = [*(Item(option.label, option.why) for option in question.options), _SEVERAL]
        say_wrapped(question.why)
        chosen = self.ask.choose_several(
            question.text, items, {names.index(name) for name in proposed if name in names}
        )
        picked = [names[number] for number in chosen if number < len(names)]
        if len(names) in chosen:
            unlisted = " ".join(name for name in proposed if name not in names)
            picked += str(self._typed(question, unlisted) or "").replace(",", " ").split()
        return tuple(dict.fromkeys(picked))

    def _typed(self, question: Question, proposed: object) -> str | None:
        needed = self._needs(question.key)
        if question.why and not question.options:
            say_wrapped(question.why)

        def check(text: str) -> str | None:
            if not text.strip():
                return f"{question.key} is needed" if needed else None
            return answer_problem(question.key, text.strip(), self.ground.home)

        hint = "" if needed else " (empty for none)"
        default = "" if proposed is None else str(proposed)
        return self.ask.type_in(f"{question.text}{hint}", check, default).strip() or None

    def _needs(self, key: str) -> bool:
        return self.scene is not None and key in self.scene.missing

    def _review(self, scene: Scene) -> Draft | None:
        """Show the file and the script, or what is wrong."""
        try:
            draft = make_draft(self.ground, scene, str(self.name), self.answers, self.said)
        except ConfigError as error:
            show_error(error, None)
            return None
        if draft.script:
            say(f"\n── the job that `jlab-mcp start` submits with it ──\n{draft.script.rstrip()}")
        say(f"\n── {self._path(draft.name)} ──\n{draft.text.rstrip()}\n")
        for sentence in draft.sentences:
            show_note(sentence)
        return draft

    def _change(self, scene: Scene) -> Scene:
        """Ask one thing again, and then what depends on it."""
        rows = [(_NAME, "name", str(self.name)), (_BASE, "begins with", self.base or "none")]
        rows += [
            (key, self.asked[key].text.rstrip("?") if key in self.asked else key, _shown(value))
            for key, value in self.answers.items()
            if key in self.asked or key in self.given
        ]
        items = [Item(label, value) for _, label, value in rows]
        key = rows[self.ask.choose("Change which?", items)][0]
        if key == _NAME:
            self.name, self.replaces = None, False
            self._ask_name()
            return scene
        if key == _BASE:
            self._ask_base(of_all=True)
            scene = scene_of(self.ground, self.base, self.extra)
            self._ask_name()
        self.given.pop(key, None)
        self._ask_all(scene, again=key)
        return scene


def answer_problem(key: str, text: str, home: Path) -> str | None:
    """Say what is wrong with what was typed in, in the loader's words; None if nothing is."""
    if text.lower() == "none":
        return None
    if key == PORTS:
        try:
            first, last = ports_of(text)
        except ValueError as error:
            return str(error)
        return values_problem({"server.port_min": str(first), "server.port_max": str(last)}, home)
    if key == GPUS:
        return None if text.isdecimal() and len(text) < 5 else f'expected a whole number, got "{text}"'  # noqa: PLR2004
    if key == GPU_TYPE:
        wrong = ":" in text or value_problem("slurm.gres", f"gpu:{text}:1", home)
        return f'expected the name of a type, such as a100, got "{text}"' if wrong else None
    return value_problem(key, text, home)


def _item(option: Option, question: Question) -> Item:
    """Lay out an option; "none" in a word, and what it means beside it."""
    why = question.why if option.value == question.default else option.why
    label, colon, meaning = option.label.partition(": ")
    if option.value is not None or not colon:
        return Item(option.label, why)
    return Item(label, f"{meaning}; {why}" if why else meaning)


def _whose(level: str) -> str:
    return {"user": "your own", "site": "your site's", "shipped": "comes with jlab-mcp"}[level]


def _shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    return " ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)
