"""What comes from a session's kernel, brought to where it belongs: executions, displays, widgets.

Late output (a thread of an ended cell) still belongs to the cell that began it, unless that cell has been run
again since. Displays stay known for longer than the executions that made them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..kernels.kernel import Kernel
from ..kernels.wire import Message
from ..notebook.cells import CellNotFound
from ..notebook.file import NotebookFile
from ..outputs.widgets import Widgets
from .executor import Execution

_KEPT = 200  # executions whose late output finds its cell: those that were heard of last
_DISPLAYS_KEPT = 10_000
_TOLD_AFTER = 0.1  # seconds in which outputs that a widget caught are told to the kernel together


class Incoming:
    """Takes the messages of one kernel.

    Args:
        file: the notebook.
        store: puts an ended execution's outputs into its cell.
        note: gets each message that an execution has taken, and how many bytes of text that had before it.
    """

    def __init__(
        self,
        file: NotebookFile,
        store: Callable[[Execution], None],
        note: Callable[[Execution, Message, int], None],
    ) -> None:
        self.widgets = Widgets()
        self._file = file
        self._store = store
        self._note = note
        self._by_message: OrderedDict[str, Execution] = OrderedDict()
        self._newest: dict[str, str] = {}  # the last execution of each cell
        self._displays: OrderedDict[str, dict[str, list[int]]] = (
            OrderedDict()
        )  # outputs by display id and cell
        self._kernel: Kernel | None = None
        self._telling: asyncio.TimerHandle | None = None
        self._said_left_out = False

    def expect(self, request: Message, execution: Execution, kernel: Kernel) -> None:
        """Note that what answers this request is the execution's."""
        self._kernel = kernel
        self._by_message[request["header"]["msg_id"]] = execution
        if execution.cell_id is not None:
            self._newest[execution.cell_id] = execution.execution_id
        while len(self._by_message) > _KEPT:
            self._remember_displays(self._by_message.popitem(last=False)[1])

    def take(self, message: Message) -> None:
        """Take one iopub message or shell reply."""
        parent = message["parent_header"].get("msg_id", "")
        execution = self._by_message.get(parent)
        msg_type, content = message["header"]["msg_type"], message["content"]
        if msg_type.startswith("comm_"):
            if self.widgets.feed(msg_type, content, message["buffers"]):
                self._file.changed()
                self._say_left_out()
        elif self.widgets.catch(parent, msg_type, content):
            self._caught(execution)
        elif msg_type == "update_display_data":
            self._update_display(message)
        elif execution is not None and self._fed(execution, message):
            if execution.ended:
                self._by_message.move_to_end(parent)
            self._store_soon(execution)

    def _fed(self, execution: Execution, message: Message) -> bool:
        text_before = execution.folder.text_bytes
        changed = execution.feed(message)
        self._note(execution, message, text_before)
        return changed

    def save_widgets(self) -> None:
        """Bring the widgets' state into the notebook's metadata."""
        if not self.widgets.changed:
            return
        document = self._file.document
        outputs = (output for cell in document.cells for output in cell.get("outputs", []))
        saved = self.widgets.saved(document.metadata.get("widgets") or {}, outputs)
        if saved:
            document.metadata = {**document.metadata, "widgets": saved}

    def forget_kernel(self) -> None:
        """The kernel is gone, and all widgets with it; what was saved of them stays in the notebook."""
        self.save_widgets()
        self.widgets.forget()

    async def tell_widgets(self) -> None:
        """Let the kernel know what its Output widgets hold; while code runs it would not listen."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        for comm_id, outputs in self.widgets.take_unsent().items():
            if self._kernel is not None and self._kernel.state != "dead":
                update = {"method": "update", "state": {"outputs": outputs}, "buffer_paths": []}
                await self._kernel.send(self._kernel.comm_message(comm_id, update))

    def _caught(self, execution: Execution | None) -> None:
        self._file.changed()
        if execution is not None:
            execution.bump()
        if (execution is None or execution.ended) and self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(_TOLD_AFTER, lambda: asyncio.ensure_future(self.tell_widgets()))

    def _say_left_out(self) -> None:
        if self.widgets.left_out and not self._said_left_out:
            self._said_left_out = True
            self._file.notices.append(
                "widgets hold more data than is saved: some of them will not be shown again"
            )

    def _store_soon(self, execution: Execution) -> None:
        if execution.cell_id is None or self._newest.get(execution.cell_id) != execution.execution_id:
            return  # the cell has been run again, and shows what that put out
        if execution.ended:
            self._store(execution)
        else:
            self._file.changed()

    def _update_display(self, message: Message) -> None:
        content: dict[str, Any] = message["content"]
        display_id = (content.get("transient") or {}).get("display_id")
        if not isinstance(display_id, str):
            return
        for execution in self._by_message.values():
            if execution.folder.update(display_id, content):
                execution.bump()
                self._note(execution, message, execution.folder.text_bytes)
                self._store_soon(execution)
        if self.widgets.update_display(display_id, content):
            self._caught(None)
        for cell_id, places in self._displays.get(display_id, {}).items():
            with contextlib.suppress(CellNotFound):  # deleted, or without that output
                self._file.document.update_outputs(cell_id, places, content)
                self._file.changed()

    def _remember_displays(self, execution: Execution) -> None:
        """Keep where the displays of an execution stand in the notebook, when its messages are let go."""
        cell_id = execution.cell_id
        if cell_id is None or self._newest.get(cell_id) != execution.execution_id:
            return
        for display_id, places in execution.folder.display_places().items():
            self._displays.setdefault(display_id, {})[cell_id] = places
        while len(self._displays) > _DISPLAYS_KEPT:
            self._displays.popitem(last=False)

    def forget_displays(self, cell_id: str | None) -> None:
        """Forget what the cell showed: it is about to be run again."""
        for cells in self._displays.values():
            if cell_id is not None:
                cells.pop(cell_id, None)
