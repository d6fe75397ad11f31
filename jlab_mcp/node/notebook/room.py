"""What a notebook's file asks of a room: a shared document that pages of JupyterLab have open.

While there is one, the notebook is kept in it and not in the file, which the room saves. `shared` has the
only kind of rooms there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Optional, Protocol

from .cells import Slot
from .document import Document
from .merge import merge


class Room(Protocol):
    """A shared document.

    Attributes:
        base: the notebook as the room had it when it was last read or changed here; None before that.
        on_change: called for what somebody else has changed.
    """

    base: Document | None
    on_change: Callable[[], None]

    @property
    def ready(self) -> bool:
        """Whether it can be read and changed now."""

    def take(self, known: Document) -> Document:
        """Return the notebook as it is now: `known` itself if nobody has changed that."""

    def put(self, document: Document, at_work: Iterable[str]) -> None:
        """Have it hold this notebook, which was made of what `take` has returned last."""

    async def save(self) -> None:
        """Save the file now.

        Raises:
            OSError: it could not be written.
        """

    def knows_file(self, path: str) -> bool:
        """Whether the file is as the room has last read or written it."""

    def close(self) -> None:
        """Let the document go."""


Rooms = Callable[[str], Optional[Room]]
"""Finds the room of a notebook by its absolute path."""


def no_rooms(_path: str) -> Room | None:
    """Find none: pages have no shared documents here."""
    return None


def merge_shared(base: Document, mine: Document, theirs: Document) -> tuple[Document, list[str]]:
    """Merge what people have changed in a room since `base`; a cell they deleted goes, also while it runs.

    Returns:
        The merged notebook, and one sentence for each thing that a person may want to look at.
    """
    left = {slot.id for slot in theirs.slots}
    deleted = {slot.id: slot for slot in base.slots if slot.id not in left}
    slots = [_unless_deleted(slot, deleted.get(slot.id)) for slot in mine.slots]
    return merge(base, Document(slots, mine.metadata, mine.minor, mine.extra), theirs)


def _unless_deleted(slot: Slot, deleted: Slot | None) -> Slot:
    """Take a cell that was deleted as it was before, if only its outputs came since: so it goes."""
    return deleted if deleted and deleted.cell["source"] == slot.cell["source"] else slot
