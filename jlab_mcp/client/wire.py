"""What both ways to the node service share: an answer, and why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IpVersion = Literal[4, 6] | None
"""The version of IP by which alone a server is reached; None for any."""


class NoAnswer(Exception):
    """No answer came. Unless nobody was there, the call may have been carried out all the same."""


class NobodyThere(NoAnswer):
    """The connection was not accepted."""


class Silence(NoAnswer):
    """The answer took too long."""


class Broken(NoAnswer):
    """The connection ended before the answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Attributes:
        status: as in HTTP.
        content: JSON, in UTF-8.
    """

    status: int
    content: bytes
