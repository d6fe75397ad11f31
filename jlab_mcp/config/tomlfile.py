"""One TOML file: its values, the line of each, and everything that keeps it from being TOML.

tomllib stops at the first mistake and gives no line numbers for what it read. So a line with a mistake is
reported, left out, and the rest is read; and ever longer beginnings of a file tell where a value stands.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MISTAKE = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column \d+\)")
_SETTING = re.compile(r"\s*(?P<key>[\w.\"'-]+)\s*=\s*(?P<value>[^\[{\"'#\s][^#]*?)\s*(?:#.*)?")
_DURATION = re.compile(r"[\d:-]*\d[:-]\d[\d:-]*")
_MOST_MISTAKES = 50


@dataclass(frozen=True, slots=True)
class TomlFile:
    """What a file says.

    Attributes:
        values: nested, without the lines that hold mistakes.
        problems: one sentence each, with file and line.
    """

    path: Path
    values: dict[str, Any]
    problems: tuple[str, ...] = ()


def read_toml(path: Path, shown: str) -> TomlFile:
    """Read a file; never raises.

    Args:
        path: the file.
        shown: how messages call it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return TomlFile(path, {}, (f"{shown}: cannot be read: {error.strerror}",))
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return TomlFile(path, {}, (f"{shown}:{line}: is not UTF-8; save the file in that encoding",))
    lines = _lines(text)
    problems: list[str] = []
    while len(problems) < _MOST_MISTAKES:
        try:
            return TomlFile(path, tomllib.loads("\n".join(lines)), tuple(problems))
        except tomllib.TOMLDecodeError as error:
            number, what = _mistake(error, len(lines))
            problems.append(f"{shown}:{number}: {_explained(lines[number - 1] if lines else '', what)}")
            if not lines or not _SETTING.fullmatch(lines[number - 1]):
                break
            lines[number - 1] = ""
    return TomlFile(path, {}, tuple(problems))


def lines_of(path: Path) -> Mapping[str, int]:
    """Return dotted path -> line of everything a file sets; empty where it cannot be read."""
    try:
        lines = _lines(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[str, int] = {}
    begun = 0
    for number in range(1, len(lines) + 1):
        try:
            values = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            if (
                _SETTING.fullmatch(lines[number - 1]) and begun == number - 1
            ):  # a mistake on a line of its own
                lines[number - 1] = ""
                begun = number
            continue
        for dotted in (*tables(values), *(dotted for dotted, _ in leaves(values))):
            found.setdefault(dotted, begun + 1)
        begun = number
    return found


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted paths and their values as text."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, text_of(value)


def tables(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted paths of all tables."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield prefix + key
            yield from tables(value, f"{prefix}{key}.")


def text_of(value: object) -> str:
    """Write a value much as TOML does, text without its quotes."""
    if isinstance(value, (bool, list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _lines(text: str) -> list[str]:
    """Split a file as TOML does: other line ends of Unicode are ordinary characters of it."""
    return text.replace("\r\n", "\n").split("\n")


def _mistake(error: tomllib.TOMLDecodeError, last: int) -> tuple[int, str]:
    match = _MISTAKE.fullmatch(str(error))
    if match is None:  # at the end of the document
        return max(1, last), str(error).partition(" (at ")[0]
    return min(int(match["line"]), max(1, last)), match["what"]


def _explained(line: str, what: str) -> str:
    """Say what is wrong with a line, and how it is written instead."""
    match = _SETTING.fullmatch(line)
    if match is None:
        return f"is not TOML: {what[:1].lower()}{what[1:]}"
    key, value = match["key"], match["value"]
    quoted = f'{key} = "{value}"'
    if value in ("True", "False"):
        return f"{key}: write {value.lower()} in lower case"
    if _DURATION.fullmatch(value):
        return f"{key}: a duration must be quoted: {quoted}"
    if re.fullmatch(r"0\d+", value):
        return f"{key}: a number cannot begin with 0; if it is a name it must be quoted: {quoted}"
    if re.fullmatch(r"[^\"'\\]+", value):
        return f"{key}: text must be quoted: {quoted}"
    return f"{key}: is not TOML: {what[:1].lower()}{what[1:]}"
