"""Secrets written out in settings, which a job's script must not hold: clusters keep scripts.

Narrower than `core.secrets`, which only hides values: what is found here is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(
    r".*(?:TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_KEY|API_?KEY|ACCESS_KEY|PRIVATE_KEY|AUTH_KEY"
    r"|CREDENTIALS?|_PASS|_PWD|_PAT)",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"  # a password in an address
    r"|\b(?:gh[oprsu]_|github_pat_|glpat-|hf_|sk-|xox[abprs]-)[A-Za-z0-9_-]{16,}",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(r"(?:^|[\s;&|(])([A-Za-z_][A-Za-z0-9_]*)=(\"[^\"]*\"|'[^']*'|[^\s;&|)]*)")


def is_secret(name: str, value: str) -> bool:
    """Say whether a variable holds a secret, by its name or by its value."""
    return bool(value) and bool(_NAME.fullmatch(name) or _VALUE.search(value))


def secrets_in_bash(lines: str) -> Iterator[tuple[int, str]]:
    """Yield line number and name of each variable that lines of bash set to a secret written out in full."""
    for number, line in enumerate(lines.split("\n"), 1):
        if line.lstrip().startswith("#"):
            continue
        for name, value in _ASSIGNMENT.findall(line):
            literal = value.startswith("'") or not re.search(r"[$`]", value)
            if literal and is_secret(name, value.strip("\"'")):
                yield number, name


def remedy(name: str) -> str:
    """Say how a secret gets into a job instead."""
    return (
        "a secret does not belong into a job's script, which others may come to read; let a line of"
        f' env.prologue read it from a file of mode 0600, such as `export {name}="$(< ~/.{name.lower()})"`'
    )
