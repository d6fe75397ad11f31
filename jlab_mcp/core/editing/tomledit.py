"""Change one top-level key of a TOML file that a person wrote, and nothing else."""

from __future__ import annotations

import re
import tomllib

from jlab_mcp.core.editing.tomltext import toml_value

_TABLE = re.compile(r"\s*\[")
_COMMENT = re.compile(r"\s*#")


def set_key(text: str, key: str, value: str | None) -> str:
    """Return the text with a top-level key set to a text; None takes the key's line out.

    Comments, order, blank lines and line ends stay as they are; a new line goes below the last top-level key.

    Raises:
        ValueError: the text is not TOML, or the key stands in it in a way that one line cannot change.
    """
    before = tomllib.loads(text.removeprefix("\ufeff"))
    wanted = {**before, key: value} if value is not None else {k: v for k, v in before.items() if k != key}
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)  # TOML knows no other line ends
    assignment = f"{key} = {toml_value(value)}"
    for number in _places(lines, key) if key in before else ():
        changed = _changed(lines, number, None if value is None else assignment)
        if _reads(changed, wanted):
            return changed
    if key not in before and value is not None:
        for number in _gaps(lines):
            changed = _inserted(lines, number, assignment)
            if _reads(changed, wanted):
                return changed
    if before == wanted:
        return text
    raise ValueError(f"`{key}` cannot be changed by a line of its own")


def _places(lines: list[str], key: str) -> list[int]:
    """Return the numbers of lines that may set the key."""
    setting = re.compile(rf"\ufeff?\s*[\"']?{re.escape(key)}[\"']?\s*=")
    return [number for number, line in enumerate(lines) if setting.match(line)]


def _gaps(lines: list[str]) -> list[int]:
    """Return line numbers before which a top-level key may be added, the best first."""
    head = next((number for number, line in enumerate(lines) if _TABLE.match(line)), len(lines))
    keys = [number for number in range(head) if lines[number].strip() and not _COMMENT.match(lines[number])]
    comments = [number for number in range(head) if lines[number].strip()]
    best = [numbers[-1] + 1 for numbers in (keys, comments) if numbers]
    return [*best, head, 0]


def _changed(lines: list[str], number: int, assignment: str | None) -> str:
    line = lines[number]
    body = line.rstrip("\r\n")
    if assignment is None:
        return "".join([*lines[:number], *lines[number + 1 :]])
    mark = "\ufeff" if body.startswith("\ufeff") else ""
    return "".join(
        [*lines[:number], f"{mark}{assignment}{_comment(body)}{line[len(body) :]}", *lines[number + 1 :]]
    )


def _comment(line: str) -> str:
    """Return the comment behind a value on one line, with the space before it."""
    for match in re.finditer(r"\s*#", line):
        try:
            tomllib.loads(line[: match.start()].removeprefix("\ufeff"))
        except tomllib.TOMLDecodeError:
            continue
        return line[match.start() :]
    return ""


def _inserted(lines: list[str], number: int, assignment: str) -> str:
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    above = list(lines[:number])
    if above and not above[-1].endswith("\n"):
        above[-1] += end
    below = lines[number:]
    gap = end if below and _TABLE.match(below[0]) else ""
    return "".join([*above, assignment, end, gap, *below])


def _reads(text: str, wanted: dict[str, object]) -> bool:
    try:
        return tomllib.loads(text.removeprefix("\ufeff")) == wanted
    except tomllib.TOMLDecodeError:
        return False
