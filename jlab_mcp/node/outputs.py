"""The messages of one execution folded into the outputs of its cell, pure and in bounded memory.

Rules: consecutive text of one stream is one output and reads as a terminal shows it; another stream or a
display in between starts a new output, so that the order stays; `clear_output(wait=True)` takes effect with
the next output; `update_display_data` changes every output of that display id, but makes none. Streams
beyond a limit keep their head and tail, and all their text goes to `spill`.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any, Union

from .terminal import TerminalText

Output = dict[str, Any]
"""One nbformat 4 output, plain JSON, text not split into lines."""

LIMIT_CHARS = 1_000_000
_OUTPUT_COST = 100  # characters that an output costs besides its text, so that a million tiny ones count


class _Stream:
    """A stream output in the making."""

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.text = TerminalText(limit)

    @property
    def cost(self) -> int:
        return self.text.kept + _OUTPUT_COST

    def output(self, spill_name: str | None) -> Output:
        head, left_out, tail = self.text.cut()
        text = head + tail
        if left_out:
            text = f"{head}{_edge(head)}{_left_out(left_out, spill_name)}{tail}"
        return {"output_type": "stream", "name": self.name, "text": text}


class _Gap:
    """The place of stream outputs that were let go, because there were too many."""

    def __init__(self) -> None:
        self.chars = 0
        self.name = "stdout"

    def output(self, spill_name: str | None) -> Output:
        return {"output_type": "stream", "name": self.name, "text": _left_out(self.chars, spill_name)}


class _Fixed:
    """A display, a result or an error."""

    def __init__(self, output: Output) -> None:
        self.body = output

    def output(self, _spill_name: str | None) -> Output:
        copied: Output = _copy(self.body)
        return copied


_Item = Union[_Stream, _Gap, _Fixed]


class OutputFolder:
    """Folds the messages of one execution into nbformat outputs.

    Args:
        limit_chars: stream text beyond this many characters is not kept whole: each stream output then keeps
            half of it from its start and half from its end, and a line in between says how much is missing.
        spill: takes the whole stream text, from its first character on, once the limit is passed. It must
            not raise.
        spill_name: the file that `spill` writes, as the line in the cell names it.

    Attributes:
        text_bytes: all stream text seen so far, in bytes of UTF-8.
        spilled: whether `spill` was called.
        execution_count: the kernel's number of this execution, once it is known.
        error: `ename` and `evalue` of the last error message.
        last_line: text that always comes last, as the end of stderr, whatever the kernel still sends.
    """

    def __init__(
        self,
        limit_chars: int = LIMIT_CHARS,
        spill: Callable[[str], None] | None = None,
        spill_name: str | None = None,
    ) -> None:
        self.text_bytes = 0
        self.spilled = False
        self.spill_name = spill_name
        self.execution_count: int | None = None
        self.error: dict[str, str] | None = None
        self.last_line: str | None = None
        self._limit = limit_chars
        self._spill = spill
        self._held = io.StringIO()  # what `spill` gets first, should the limit be passed
        self._chars = 0
        self._items: list[_Item] = []
        self._closed_cost = 0  # of the stream outputs that are complete
        self._crowded_at = 4 * limit_chars
        self._displays: dict[str, list[_Fixed]] = {}
        self._clear_next = False

    def feed(self, msg_type: str, content: dict[str, Any]) -> bool:
        """Fold one message.

        Returns:
            Whether the outputs changed.
        """
        if msg_type == "stream":
            return self._stream(str(content.get("name") or "stdout"), content.get("text"))
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

    def outputs(self) -> list[Output]:
        """Return the outputs as they are now; they are the caller's own."""
        outputs = [item.output(self.spill_name) for item in self._items]
        return outputs if self.last_line is None else _with_last_line(outputs, self.last_line)

    def latest_line(self) -> str:
        """Return the last line of stream text that is not blank, such as a progress bar; else nothing."""
        for item in reversed(self._items):
            if isinstance(item, _Stream) and (line := item.text.latest_line()):
                return line
        return ""

    def clear(self) -> None:
        """Drop all outputs; counts, the error and what was spilled stay."""
        self._items.clear()
        self._displays.clear()
        self._closed_cost = 0
        self._crowded_at = 4 * self._limit
        self._clear_next = False

    def display_ids(self) -> set[str]:
        """Return the ids of displays that a later `update_display_data`, of any cell, may change."""
        return set(self._displays)

    def update(self, display_id: str | None, content: dict[str, Any]) -> bool:
        """Change every output of this display id to the given data.

        Returns:
            Whether there was such an output.
        """
        items = self._displays.get(display_id or "", [])
        for item in items:
            item.body["data"] = _bundle(content.get("data"))
            item.body["metadata"] = _mapping(content.get("metadata"))
        return bool(items)

    def _stream(self, name: str, value: object) -> bool:
        text, size = _clean(value if isinstance(value, str) else "".join(map(str, _listed(value))))
        if not text:
            return False
        self.text_bytes += size
        self._chars += len(text)
        self._keep_whole(text)
        self._start_output()
        last = self._items[-1] if self._items else None
        if not isinstance(last, _Stream) or last.name != name:
            if isinstance(last, _Stream):
                self._closed_cost += last.cost
            if self._closed_cost > self._crowded_at:
                self._let_go()
            last = _Stream(name, self._limit)
            self._items.append(last)
        last.text.feed(text)
        return True

    def _keep_whole(self, text: str) -> None:
        if self._spill is None:
            return
        if not self.spilled and self._chars <= self._limit:
            self._held.write(text)
            return
        if not self.spilled:
            self.spilled = True
            held, self._held = self._held.getvalue(), io.StringIO()
            if held:
                self._spill(held)
        self._spill(text)

    def _let_go(self) -> None:
        """Drop stream outputs between the first and the last ones, as two alternating streams make them."""
        first = self._reach(range(len(self._items)))
        last = self._reach(range(len(self._items) - 1, -1, -1))
        gap = _Gap()
        kept: list[_Item] = []
        cost = 0
        for index, item in enumerate(self._items):
            if isinstance(item, _Fixed) or index <= first or index >= last:
                kept.append(item)
                cost += item.cost if isinstance(item, _Stream) else 0
                continue
            if not gap.chars:
                kept.append(gap)
            gap.chars += item.chars if isinstance(item, _Gap) else item.text.shown
        self._items = kept
        self._closed_cost = cost
        self._crowded_at = cost + 4 * self._limit

    def _reach(self, order: range) -> int:
        """Return the index up to which the stream outputs in this order cost half the limit."""
        cost = 0
        index = order.start
        for index in order:
            item = self._items[index]
            cost += item.cost if isinstance(item, _Stream) else 0
            if cost > self._limit // 2:
                break
        return index

    def _display(self, msg_type: str, content: dict[str, Any]) -> bool:
        output: Output = {
            "output_type": msg_type,
            "data": _bundle(content.get("data")),
            "metadata": _mapping(content.get("metadata")),
        }
        if msg_type == "execute_result":
            self._count(content)
            output["execution_count"] = self.execution_count
        item = self._append(output)
        display_id = _display_id(content)
        if display_id:
            self._displays.setdefault(display_id, []).append(item)
        return True

    def _error(self, content: dict[str, Any]) -> bool:
        self.error = {
            "ename": _text(content.get("ename", "")),
            "evalue": _text(content.get("evalue", "")),
        }
        lines = [_text(line) for line in _listed(content.get("traceback"))]
        self._append({"output_type": "error", **self.error, "traceback": lines})
        return True

    def _append(self, output: Output) -> _Fixed:
        self._start_output()
        last = self._items[-1] if self._items else None
        if isinstance(last, _Stream):
            self._closed_cost += last.cost
        item = _Fixed(output)
        self._items.append(item)
        return item

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
        if isinstance(count, int):
            self.execution_count = count


def _with_last_line(outputs: list[Output], line: str) -> list[Output]:
    last = outputs[-1] if outputs else {}
    if last.get("name") != "stderr":
        return [*outputs, {"output_type": "stream", "name": "stderr", "text": f"{line}\n"}]
    # A progress bar ends without a newline.
    return [*outputs[:-1], {**last, "text": f"{last['text']}{_edge(last['text'])}{line}\n"}]


def _edge(head: str) -> str:
    return "" if head.endswith("\n") else "\n"


def _left_out(chars: int, spill_name: str | None) -> str:
    where = f"; the full text is in {spill_name}" if spill_name else ""
    return f"[… {chars:,} characters left out{where} …]\n"


def _display_id(content: dict[str, Any]) -> str | None:
    transient = content.get("transient")
    display_id = transient.get("display_id") if isinstance(transient, dict) else None
    return str(display_id) if display_id else None


def _clean(text: str) -> tuple[str, int]:
    """Return the text as UTF-8 can hold it, and its size in bytes."""
    if text.isascii():
        return text, len(text)
    try:
        return text, len(text.encode())
    except UnicodeEncodeError:
        text = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
        return text, len(text.encode())


def _text(value: object) -> str:
    return _clean(value if isinstance(value, str) else str(value))[0]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, Any]:
    return _copy(value) if isinstance(value, dict) else {}


def _bundle(value: object) -> dict[str, Any]:
    """Return a MIME bundle that is valid in a notebook: text, except under JSON types."""
    bundle: dict[str, Any] = {}
    for mime, data in _mapping(value).items():
        is_json = mime == "application/json" or (mime.startswith("application/") and mime.endswith("+json"))
        if is_json or isinstance(data, str):
            bundle[mime] = data
        elif isinstance(data, list) and all(isinstance(line, str) for line in data):
            bundle[mime] = "".join(data)
        elif data is not None:
            bundle[mime] = json.dumps(data, ensure_ascii=False)
    return bundle


def _copy(value: Any) -> Any:
    """Copy JSON, with what no file can hold (lone surrogates, NaN) replaced."""
    if isinstance(value, str):
        return _clean(value)[0]
    if isinstance(value, dict):
        return {_text(key): _copy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
