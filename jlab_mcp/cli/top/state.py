"""What a person has chosen to see, and what a key changes of it; nothing here draws or asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from typing import TYPE_CHECKING, NamedTuple

from jlab_mcp.cli.top.history import History

if TYPE_CHECKING:
    from jlab_mcp.app.watch import Snapshot, WatchedServer, WatchedSession

_PAGE = 10


class Chosen(NamedTuple):
    """A row: a server, or one of its sessions."""

    key: str
    session_id: str | None = None


@unique
class Wish(Enum):
    """What a key asks for beyond what is shown."""

    NOTHING = "nothing"
    QUIT = "quit"
    INTERRUPT = "interrupt"
    REDRAW = "redraw"


@dataclass(slots=True)
class View:
    """What is shown.

    Attributes:
        title: the project, or that it is all of them.
        snapshot: what the last look has found.
        history: what was measured lately.
        chosen: the row that keys are about.
        details: whether all about that row is shown.
        help: whether the keys are explained.
        asking: whether an interrupt waits for a yes.
        message: what came of the last key, in a sentence.
        interval: seconds from one look to the next.
        offset: how many lines of the list are above the screen.
    """

    title: str
    interval: float
    snapshot: Snapshot | None = None
    history: History = field(default_factory=History)
    chosen: Chosen | None = None
    details: bool = False
    help: bool = False
    asking: bool = False
    message: str = ""
    offset: int = 0

    def take(self, snapshot: Snapshot) -> None:
        """Show what a look has found; the choice stays as long as its row is there."""
        before = self.rows()
        self.snapshot = snapshot
        self.history.take(snapshot)
        rows = self.rows()
        if self.chosen not in rows:
            at = before.index(self.chosen) if self.chosen in before else 0
            same = [row for row in rows if self.chosen and row.key == self.chosen.key]
            self.chosen = same[0] if same else rows[min(at, len(rows) - 1)] if rows else None
            self.asking = self.details = False

    def rows(self) -> list[Chosen]:
        """Return what can be chosen, from top to bottom."""
        servers = self.snapshot.servers if self.snapshot else []
        return [
            row
            for server in servers
            for row in (
                Chosen(server.key),
                *(Chosen(server.key, each.session.session_id) for each in server.sessions),
            )
        ]

    def server(self) -> WatchedServer | None:
        """Return the chosen server, or that of the chosen session."""
        servers = self.snapshot.servers if self.snapshot else []
        return next((each for each in servers if self.chosen and each.key == self.chosen.key), None)

    def session(self) -> WatchedSession | None:
        """Return the chosen session."""
        server, chosen = self.server(), self.chosen
        sessions = server.sessions if server else []
        return next(
            (each for each in sessions if chosen and each.session.session_id == chosen.session_id), None
        )

    def press(self, key: str) -> Wish:
        """Take in one key, and return what it asks for beyond the view."""
        if self.asking:
            return self._answer(key)
        self.message = ""
        if key == "q":
            return Wish.QUIT
        if key == "redraw":
            return Wish.REDRAW
        if key == "escape":
            self.help = self.details = False
        elif key == "?":
            self.help = not self.help
        elif key == "enter":
            self.details = not self.details and self.chosen is not None
        elif key == "i":
            self._ask()
        else:
            self._move(key)
        return Wish.NOTHING

    def _answer(self, key: str) -> Wish:
        self.asking = False
        if key in ("y", "Y"):
            return Wish.INTERRUPT
        self.message = "nothing was interrupted"
        return Wish.NOTHING

    def _ask(self) -> None:
        session = self.session()
        if session is None:
            self.message = "choose a session first: only its cell can be interrupted"
        elif session.running is None:
            self.message = f"{session.session.name} runs nothing"
        else:
            self.asking = True

    def _move(self, key: str) -> None:
        rows = self.rows()
        if not rows:
            return
        at = rows.index(self.chosen) if self.chosen in rows else 0
        to = {
            "up": at - 1,
            "down": at + 1,
            "page up": at - _PAGE,
            "page down": at + _PAGE,
            "home": 0,
            "end": len(rows) - 1,
        }.get(key, at)
        self.chosen = rows[max(0, min(len(rows) - 1, to))]
