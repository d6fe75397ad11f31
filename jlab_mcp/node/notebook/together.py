"""A notebook while pages share it as one document: what it and a room have to do with each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .changes import Changes
from .document import Document
from .room import Room, Rooms, merge_shared, no_rooms

_SAVE_EVERY = 2.0  # seconds from one save of a room's file to the next
_LOOK_AFTER = 0.3  # seconds from what a person changes in a room to its being taken in
_CHANGED = "a person changed the notebook in JupyterLab meanwhile, which was merged in"


class Together:
    """One notebook and its room, if it has one.

    Args:
        look: takes in what the room has, soon after somebody has changed it.

    Attributes:
        rooms: finds the room of a notebook.
        at_work: gives the ids of the cells that run or wait for it.
        room: the room that is used now.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        self.rooms: Rooms = no_rooms
        self.at_work: Callable[[], set[str]] = set
        self.room: Room | None = None
        self._look = look
        self._timer: asyncio.TimerHandle | None = None
        self._changes = Changes()
        self._saved_at = 0.0

    @property
    def base(self) -> Document | None:
        """The notebook as the room had it last; None as long as it was not read yet."""
        return None if self.room is None else self.room.base

    def enter(self, room: Room | None) -> None:
        """Use this room from now on, or none."""
        if self.room is not None:
            self.room.close()
        self.room = room
        if room is not None:
            room.on_change = self._look_soon

    def _look_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_AFTER, self._look_now)

    def _look_now(self) -> None:
        self._timer = None
        self._look()

    def merge(self, room: Room, saved: Document, mine: Document) -> tuple[Document, list[str]]:
        """Merge what people have changed in the room.

        Args:
            room: the room.
            saved: the notebook as its file has it: so the room began.
            mine: the notebook as it is here.

        Returns:
            The merged notebook, and a sentence for each thing that a person may want to look at.
        """
        before = room.base or saved
        room.base = theirs = room.take(before)
        if theirs is before:
            return mine, []
        self._changes.note(before, theirs)
        return merge_shared(before, mine, theirs)

    @property
    def is_due(self) -> bool:
        """Whether it is time that the room's file is saved."""
        return asyncio.get_running_loop().time() - self._saved_at >= _SAVE_EVERY

    async def save(self, room: Room) -> None:
        """Have the room save its file.

        Raises:
            OSError: it could not be written.
        """
        await room.save()
        self._saved_at = asyncio.get_running_loop().time()

    def notices(self) -> list[str]:
        """Return what people have changed in the room and was not told yet, in a sentence if anything."""
        changed = self._changes.words()
        return [f"{_CHANGED}: {changed}"] if changed else []

    def told(self) -> None:
        """Note that this was told."""
        self._changes.forget()
