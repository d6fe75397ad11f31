"""Following what an execution puts out: whole, in order, and nothing twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.node.outputs.folding import OutputFolder
from jlab_mcp.node.outputs.plaintext import text_of
from jlab_mcp.node.outputs.trail import page

Message = tuple[str, dict[str, Any]]


class Followed:
    """A folder whose full text is kept, and somebody who follows it."""

    def __init__(self, limit_chars: int) -> None:
        self.kept = b""
        self.folder = OutputFolder(limit_chars, spill=self._spill, spill_name="file")
        self.offset = 0
        self.parts: list[dict[str, Any]] = []

    def _spill(self, text: str) -> None:
        self.kept += text.encode()

    def feed(self, message: Message) -> None:
        self.folder.feed(*message)

    def read(self, limit: int) -> bool:
        """Read a page; whether there was anything."""
        total = self.folder.text_bytes
        found = page(self.folder.trail, self._text, self.offset, limit, total)
        assert self.offset <= found["end"] <= found["total"] == total
        assert found["end"] > self.offset or self.offset == total, "no progress"
        self.offset = found["end"]
        self.parts += found["parts"]
        return self.offset < total

    def _text(self, start: int, stop: int) -> bytes:
        return (self.kept if self.folder.spilled else self.folder.held())[start:stop]

    def joined(self) -> list[tuple[str, str]]:
        """What was read: text of the same kind joined, outputs as their text."""
        found: list[tuple[str, str]] = []
        for part in self.parts:
            assert part["kind"] != "lost"
            if part["kind"] == "clear":
                found.append(("clear", ""))
                continue
            kind, text = _of(part)
            if found and found[-1][0] == kind and kind in ("stdout", "stderr"):
                found[-1] = (kind, found[-1][1] + text)
            else:
                found.append((kind, text))
        return found


def _of(part: dict[str, Any]) -> tuple[str, str]:
    if part["kind"] != "output":
        return part["kind"], part["text"]
    output = part["output"]
    return "error" if output["output_type"] == "error" else "result", text_of(output)


def stream(text: str, name: str = "stdout") -> Message:
    return "stream", {"name": name, "text": text}


def result(text: str) -> Message:
    return "display_data", {"data": {"text/plain": text}, "metadata": {}}


def error(text: str) -> Message:
    return "error", {"ename": "E", "evalue": "v", "traceback": [text]}


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
MESSAGES = st.one_of(
    TEXT.map(stream),
    TEXT.map(lambda text: stream(text, "stderr")),
    TEXT.map(result),
    TEXT.map(error),
)


@given(st.lists(st.tuples(MESSAGES, st.integers(0, 60)), max_size=25), st.sampled_from([20, 10_000]))
def test_whatever_is_read_when_it_is_whole_and_in_order(steps: list[tuple[Message, int]], limit: int) -> None:
    followed = Followed(limit)
    expected: list[tuple[str, str]] = []
    for (kind, content), read in steps:
        followed.feed((kind, content))
        if kind == "stream":
            expected.append((content["name"], content["text"]))
        elif kind == "error":
            expected.append(("error", content["traceback"][0] + "\n"))
        else:
            expected.append(("result", content["data"]["text/plain"] + "\n"))
        if read:
            followed.read(read)
    while followed.read(50):
        pass
    assert _texts(followed.joined()) == _texts(expected)


def _texts(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join what stands side by side: a long result is read in parts, and two streams may follow each other."""
    joined: list[tuple[str, str]] = []
    for kind, text in pieces:
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + text)
        else:
            joined.append((kind, text))
    return joined


@pytest.mark.parametrize("read", [True, False])
def test_a_clear_comes_once_wherever_one_reads_from(read: bool) -> None:
    followed = Followed(1000)
    followed.feed(stream("one"))
    if read:
        followed.read(1000)
    followed.feed(("clear_output", {"wait": False}))
    followed.read(1000)
    followed.feed(stream("two"))
    while followed.read(1000):
        pass
    assert followed.joined() == [("stdout", "one"), ("clear", ""), ("stdout", "two")]


def test_a_clear_that_waits_comes_before_the_next_output() -> None:
    followed = Followed(1000)
    for message in (stream("one"), ("clear_output", {"wait": True}), result("two")):
        followed.feed(message)
    while followed.read(16):
        pass
    assert followed.joined() == [("stdout", "one"), ("clear", ""), ("result", "two\n")]


def test_carriage_returns_are_given_as_they_came() -> None:
    followed = Followed(1000)
    followed.feed(stream("10 %\r"))
    followed.feed(stream("20 %\r"))
    followed.read(1000)
    assert followed.joined() == [("stdout", "10 %\r20 %\r")]


def test_a_display_that_changed_is_told_with_how_often() -> None:
    folder = OutputFolder()
    shown = {"data": {"text/plain": "0"}, "metadata": {}, "transient": {"display_id": "bar"}}
    folder.feed("display_data", shown)
    folder.feed("stream", {"name": "stdout", "text": "between"})
    assert folder.trail.changed() == []
    for count in ("1", "2"):
        folder.feed("update_display_data", {**shown, "data": {"text/plain": count}})
    (told,) = folder.trail.changed()
    assert (told["offset"], told["version"], told["output"]["data"]) == (0, 2, {"text/plain": "2"})


def test_text_that_could_not_be_kept_is_counted_and_skipped() -> None:
    folder = OutputFolder(10, spill=lambda _text: None, spill_name="file")
    folder.feed("stream", {"name": "stdout", "text": "x" * 100})
    found = page(folder.trail, lambda _start, _stop: None, 0, 1000, folder.text_bytes)
    assert (found["parts"], found["end"]) == ([{"kind": "lost", "bytes": 100}], 100)
