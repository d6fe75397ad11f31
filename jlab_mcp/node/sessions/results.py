"""What it gives to open a session, and to end one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .executor import Execution
from .session import Session


@dataclass(frozen=True)
class Opened:
    """A session that was asked for.

    Attributes:
        session: it.
        already_open: whether it was open before.
        attached: whether it has taken up a kernel that was there: a person's.
        executions: what was queued.
        recovered: what was brought into the notebook that an earlier server had not saved, in words.
    """

    session: Session
    already_open: bool = False
    attached: bool = False
    executions: tuple[Execution, ...] = ()
    recovered: str | None = None


@dataclass(frozen=True)
class Closed:
    """A session that was ended, or a kernel that an earlier server had left.

    Attributes:
        session: it, as the API shows it.
        rescued: where a copy of its notebook went if that could not be saved.
        processes: those of its kernel that have not gone, by their ids.
        detached: those that it had started in sessions of their own, which go on.
    """

    session: dict[str, Any]
    rescued: str | None = None
    processes: tuple[int, ...] = ()
    detached: tuple[int, ...] = ()
