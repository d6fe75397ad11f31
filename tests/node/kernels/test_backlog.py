from __future__ import annotations

import resource
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.node.kernels.backlog import Backlog

MESSAGES = st.lists(st.binary(max_size=40), min_size=1, max_size=4)


@given(st.lists(st.one_of(st.none(), MESSAGES), max_size=60), st.sampled_from([0, 50, 10_000]))
def test_what_came_first_goes_first(steps: list[list[bytes] | None], limit: int) -> None:
    backlog, expected = Backlog(limit), deque[list[bytes]]()
    for message in steps:
        if message is not None:
            backlog.put([*message])
            expected.append(message)
        elif expected:
            assert backlog.take() == expected.popleft()
        assert bool(backlog) == bool(expected)
    assert [backlog.take() for _ in range(len(expected))] == list(expected)
    backlog.close()


def test_it_keeps_but_a_few_in_memory_and_a_file_that_is_read_to_its_end_is_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = _files(monkeypatch)
    backlog = Backlog(1_000)
    messages: list[list[bytes]] = [[b"topic", bytes([number]) * 300] for number in range(10)]
    for message in messages:
        backlog.put([*message])
    (file,) = files
    assert file.seek(0, 2) > 7 * 300
    assert [backlog.take() for _ in messages] == messages
    assert file.seek(0, 2) == 0
    backlog.close()
    assert file.closed


def test_what_finds_no_room_in_the_file_stays_in_memory() -> None:
    backlog = Backlog(0)
    messages: list[list[bytes]] = [[b"topic", bytes([number]) * 300] for number in range(10)]
    with _largest_file(1_000):
        for message in messages:
            backlog.put([*message])
    assert [backlog.take() for _ in messages[:6]] == messages[:6]
    backlog.put([b"last"])
    assert [backlog.take() for _ in range(5)] == [*messages[6:], [b"last"]]
    assert not backlog
    backlog.close()


def test_a_file_that_cannot_be_read_costs_what_it_had_and_no_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (files, backlog) = _files(monkeypatch), Backlog(0)
    backlog.put([b"lost"])
    files[0].truncate(4)
    assert backlog.take() == []
    assert "20 bytes of a kernel's messages are lost" in caplog.text
    backlog.put([b"kept"])
    assert backlog.take() == [b"kept"]
    backlog.close()


def _files(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect the temporary files that are made."""
    made: list[Any] = []
    make = tempfile.TemporaryFile

    def kept(**options: Any) -> Any:
        made.append(make(**options))
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", kept)
    return made


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond a size: as on a full disk, what is written up to there is in it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
