r"""Stream text as a terminal would show it, pure and in bounded memory.

`\r` moves the cursor to the start of the line and `\b` one character back; what follows overwrites
character by character, and `\n` ends the line wherever the cursor is. A line that has neither is
passed through untouched and fast; only a line that was overwritten is taken apart, and there colour
sequences take no width and `ESC[K` erases.
"""

from __future__ import annotations

import re
from collections import deque

LINE_CHARS = 65_536
r"""A line longer than this is settled piece by piece: `\r` then goes back to the last such edge."""

_PIECE_CHARS = 16_384
_STYLE_CHARS = 200
_RESET = "\x1b[0m"
_NEWLINE = re.compile(r"\r+\n")
_MOVE = re.compile(r"[\r\b]")
_PART = re.compile(r"\r|\x08|\x1b\[[0-9;:?<=>]{0,64}[@-~]|[^\r\x08\x1b]+|\x1b")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:?<=>]{0,64})?\Z")


def uncoloured(line: str) -> str:
    """Return a line without escape sequences: its characters alone, for where there are no colours."""
    parts = (part for part in _PART.findall(line) if not part.startswith("\x1b"))
    return "".join(parts)


class HeadAndTail:
    """Text that keeps its first and last half of `limit` characters, and counts all of them."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head: list[str] = []
        self._head_chars = 0
        self._tail: deque[str] = deque()
        self._tail_chars = 0
        self._small: list[str] = []
        self._small_chars = 0
        self.total = 0

    @property
    def kept(self) -> int:
        """Characters held in memory."""
        return self._head_chars + self._tail_chars + self._small_chars

    def append(self, text: str) -> None:
        """Add settled text at the end."""
        self.total += len(text)
        self._small.append(text)
        self._small_chars += len(text)
        if self._small_chars >= _PIECE_CHARS:
            self._settle()

    def _settle(self) -> None:
        text = "".join(self._small)
        self._small = []
        self._small_chars = 0
        room = self._half - self._head_chars
        if room > 0:
            self._head.append(text[:room])
            self._head_chars += len(self._head[-1])
            text = text[room:]
        if len(text) > self._half:
            text = text[-self._half :]
        if text:
            self._tail.append(text)
            self._tail_chars += len(text)
        while self._tail and self._tail_chars - len(self._tail[0]) >= self._half:
            self._tail_chars -= len(self._tail.popleft())

    def cut(self, line: str = "") -> tuple[str, int, str]:
        """Return head, number of characters left out, tail; `line` is what follows unsettled."""
        self._settle()
        head = "".join(self._head)
        rest = "".join(self._tail) + line
        room = self._half - len(head)
        if room > 0:
            head, rest = head + rest[:room], rest[room:]
        rest = rest[-self._half :]
        return head, self.total + len(line) - len(head) - len(rest), rest


class _Line:
    """One line that is being overwritten: characters, their colours, and a cursor."""

    def __init__(self, text: str) -> None:
        self._chars: list[str] = []
        self._styles: list[str] = []  # empty while no colour was seen
        self._style = ""  # "" means: whatever the lines before left on
        self._styled = False
        self._at = 0
        self._unfinished = ""
        self.write(text)

    @property
    def chars(self) -> int:
        """How long it is."""
        return len(self._chars)

    def write(self, text: str) -> None:
        """Put text, without newlines, at the cursor."""
        text = self._unfinished + text
        unfinished = _UNFINISHED.search(text, max(0, len(text) - 70))
        self._unfinished = unfinished.group() if unfinished else ""
        if unfinished:
            text = text[: unfinished.start()]
        for part in _PART.findall(text):
            if part == "\r":
                self._at = 0
            elif part == "\b":
                self._at = max(0, self._at - 1)
            elif len(part) > 1 and part[0] == "\x1b":
                self._control(part)
            else:
                self._put(part)

    def _put(self, run: str) -> None:
        end = self._at + len(run)
        self._chars[self._at : end] = run
        if self._styled:
            self._styles[self._at : end] = [self._style] * len(run)
        self._at = end

    def _control(self, sequence: str) -> None:
        if sequence[-1] == "m":
            if not self._styled:
                self._styled = True
                self._styles = [""] * len(self._chars)
            if sequence in {"\x1b[m", _RESET}:
                self._style = _RESET
            elif len(self._style) > _STYLE_CHARS:
                self._style = _RESET + sequence
            elif not self._style.endswith(sequence):
                self._style += sequence
        elif sequence in {"\x1b[K", "\x1b[0K"}:
            del self._chars[self._at :]
            del self._styles[self._at :]
        elif sequence == "\x1b[2K":
            self._chars = [" "] * self._at
            self._styles = [""] * self._at if self._styled else []
        # Other sequences move a cursor that a notebook does not have: they show nothing.

    def settle(self, count: int) -> str:
        """Take the first `count` characters off, which can no longer be overwritten."""
        text = self._render(self._chars[:count], self._styles[:count], None)
        del self._chars[:count]
        del self._styles[:count]
        self._at = max(0, self._at - count)
        return text

    def text(self) -> str:
        """The line as it shows now, with the colour that is on at the cursor left on."""
        return self._render(self._chars, self._styles, self._style) + self._unfinished

    def _render(self, chars: list[str], styles: list[str], last: str | None) -> str:
        if not self._styled:
            return "".join(chars)
        parts: list[str] = []
        now = ""
        for index, char in enumerate(chars):
            if styles[index] != now:
                parts.append(_change(now, styles[index]))
                now = styles[index]
            parts.append(char)
        if last is not None and last != now:
            parts.append(_change(now, last))
        return "".join(parts)


def _change(now: str, style: str) -> str:
    if style.startswith(now):
        return style[len(now) :]
    return style if style.startswith(_RESET) else _RESET + style


class TerminalText:
    """Folds one stream, fed in any chunks, into the text that a terminal would show.

    Args:
        limit: how many characters are kept, half of them from the start and half from the end.
    """

    def __init__(self, limit: int) -> None:
        self._settled = HeadAndTail(limit)
        self._plain: list[str] = []
        self._plain_chars = 0
        self._line: _Line | None = None  # set while the last line is being overwritten
        self._return = False  # a carriage return that may yet turn out to be a line end

    @property
    def kept(self) -> int:
        """Characters held in memory, about."""
        return self._settled.kept + self._plain_chars + (self._line.chars if self._line else 0)

    @property
    def shown(self) -> int:
        """Characters of the whole text so far, kept or not, about."""
        return self._settled.total + self._plain_chars + (self._line.chars if self._line else 0)

    def feed(self, text: str) -> None:
        """Add a chunk."""
        if self._return:
            text = "\r" + text
            self._return = False
        if "\r" in text:
            text = _NEWLINE.sub("\n", text)
            bare = text.rstrip("\r")
            self._return = len(bare) < len(text)
            text = bare
        # A search for either takes ten times as long as one for each, and most text has neither.
        moves = "\r" in text or "\b" in text
        start = 0
        while start < len(text):
            start = self._overwrite(text, start) if self._line else self._pass(text, start, moves=moves)

    def cut(self) -> tuple[str, int, str]:
        """Return the head, the number of characters left out after it, and the tail."""
        return self._settled.cut(self._line.text() if self._line else "".join(self._plain))

    def latest_line(self) -> str:
        """Return the last line that has more than blanks, as it shows now; empty if there is none."""
        head, _, tail = self.cut()
        return (tail if tail.strip() else head).rstrip().rpartition("\n")[2]

    def _pass(self, text: str, start: int, *, moves: bool) -> int:
        """Take whole lines from `start` on up to the line with the next cursor movement, if any."""
        move = _MOVE.search(text, start) if moves else None
        stop = move.start() if move else len(text)
        newline = text.rfind("\n", start, stop) + 1
        if newline:
            self._plain.append(text[start:newline])
            self._settled.append("".join(self._plain))
            self._plain, self._plain_chars = [], 0
            start = newline
        if start < stop:
            self._plain.append(text[start:stop])
            self._plain_chars += stop - start
        if self._plain_chars >= LINE_CHARS:
            line = "".join(self._plain)
            edge = len(line) - len(line) % LINE_CHARS
            self._settled.append(line[:edge])
            self._plain, self._plain_chars = [line[edge:]], len(line) - edge
        if move:
            self._line = _Line("".join(self._plain))
            self._plain, self._plain_chars = [], 0
        return stop

    def _overwrite(self, text: str, start: int) -> int:
        line = self._line
        if line is None:  # pragma: no cover - the caller looked
            return start
        newline = text.find("\n", start)
        stop = newline if newline >= 0 else len(text)
        while start < stop:
            # In slices, so that a line without end is settled before it grows.
            step = min(stop, start + LINE_CHARS - line.chars)
            line.write(text[start:step])
            start = step
            if line.chars >= LINE_CHARS:
                self._settled.append(line.settle(LINE_CHARS))
        if newline < 0:
            return stop
        self._settled.append(line.text() + "\n")
        self._line = None
        return stop + 1
