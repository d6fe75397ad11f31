"""What use cases report while they run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class LifecycleEvent:
    """One step of a start, a wait or a stop.

    Attributes:
        stage: stable name. Start and wait: `note`, `cleaned`, `launched`, `already_running`,
            `changed` (a setting that only a restart applies), `waiting`, `ready` (always last).
            Stop: `note`, `nothing`, `cleaned`, `stopping`, `killing`, `stopped`.
        message: one sentence for people, without a full stop.
        data: facts by name, ready for JSON; never a secret.
    """

    stage: str
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)
