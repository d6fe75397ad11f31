"""A checkup: checks in order, what each found, and what follows from it.

Rules:
- A check that needs others is made once they have been, and not at all where one of them failed: it then
  says because of which.
- Nothing failed where there are only warnings.
- The exit code is that of the first check that failed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

_Scene = TypeVar("_Scene")


@unique
class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        level: how it came out.
        found: one sentence without a full stop.
        more: further sentences.
        fix: what mends it, in words; empty where nothing needs to be mended.
        command: the command that mends it, ready to be pasted; empty where there is none.
        exit_code: what a failure of it makes the exit code.
    """

    level: Level
    found: str
    more: tuple[str, ...] = ()
    fix: str = ""
    command: str = ""
    exit_code: ExitCode = ExitCode.UNEXPECTED


def fine(found: str, *more: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(Level.OK, found, more)


def doubtful(found: str, *more: str, fix: str = "", command: str = "") -> Finding:
    """Return a finding that may keep things from working."""
    return Finding(Level.WARNING, found, more, fix, command)


def failed(found: str, *more: str, code: ExitCode, fix: str = "", command: str = "") -> Finding:
    """Return a finding that keeps things from working."""
    return Finding(Level.FAILED, found, more, fix, command, code)


def unchecked(why: str) -> Finding:
    """Return that something cannot be told.

    Args:
        why: what follows "not checked, because".
    """
    return Finding(Level.NOT_CHECKED, why)


@dataclass(frozen=True, slots=True)
class Check(Generic[_Scene]):
    """One thing to look at.

    Attributes:
        id: its published name.
        title: what a person calls it.
        look: looks at it.
        needs: ids of earlier checks without which it makes no sense.
        of_slurm: whether it is left out where servers run on this machine.
    """

    id: str
    title: str
    look: Callable[[_Scene], Awaitable[Finding]] = field(repr=False)
    needs: tuple[str, ...] = ()
    of_slurm: bool = False


class Result(BaseModel):
    """What one check found."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Name of the check; stays the same from version to version.")
    title: str
    level: Level
    found: str = Field(description="One sentence; for `not_checked` the reason.")
    more: tuple[str, ...] = Field(default=(), description="Further sentences.")
    fix: str | None = Field(default=None, description="What mends it, in words.")
    command: str | None = Field(default=None, description="The command that mends it.")
    blocked_by: str | None = Field(default=None, description="Id of the failed check that it needs.")
    exit_code: ExitCode = Field(default=ExitCode.OK, exclude=True)


class Checkup(BaseModel):
    """All that was found."""

    model_config = ConfigDict(frozen=True)

    version: int = Field(default=1, description="Of this format.")
    profile: str | None = Field(description="The profile that was looked at; null where none loads.")
    mode: str | None = Field(description="local or slurm; null where no profile loads.")
    project_dir: str
    hostname: str
    ok: bool = Field(description="Whether nothing failed.")
    exit_code: int
    counts: dict[str, int] = Field(description="Level -> how many checks came out so.")
    checks: tuple[Result, ...]


def result_of(check: Check[_Scene], finding: Finding) -> Result:
    """Join a check and what it found."""
    return Result(
        id=check.id,
        title=check.title,
        level=finding.level,
        found=finding.found,
        more=finding.more,
        fix=finding.fix or None,
        command=finding.command or None,
        exit_code=finding.exit_code if finding.level is Level.FAILED else ExitCode.OK,
    )


def blocked(check: Check[_Scene], earlier: Mapping[str, Result]) -> Result | None:
    """Return the result of a check that makes no sense any more; None where it does.

    Args:
        check: the check.
        earlier: id -> result of all that it needs and that were made.
    """
    for need in check.needs:
        result = earlier.get(need)
        if result is None or (result.level is not Level.FAILED and result.blocked_by is None):
            continue
        culprit = earlier.get(result.blocked_by or "", result)
        why = result.found if result.blocked_by else f"the check `{culprit.title}` failed"
        return Result(
            id=check.id, title=check.title, level=Level.NOT_CHECKED, found=why, blocked_by=culprit.id
        )
    return None


def counts(results: Iterable[Result]) -> dict[str, int]:
    """Count the results by their levels; a level that none has counts 0."""
    levels = [result.level for result in results]
    return {level.value: levels.count(level) for level in Level}


def exit_code(results: Iterable[Result]) -> ExitCode:
    """Return the exit code of the first failure; 0 where there is none."""
    return next((each.exit_code for each in results if each.level is Level.FAILED), ExitCode.OK)
