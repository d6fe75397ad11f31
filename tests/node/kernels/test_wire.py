from __future__ import annotations

import json
from typing import Any

import pytest
from jupyter_client.session import DELIM, Session

from jlab_mcp.node.kernels.largetext import LARGE, Bytes
from jlab_mcp.node.kernels.wire import decode

SESSION = Session(key=b"secret")


def framed(content: bytes, session: Session = SESSION, *, msg_type: str = "display_data") -> list[Bytes]:
    parts = [json.dumps({"msg_type": msg_type}).encode(), b"{}", b"{}", content]
    return [b"topic", DELIM, session.sign(parts), *parts]


def read(content: bytes) -> Any:
    (message,) = decode(framed(content), SESSION)
    assert message["header"] == {"msg_type": "display_data"}
    return message["content"]


def test_a_message_is_read_and_its_frames_are_let_go() -> None:
    frames = framed(b'{"text":"x"}')
    assert list(decode(frames, SESSION)) == [
        {
            "header": {"msg_type": "display_data"},
            "parent_header": {},
            "content": {"text": "x"},
            "buffers": [],
        }
    ]
    assert frames == []


def test_a_message_that_is_not_signed_by_our_kernel_is_none() -> None:
    assert not list(decode(framed(b"{}", Session(key=b"other")), SESSION))
    assert not list(decode([b"nonsense"], SESSION))
    assert not list(decode([DELIM, b"", b"{}"], SESSION))


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert read(b'{"text":"a\xff\x00b"}'.replace(b"\x00", b"\\u0000")) == {"text": "a\ufffd\x00b"}


def test_a_number_of_thousands_of_digits_becomes_text() -> None:
    assert read(b'{"data":{"application/json":' + b"7" * 5_000 + b"}}") == {
        "data": {"application/json": "7" * 5_000}
    }


@pytest.mark.parametrize("content", [b"[" * 200_000 + b"]" * 200_000, b"{nonsense"])
def test_what_cannot_be_read_is_shown_as_it_came(content: bytes) -> None:
    assert read(content)["data"]["text/plain"] == content.decode()


def test_parts_that_are_no_objects_are_no_message() -> None:
    assert not list(decode(framed(b"[1]"), SESSION))


def test_a_large_message_of_a_stream_is_read_as_several() -> None:
    text = "".join(f"{number:09d}\n" for number in range(LARGE // 5))
    frames = framed(json.dumps({"name": "stderr", "text": text}).encode(), msg_type="stream")
    frames[-1] = memoryview(frames[-1])
    read = list(decode(frames, SESSION))
    assert len(read) > 2
    assert {message["content"]["name"] for message in read} == {"stderr"}
    assert "".join(message["content"]["text"] for message in read) == text


@pytest.mark.parametrize(
    "content", [{"name": "stdout", "text": "t" * LARGE, "more": 1}, {"name": "stdout", "text": ["t" * LARGE]}]
)
def test_a_large_message_that_is_written_otherwise_is_read_whole(content: dict[str, Any]) -> None:
    (message,) = decode(framed(json.dumps(content).encode(), msg_type="stream"), SESSION)
    assert message["content"] == content


def test_of_a_large_message_that_is_not_a_stream_nothing_is_cut() -> None:
    content = {"name": "stdout", "text": "t" * LARGE}
    (message,) = decode(framed(json.dumps(content).encode()), SESSION)
    assert message["content"] == content
