"""Versions of packages, and whether they are too old."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*([^;]*)(;.*)?")
_LEAST = re.compile(r">=\s*([0-9][^,\s]*)")
_RELEASE = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class Needed:
    """A package that is needed.

    Attributes:
        name: of the package.
        least: the oldest version that will do; empty for any.
    """

    name: str
    least: str


def needed(requirements: Iterable[str]) -> Iterator[Needed]:
    """Read requirements as a package's metadata state them; those of extras are left out."""
    for text in requirements:
        match = _REQUIREMENT.fullmatch(text.strip())
        if match is None or (match[3] and "extra" in match[3]):
            continue
        least = _LEAST.search(match[2])
        yield Needed(match[1], least[1] if least else "")


def is_older(version: str, least: str) -> bool:
    """Say whether a version is older than another; one that has no number is not."""
    found, wanted = _release(version), _release(least)
    if not found or not wanted:
        return False
    length = max(len(found), len(wanted))
    return _padded(found, length) < _padded(wanted, length)


def _release(text: str) -> tuple[int, ...]:
    match = _RELEASE.match(text.strip())
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _padded(release: tuple[int, ...], length: int) -> tuple[int, ...]:
    return release + (0,) * (length - len(release))
