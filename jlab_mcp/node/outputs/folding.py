"""The messages of one execution folded into the outputs of its cell, pure and in bounded memory.

Rules: consecutive text of one stream is one output and reads as a terminal shows it; another stream or a
display in between starts a new output, so that the order stays; `clear_output(wait=True)` takes effect with
the next output; `update_display_data` changes every output of that display id, but makes none.

Texts beyond a limit (of a stream, a result, a traceback) keep their head and tail, and all text goes to one
file. Rich data stays whole up to a limit for the cell; outputs beyond it go whole to another file.
"""

from __future__ import annotations

from typing import Any

from .bundles import clean, display_body, listed, text_from
from .items import Fixed, Gap, Item, Output, Stream, cost, edge, shortened, stub, too_long
from .overflow import LIMIT_BYTES, Overflow, Spill, pieces
from .plaintext import text_of
from .trail import Trail

__all__ = ["LIMIT_CHARS", "LIMIT_RICH", "Output", "OutputFolder"]

LIMIT_CHARS = 1_000_000
LIMIT_RICH = 32_000_000


class OutputFolder:
    """Folds the messages of one execution into nbformat outputs.

    Args:
        limit_chars: text beyond this many characters is not kept whole: each stream output and each plain
            text then keeps half of it from its start and half from its end, and a line in between says how
            much is missing.
        limit_rich: displays, results and errors beyond this many characters together are not kept whole.
        spill: takes the whole text, from its first character on, once something of it is not kept. It must
            not raise.
        spill_output: takes lines of JSON, the outputs that are not kept whole. It must not raise.
        spill_name: the file that `spill` writes, as the line in the cell names it.
        limit_bytes: how much either file takes.

    Attributes:
        execution_count: the kernel's number of this execution, once it is known.
        error: `ename` and `evalue` of the last error message.
        last_line: text that always comes last, as the end of stderr, whatever the kernel still sends.
        trail: what lies where in the full text.
    """

    def __init__(
        self,
        limit_chars: int = LIMIT_CHARS,
        limit_rich: int = LIMIT_RICH,
        *,
        spill: Spill = None,
        spill_output: Spill = None,
        spill_name: str | None = None,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self.execution_count: int | None = None
        self.error: dict[str, str] | None = None
        self.last_line: str | None = None
        self.trail = Trail()
        self._limit = limit_chars
        self._limit_rich = limit_rich
        self._overflow = Overflow(limit_chars, spill, spill_output, spill_name, limit_bytes)
        self._items: list[Item] = []
        self._rich = 0  # what displays, results and errors cost
        self._closed_cost = 0  # of the stream outputs that are complete
        self._crowded_at = 4 * limit_chars
        self._displays: dict[str, list[Fixed]] = {}
        self._clear_next = False

    @property
    def text_bytes(self) -> int:
        """All text so far, in bytes of UTF-8; `spill` gets a stream's next text at this offset."""
        return self._overflow.text_bytes

    @property
    def spilled(self) -> bool:
        """Whether `spill` was called."""
        return self._overflow.spilled

    def feed(self, msg_type: str, content: dict[str, Any]) -> bool:
        """Fold one message.

        Returns:
            Whether the outputs changed.
        """
        if msg_type == "stream":
            return self._stream(content)
        if msg_type in {"display_data", "execute_result"}:
            return self._display(msg_type, content)
        if msg_type == "update_display_data":
            return self.update(_display_id(content), content)
        if msg_type == "clear_output":
            return self._clear_output(wait=bool(content.get("wait")))
        if msg_type == "error":
            return self._error(content)
        if msg_type in {"execute_input", "execute_reply"}:
            self._count(content)
        return False

    def held(self) -> bytes:
        """Return the full text so far; unless `spilled`, for then `spill` has got it."""
        return self._overflow.held()

    def outputs(self) -> list[Output]:
        """Return the outputs as they are now; what is in them is to be read only."""
        outputs = [item.output(self._overflow) for item in self._items]
        return outputs if self.last_line is None else _with_last_line(outputs, self.last_line)

    def latest_line(self) -> str:
        """Return the last line of stream text that is not blank, such as a progress bar; else nothing."""
        for item in reversed(self._items):
            if isinstance(item, Stream) and (line := item.text.latest_line()):
                return line
        return ""

    def clear(self) -> None:
        """Drop all outputs; counts, the error and what was spilled stay."""
        self.trail.clear(self.text_bytes)
        self._items.clear()
        self._displays.clear()
        self._rich = 0
        self._closed_cost = 0
        self._crowded_at = 4 * self._limit
        self._clear_next = False

    def display_places(self) -> dict[str, list[int]]:
        """Return at which indexes of `outputs` the displays of each id stand."""
        places = {id(item): index for index, item in enumerate(self._items)}
        return {
            key: [places[id(item)] for item in items if id(item) in places]
            for key, items in self._displays.items()
        }

    def update(self, display_id: str | None, content: dict[str, Any]) -> bool:
        """Change every output of this display id to the given data.

        Returns:
            Whether there was such an output.
        """
        items = self._displays.get(display_id or "", [])
        if not items:
            return False
        self._rich -= sum(cost(item.body) for item in items)
        whole = _rich_output("display_data", content)
        shown, _ = self._fitted(whole, copies=len(items), new=False)
        for item in items:
            item.body = {**item.body, "data": shown["data"], "metadata": shown["metadata"]}
            item.version += 1
            self._rich += cost(item.body)
        return True

    def _stream(self, content: dict[str, Any]) -> bool:
        value = content.get("text")
        text, size = clean(value if isinstance(value, str) else "".join(map(str, listed(value))))
        if not text:
            return False
        name = text_from(content.get("name") or "stdout")
        self._start_output()
        self.trail.stream(self.text_bytes, name)
        self._overflow.text(text, size)
        last = self._items[-1] if self._items else None
        if not isinstance(last, Stream) or last.name != name:
            self._close_stream()
            if self._closed_cost > self._crowded_at:
                self._let_go()
            last = Stream(name, self._limit)
            self._items.append(last)
        for piece in pieces(text):
            last.text.feed(piece)
        return True

    def _close_stream(self) -> None:
        if self._items and isinstance(self._items[-1], Stream):
            self._closed_cost += self._items[-1].cost

    def _let_go(self) -> None:
        """Drop stream outputs between the first and the last ones, as two alternating streams make them."""
        first = self._reach(range(len(self._items)))
        last = self._reach(range(len(self._items) - 1, -1, -1))
        gap: Gap | None = None
        kept: list[Item] = []
        for index, item in enumerate(self._items):
            if isinstance(item, Fixed) or index <= first or index >= last:
                kept.append(item)
                continue
            if gap is None:
                gap = Gap()
                kept.append(gap)
            gap.take(item)
        self._items = kept
        self._closed_cost = sum(item.cost for item in kept if isinstance(item, Stream))
        self._crowded_at = self._closed_cost + 4 * self._limit

    def _reach(self, order: range) -> int:
        """Return the index up to which the stream outputs in this order cost half the limit."""
        reached = 0
        index = order.start
        for index in order:
            item = self._items[index]
            reached += item.cost if isinstance(item, Stream) else 0
            if reached > self._limit // 2:
                break
        return index

    def _display(self, msg_type: str, content: dict[str, Any]) -> bool:
        output = _rich_output(msg_type, content)
        if msg_type == "execute_result":
            self._count(content)
            output["execution_count"] = self.execution_count
        item = self._append(output)
        display_id = _display_id(content)
        if display_id and item is not None:
            self._displays.setdefault(display_id, []).append(item)
        return True

    def _error(self, content: dict[str, Any]) -> bool:
        output: Output = {
            "output_type": "error",
            "ename": text_from(content.get("ename", "")),
            "evalue": text_from(content.get("evalue", "")),
            "traceback": [text_from(line) for line in listed(content.get("traceback"))],
        }
        shown = self._append(output)
        body = output if shown is None else shown.body
        self.error = {"ename": body["ename"], "evalue": body["evalue"]}
        return True

    def _append(self, whole: Output) -> Fixed | None:
        """Add an output; None if there is not even room for a note of it alone."""
        self._start_output()
        self._close_stream()
        begins, is_error = self.text_bytes, whole["output_type"] == "error"
        shown, chars = self._fitted(whole, copies=1, new=True)
        if self._rich + cost(shown) > self._limit_rich + self._limit:
            last = self._items[-1] if self._items else None
            if not isinstance(last, Gap):
                last = Gap()
                self._items.append(last)
            last.outputs += 1
            last.output_chars += chars
            self.trail.output(begins, None, error=is_error)
            return None
        self._rich += cost(shown)
        item = Fixed(shown)
        # Of one whose text is shortened, the full text has more than the cell.
        self.trail.output(begins, None if too_long(whole, self._limit) else item, error=is_error)
        self._items.append(item)
        return item

    def _fitted(self, whole: Output, *, copies: int, new: bool) -> tuple[Output, int]:
        """Return an output as the cell shows it in so many places; what that leaves out goes to the files.

        Args:
            whole: the output.
            copies: how often it is shown.
            new: whether it is a further output; the text of one that replaces another is only kept where
                the cell does not show it whole.

        Returns:
            What is shown, and how long the whole is if it went to a file.
        """
        long = too_long(whole, self._limit)
        if new or long:
            text = text_of(whole)
            self._overflow.text(text, clean(text)[1], now=long)
        shown = shortened(whole, self._limit, self._overflow) if long else whole
        if self._rich + cost(shown) * copies <= self._limit_rich:
            return shown, 0
        chars = self._overflow.output(whole)
        noted = stub(shown, chars, self._overflow, plain=True)
        if not new and self._rich + cost(noted) * copies > self._limit_rich + self._limit:
            noted = stub(shown, chars, self._overflow, plain=False)
        return noted, chars

    def _clear_output(self, *, wait: bool) -> bool:
        if wait:
            self._clear_next = True
            return False
        changed = bool(self._items)
        self.clear()
        return changed

    def _start_output(self) -> None:
        if self._clear_next:
            self.clear()

    def _count(self, content: dict[str, Any]) -> None:
        count = content.get("execution_count")
        if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
            self.execution_count = count


def _rich_output(output_type: str, content: dict[str, Any]) -> Output:
    return {"output_type": output_type, **display_body(content)}


def _with_last_line(outputs: list[Output], line: str) -> list[Output]:
    last = outputs[-1] if outputs else {}
    if last.get("name") != "stderr":
        return [*outputs, {"output_type": "stream", "name": "stderr", "text": f"{line}\n"}]
    # A progress bar ends without a newline.
    return [*outputs[:-1], {**last, "text": f"{last['text']}{edge(last['text'])}{line}\n"}]


def _display_id(content: dict[str, Any]) -> str | None:
    transient = content.get("transient")
    display_id = transient.get("display_id") if isinstance(transient, dict) else None
    return str(display_id) if display_id else None
