from __future__ import annotations

from typing import Any

import pytest
from jupyter_client.session import DELIM, Session

from jlab_mcp.node.kernels.wire import decode

SESSION = Session(key=b"secret")


def framed(content: bytes, session: Session = SESSION) -> list[bytes]:
    parts = [b'{"msg_type":"display_data"}', b"{}", b"{}", content]
    return [b"topic", DELIM, session.sign(parts), *parts]


def read(content: bytes) -> Any:
    message = decode(framed(content), SESSION)
    assert message is not None
    assert message["header"] == {"msg_type": "display_data"}
    return message["content"]


def test_a_message_is_read_and_its_frames_are_let_go() -> None:
    frames = framed(b'{"text":"x"}')
    assert decode(frames, SESSION) == {
        "header": {"msg_type": "display_data"},
        "parent_header": {},
        "content": {"text": "x"},
        "buffers": [],
    }
    assert frames == []


def test_a_message_that_is_not_signed_by_our_kernel_is_none() -> None:
    assert decode(framed(b"{}", Session(key=b"other")), SESSION) is None
    assert decode([b"nonsense"], SESSION) is None
    assert decode([DELIM, b"", b"{}"], SESSION) is None


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
    assert decode(framed(b"[1]"), SESSION) is None
