"""A kernel's messages, read from the frames in which they come."""

from __future__ import annotations

import contextlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from jupyter_client.session import DELIM

from .largetext import LARGE, Bytes, pieces

Message = dict[str, Any]
"""A message's header, parent header, content and buffers."""


def decode(frames: list[Bytes], session: Any) -> Iterator[Message]:
    """Read a message, a large one of a stream as several; none if it is not signed by our kernel, or is none.

    The frames are used up. Does without the dates that `Session.deserialize` makes of all that looks like
    one, which is half its time; a date stays the ISO string that it was. See "The wire protocol" in
    jupyter_client's manual.
    """
    opened = _opened(frames, session)
    if opened is None:
        return iter(())
    message, content = opened
    del opened
    if len(content) > LARGE and message["header"].get("msg_type") == "stream":
        parts = pieces(content)
        if parts is not None:
            return ({**message, "content": part} for part in parts)
    text = str(content, "utf-8", "replace")  # kernels send bytes that are no UTF-8
    # Of 100 MB there are never three copies: the frame is let go before the text is read.
    del content
    message["content"] = _content(text)
    return iter([message] if isinstance(message["content"], dict) else [])


def _opened(frames: list[Bytes], session: Any) -> tuple[Message, Bytes] | None:
    """Return a message without its content, and that as it came."""
    try:
        at = frames.index(DELIM)
        signature, header, parent, metadata, content = frames[at + 1 : at + 6]
        signed = [header, parent, metadata, content]
        if session.auth is not None and not hmac.compare_digest(session.sign(signed), signature):
            return None
        buffers = [bytes(part) for part in frames[at + 6 :]]  # binary parts of widgets
        message: Message = {"header": json.loads(bytes(header)), "parent_header": json.loads(bytes(parent))}
    except ValueError:
        return None
    frames.clear()
    if not all(isinstance(part, dict) for part in message.values()):
        return None
    return {**message, "buffers": buffers}, content


def _content(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _read_otherwise(text)


def _read_otherwise(text: str) -> Any:
    """Read JSON that Python's reader gives up on: numbers of thousands of digits, or nested without end."""
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text, parse_int=_number)
    return {"data": {"text/plain": text}, "name": "stderr", "text": text}


def _number(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits
