"""What is wrong with a line that is not TOML, and how it is written instead."""

from __future__ import annotations

import re

from jlab_mcp.core.secrets import MASK, sounds_secret

_KEY = r"""\s*(?P<key>[\w.-]+|"[^"]*"|'[^']*')\s*"""
_BARE = re.compile(_KEY + r"=\s*(?P<value>[^\[{\"'#\s][^#]*?)\s*(?:#.*)?")
_UNCLOSED = re.compile(_KEY + r"""=\s*(?P<quote>["'])(?P<value>(?!(?P=quote){2})(?:(?!(?P=quote)).)*)""")
_WITH_COLON = re.compile(_KEY + r""":\s*(?P<value>[^#]*?)\s*(?:#.*)?""")
_HEADER = re.compile(r"\s*(?P<header>\[\[?[^\[\]]+\]\]?)\s*(?:#.*)?")
_SETTING = re.compile(_KEY + r"=.*")
_DURATION = re.compile(r"[\d:-]*\d[:-]\d[\d:-]*")
_CURLY = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb"
"""Quotes as a word processor sets them."""


def is_unclosed(line: str) -> bool:
    """Say whether a line sets a key to text whose closing quote is missing."""
    return _UNCLOSED.fullmatch(line) is not None


def stands_alone(line: str) -> bool:
    """Say whether a line that is not TOML cannot reach into the lines below it."""
    if is_header(line) or is_unclosed(line) or _BARE.fullmatch(line):
        return True
    return not any(opening in line for opening in ('"""', "'''", "[", "{"))


def is_header(line: str) -> bool:
    """Say whether a line begins a section, or was meant to."""
    return line.lstrip().startswith("[")


def explained(line: str, what: str) -> str:
    """Say what is wrong with a line, and how it is written instead.

    Args:
        line: the line, which begins a statement.
        what: what tomllib says of it.
    """
    if match := _UNCLOSED.fullmatch(line):
        return f"{match['key']}: the closing quote is missing"
    if match := _BARE.fullmatch(line):
        return f"{match['key']}: {_bare(match['key'], match['value'], what)}"
    if match := _WITH_COLON.fullmatch(line):
        return f"{match['key']}: write `=` between a key and its value, not a colon"
    if what.startswith("Cannot declare") and (match := _HEADER.fullmatch(line)):
        return f"{match['header']} is there a second time; put its settings under the first one"
    match = _SETTING.fullmatch(line)
    return f"{match['key']}: {_quoted(line, what)}" if match else in_general(what)


def in_general(what: str) -> str:
    """Pass on what tomllib says."""
    return f"is not TOML: {what[:1].lower()}{what[1:]}"


def _quoted(line: str, what: str) -> str:
    if "Cannot overwrite" in what:
        return "is set a second time"
    if "\\" in line and any(word in what.lower() for word in ("escape", "hex value", "'\\\\'")):
        return "a backslash has a meaning of its own in double quotes; use single quotes"
    return in_general(what)


def _bare(key: str, value: str, what: str) -> str:
    if sounds_secret(key.strip("\"'").rpartition(".")[2]):
        value = MASK
    quoted = f'{key} = "{value}"'
    if "Cannot overwrite" in what:
        return "is set a second time"
    if value in ("True", "False"):
        return f"write {value.lower()} in lower case"
    if _DURATION.fullmatch(value):
        return f"a duration must be quoted: {quoted}"
    if re.fullmatch(r"0\d+", value):
        return f"a number cannot begin with 0; if it is a name it must be quoted: {quoted}"
    if value[0] in _CURLY:
        return f'write straight quotes: {key} = "{value.strip(_CURLY)}"'
    return f"text must be quoted: {quoted}" if re.fullmatch(r"[^\"'\\]+", value) else in_general(what)
