"""Ask a person at the terminal: one of several things, several of them, or a text.

Everything goes to stderr. Ctrl+C, or a terminal that is gone, raises KeyboardInterrupt.
"""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from jlab_mcp.cli.render import say

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from prompt_toolkit.output import Output
    from questionary import Question

_NUMBERED = 10
"""Up to that many things are chosen by a key, 1 to 9 and 0; more by typing a part of their name or number."""
_INDENT = 7
"""Columns that the pointer and the number take."""
_STYLE = (
    *(("qmark", "fg:ansicyan bold"), ("question", "bold"), ("instruction", "fg:ansibrightblack")),
    *(
        ("pointer", "fg:ansicyan bold"),
        ("highlighted", "fg:ansicyan bold"),
        ("selected", "fg:ansigreen noreverse"),
    ),
    *(("answer", "fg:ansicyan"), ("bottom-toolbar", "noreverse"), ("validation-toolbar", "fg:ansired")),
)
"""The terminal's own sixteen colours, which are readable on its background, dark or light."""


class Item(NamedTuple):
    """One thing to choose: a few words, and what there is to say about it."""

    label: str
    about: str = ""


class Asker(Protocol):
    """What a wizard needs of a terminal."""

    def choose(self, text: str, items: Sequence[Item], at: int = 0) -> int:
        """Return the number of the chosen item, from 0; the one at `at` is proposed."""

    def choose_several(self, text: str, items: Sequence[Item], chosen: Collection[int] = ()) -> list[int]:
        """Return the numbers of the chosen items, which may be none."""

    def type_in(self, text: str, check: Callable[[str], str | None], default: str = "") -> str:
        """Return a text for which `check` has no complaint."""


def asker() -> Asker:
    """Return what suits this terminal."""
    return Plain() if os.environ.get("TERM", "dumb") == "dumb" else Screen()


class Screen:
    """A terminal with a cursor: arrow keys and numbers."""

    def choose(self, text: str, items: Sequence[Item], at: int = 0) -> int:
        """Return the number of the chosen item."""
        import questionary

        numbered = len(items) <= _NUMBERED
        choices = self._choices(
            items if numbered else [Item(f"{n}) {item.label}", item.about) for n, item in enumerate(items, 1)]
        )
        chosen = self._answer(
            questionary.select(
                text,
                choices=choices,
                default=choices[at],
                use_shortcuts=numbered,
                use_jk_keys=False,
                use_search_filter=not numbered,
                instruction="(arrow keys or a number, then Enter)"
                if numbered
                else "(arrow keys, or type its number or a part of its name; Enter)",
                erase_when_done=True,
                **self._looks(),
            )
        )
        self._done(text, items[chosen].label)
        return int(chosen)

    def choose_several(self, text: str, items: Sequence[Item], chosen: Collection[int] = ()) -> list[int]:
        """Return the numbers of the chosen items."""
        import questionary

        numbers = self._answer(
            questionary.checkbox(
                text,
                choices=self._choices(items, chosen),
                use_jk_keys=False,
                use_search_filter=True,
                instruction="(Space chooses, Enter ends, type to filter)",
                erase_when_done=True,
                **self._looks(),
            )
        )
        self._done(text, " ".join(items[number].label for number in numbers) or "none")
        return list(numbers)

    def type_in(self, text: str, check: Callable[[str], str | None], default: str = "") -> str:
        """Return a text that is right."""
        import questionary

        answer = self._answer(
            questionary.text(
                text,
                default=default,
                validate=lambda typed: check(typed) or True,
                erase_when_done=True,
                **self._looks(),
            )
        )
        self._done(text, answer or "none")
        return str(answer)

    @staticmethod
    def _choices(items: Sequence[Item], chosen: Collection[int] = ()) -> list[Any]:
        from questionary import Choice

        widest = max((len(item.label) for item in items), default=0)
        return [
            Choice(_title(item, widest), value=number, checked=number in chosen)
            for number, item in enumerate(items)
        ]

    @staticmethod
    def _answer(question: Question) -> Any:
        try:
            return question.unsafe_ask()
        except EOFError as error:
            raise KeyboardInterrupt from error

    @staticmethod
    def _looks() -> dict[str, Any]:
        from questionary import Style

        return {"style": Style(list(_STYLE)), "output": _to_stderr()}

    @staticmethod
    def _done(text: str, answer: str) -> None:
        say(f"  {text} {answer}")


class Plain:
    """A terminal without a cursor: numbered lines."""

    def choose(self, text: str, items: Sequence[Item], at: int = 0) -> int:
        """Return the number of the chosen item."""
        self._list(text, items)
        while True:
            typed = self._read(f"number [{at + 1}]: ").strip()
            if not typed:
                return at
            if typed.isdecimal() and 1 <= int(typed) <= len(items):
                return int(typed) - 1
            say(f'expected a number from 1 to {len(items)}, got "{typed}"')

    def choose_several(self, text: str, items: Sequence[Item], chosen: Collection[int] = ()) -> list[int]:
        """Return the numbers of the chosen items."""
        self._list(text, items)
        usual = " ".join(str(number + 1) for number in sorted(chosen)) or "none"
        while True:
            typed = self._read(f"numbers with spaces, or none [{usual}]: ").split()
            if not typed:
                return sorted(chosen)
            if typed == ["none"]:
                return []
            if all(word.isdecimal() and 1 <= int(word) <= len(items) for word in typed):
                return sorted({int(word) - 1 for word in typed})
            say(f'expected numbers from 1 to {len(items)}, got "{" ".join(typed)}"')

    def type_in(self, text: str, check: Callable[[str], str | None], default: str = "") -> str:
        """Return a text that is right."""
        while True:
            typed = self._read(f"{text} [{default or 'none'}]: ").strip() or default
            complaint = check(typed)
            if complaint is None:
                return typed
            say(complaint)

    @staticmethod
    def _list(text: str, items: Sequence[Item]) -> None:
        say(text)
        for number, item in enumerate(items, 1):
            say(f"  {number}. {item.label}{f'  ({item.about})' if item.about else ''}")

    @staticmethod
    def _read(prompt: str) -> str:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt
        return line


def say_wrapped(text: str) -> None:
    """Print a sentence before a question, as wide as the terminal is."""
    say(textwrap.fill(text, _columns() - 1, initial_indent="  ", subsequent_indent="  "))


def _title(item: Item, widest: int) -> str:
    """Lay an item out beside the others' labels, its words wrapped under each other."""
    if not item.about:
        return item.label
    width = _columns() - _INDENT - 1
    column = min(widest, width * 2 // 5) + 2
    lines = textwrap.wrap(item.about, max(20, width - column)) or [""]
    if len(item.label) > column - 2:
        lines = ["", *lines]
    hanging = "\n" + " " * (_INDENT + column - 1)
    return f"{item.label:<{column}}{hanging.join(lines)}".rstrip()


def _columns() -> int:
    """Return the width of the terminal that stderr is; stdout may be a file."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _to_stderr() -> Output:
    """Return an output on stderr that knows whether its user wants colours."""
    from prompt_toolkit.output import create_output

    return create_output(stdout=sys.stderr)
