"""One TOML file: its values, the line of each, and everything that keeps it from being TOML.

tomllib stops at the first mistake and gives no line numbers for what it read. So a line with a mistake is
reported, left out, and the rest is read; and statement by statement it is found out where a value stands.
"""

from __future__ import annotations

import errno
import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jlab_mcp.config.tomllimits import parse
from jlab_mcp.config.tomlmistakes import explained, in_general, is_header, is_unclosed, stands_alone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MISTAKE = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column \d+\)")
_MOST_MISTAKES = 50
_MOST_BYTES = 256 * 1024
"""Far above any file of settings; what lies in a cloned repository may have any size."""
_LONGEST_STATEMENT = 500
"""Lines after which a statement is taken for one without an end."""
_LEFT_OUT = "(left out)"
"""Begins what stands for the name of a section whose heading is wrong; what it holds is not looked at."""
_DEEPEST = 32
"""Tables and lists within each other; settings need four."""
_LARGEST = 1 << 63
_TOO_DEEP = f"has tables or lists more than {_DEEPEST} deep"
_TOO_LARGE = "has a whole number of more than 64 bits"


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
        text = _text(path)
    except OSError as error:
        return TomlFile(path, {}, (f"{shown}: cannot be read: {error.strerror}",))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return TomlFile(path, {}, (f"{shown}:{line}: is not UTF-8; save the file in that encoding",))
    lines = _lines(text)
    problems: list[str] = []
    while len(problems) < _MOST_MISTAKES:
        try:
            values = parse("\n".join(lines))
        except tomllib.TOMLDecodeError as error:
            number, what = _without_mistake(lines, error)
            problems.append(f"{shown}:{number}: {what}")
            if not lines:
                break
        except ValueError as error:
            problems.append(f"{shown}: {error}")
            break
        else:
            kept = {key: value for key, value in values.items() if not key.startswith(_LEFT_OUT)}
            return TomlFile(path, kept, tuple(problems))
    return TomlFile(path, {}, tuple(problems))


def is_there(path: Path) -> bool:
    """Say whether there is anything of that name, or may be; `read_toml` tells why it cannot be read."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def lines_of(path: Path) -> Mapping[str, int]:
    """Return dotted path -> line of everything a file sets; empty where it cannot be read."""
    try:
        lines = _lines(_text(path))
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[str, int] = {}
    heading = ""
    begun = 0
    for number, line in enumerate(lines, start=1):
        is_first = begun == number - 1
        if is_first and is_header(line):
            heading = ""
        values = _parsed([heading, *lines[begun:number]])
        if values is None:
            if (is_first and stands_alone(line)) or number - begun > _LONGEST_STATEMENT:
                begun = number
            continue
        for dotted in (*tables(values), *(dotted for dotted, _ in leaves(values))):
            found.setdefault(dotted, begun + 1)
        if is_header(lines[begun]):
            heading = lines[begun]
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


def _text(path: Path) -> str:
    """Read a file's text.

    Raises:
        OSError: it cannot be read, or is nothing that holds settings.
        UnicodeDecodeError: it is not UTF-8.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is not an ordinary file")
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise OSError(errno.EFBIG, "it is larger than 256 KiB, which no file of settings is")
    return content.decode("utf-8-sig").replace("\r\n", "\n")


def _lines(text: str) -> list[str]:
    """Split a file as TOML does: other line ends of Unicode are ordinary characters of it."""
    return text.split("\n")


def _without_mistake(lines: list[str], error: tomllib.TOMLDecodeError) -> tuple[int, str]:
    """Leave out the line that holds the mistake, or everything where that cannot be told.

    Returns:
        The line's number, and what is wrong with it.
    """
    number, what = _mistake(error, len(lines))
    begun = _statement(lines, number)
    line = lines[begun - 1]
    if begun < number and not is_unclosed(line):
        lines.clear()
        if what == "Unclosed array":
            return begun, "the list that begins here has no end, or lacks a comma"
        return number, in_general(what)
    lines[begun - 1] = f'["{_LEFT_OUT} {begun}"]' if is_header(line) else ""
    return begun, explained(line, what)


def _statement(lines: list[str], last: int) -> int:
    """Return the line with which the statement begins that reaches into line `last`."""
    begun = 0
    for number in range(1, last):
        is_first = begun == number - 1
        if (is_first and is_unclosed(lines[begun])) or number - begun > _LONGEST_STATEMENT:
            break
        if _parsed(lines[begun:number]) is not None:
            begun = number
    return begun + 1


def _parsed(lines: list[str]) -> dict[str, Any] | None:
    try:
        return parse("\n".join(lines))
    except ValueError:
        return None


def _mistake(error: tomllib.TOMLDecodeError, last: int) -> tuple[int, str]:
    match = _MISTAKE.fullmatch(str(error))
    if match is None:  # at the end of the document
        return max(1, last), str(error).partition(" (at ")[0]
    return min(int(match["line"]), max(1, last)), match["what"]
