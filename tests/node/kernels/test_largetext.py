from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jlab_mcp.node.kernels.largetext import pieces

SIZE = 64
ODD = st.lists(
    st.sampled_from([*'\\"/nu\n\x00d8é漢😀', "\ud83d", "\ude00", "\ud83d\ude00"]), max_size=300
).map("".join)
TEXTS = st.one_of(st.text(max_size=400), ODD)


def joined(content: bytes, size: int = SIZE) -> dict[str, str] | None:
    found = pieces(content, size)
    if found is None:
        return None
    parts = list(found)
    (name,) = {part["name"] for part in parts} or {""}
    return {"name": name, "text": "".join(part["text"] for part in parts)}


@given(TEXTS, st.booleans(), st.booleans(), st.integers(SIZE, SIZE + 12))
@example("x" + "\\" * 200, True, False, SIZE)
@example("x" * 63 + "😀" * 50, False, False, SIZE)
@example("xx" + "😀" * 50, True, True, SIZE)
def test_the_parts_are_the_whole(text: str, ascii_only: bool, text_first: bool, size: int) -> None:
    content = {"text": text, "name": "stdout"} if text_first else {"name": "stdout", "text": text}
    written = json.dumps(content, ensure_ascii=ascii_only).encode("utf-8", "replace")
    found = joined(written, size)
    assert found is not None
    if text:
        assert found == json.loads(written)


@given(TEXTS)
def test_what_follows_the_text_is_not_taken_for_it(text: str) -> None:
    for more in ({"name": "stdout", "text": text, "more": "x"}, {"name": "a", "text": text, "text2": text}):
        assert joined(json.dumps(more).encode()) is None


@pytest.mark.parametrize(
    "content",
    [
        b'{"text":"x"}',
        b'{"name":"stdout","text":"x","name":"stderr"}',
        b'{"name":"stdout","text":["x"]}',
        b'{"name":"stdout","text":"x\\"}',
        b'{"name":"stdout","text":"',
        b'{"name":"stdout","text":"}',
        b"[1]",
        b"",
    ],
)
def test_other_json_is_left_to_be_read_whole(content: bytes) -> None:
    assert joined(content) is None


def test_no_part_is_longer_than_was_asked_for() -> None:
    content = json.dumps({"name": "stdout", "text": "é" * 10_000}).encode()
    found = pieces(content, 600)
    assert found is not None
    lengths = [len(part["text"]) for part in found]
    assert max(lengths) <= 100
    assert sum(lengths) == 10_000


def test_bytes_that_are_no_utf8_and_escapes_that_are_none_stay_visible() -> None:
    assert joined(b'{"name":"stdout","text":"a\xffb\x80\x80\x80\x80\x80c"}') == {
        "name": "stdout",
        "text": "a\ufffdb" + "\ufffd" * 5 + "c",
    }
    assert joined(b'{"name":"stdout","text":"a\\qb"}') == {"name": "stdout", "text": "a\\qb"}
