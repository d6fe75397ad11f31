"""What a caller asks of the node service, and how that is written into a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CellRef = int | str
"""A cell's index (negative from the end) or its id."""


@dataclass(frozen=True, slots=True)
class News:
    """What else than its end a caller wants to hear of an execution; outputs come with the end alone.

    Attributes:
        after: the `seq` that the caller knows.
        pause: seconds in which nothing but the end is news.
    """

    after: int = 0
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class TextPart:
    """Part of a full text: from byte `offset` (negative: from the end) on, `limit` bytes at most.

    With `grep`, the lines from `offset` on that this regular expression of Python matches.
    """

    offset: int
    limit: int
    grep: str | None = None

    def params(self) -> dict[str, Any]:
        """Return it as the arguments of a request."""
        return given(offset=self.offset, limit=self.limit, grep=self.grep)


def given(**fields: Any) -> dict[str, Any]:
    """Drop what was not given: the service tells an absent field from a null one."""
    return {name: value for name, value in fields.items() if value is not None}


def asked(news: News | None) -> dict[str, Any]:
    """Write what news are wanted, if any, as arguments of a request."""
    return {} if news is None else {"after": news.after, "pause": news.pause, "brief": 1}
