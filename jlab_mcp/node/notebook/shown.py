"""What pages of JupyterLab show of a notebook: the states that they have read or saved. Pure.

A page saves the whole notebook, also where the file has changed since the page read it (JupyterLab asks, and
the person answers Overwrite; or the change is so young that it does not ask). Cells that such a page never
had were not deleted by its person. So what a page saves is compared with the state that it had read.
"""

from __future__ import annotations

from .document import Document

_KEPT = 8  # states; a page that has been left open for longer is compared with the oldest of them


class Shown:
    """The states that pages may show.

    Args:
        state: the notebook as it is opened here: a page may have read it before.
    """

    def __init__(self, state: Document) -> None:
        self._states = [state]

    def add(self, state: Document) -> None:
        """Note a state that a page has read, or saved."""
        if self._states[-1] is not state:
            self._states = [*self._states, state][-_KEPT:]

    def base_of(self, saved: Document, pages: int) -> Document:
        """Return the state that the page which saved this had before its person changed it.

        A single page has what was read or saved last. Of several it is not known which one saves: then it is
        the state that takes the fewest changes.

        Args:
            saved: the notebook as the page saved it.
            pages: how many pages there are.
        """
        if pages <= 1:
            return self._states[-1]
        return min(reversed(self._states), key=lambda state: _distance(state, saved))


def _distance(one: Document, other: Document) -> int:
    """Count the cells of each that the other does not have."""
    with_ids = one.has_ids and other.has_ids
    first, second = (
        {(slot.id if with_ids else "", slot.cell["cell_type"], slot.cell["source"]) for slot in each.slots}
        for each in (one, other)
    )
    return len(first ^ second)
