"""Reading a log while it grows, and is begun anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from jlab_mcp.storage.logs import LogReader, prepare_log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / "server.log"
    prepare_log(path)
    return path


def add(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.parametrize(("lines", "shown"), [(0, "1\n2\n3"), (2, "2\n3"), (9, "1\n2\n3")])
def test_the_last_lines_are_shown_and_none_of_them_again(log: Path, lines: int, shown: str) -> None:
    add(log, "1\n2\n3\n")
    reader = LogReader(log)
    assert (reader.last(lines), reader.more()) == (shown, "")
    add(log, "4\n")
    assert (reader.more(), reader.more()) == ("4", "")


def test_there_may_be_no_log_or_nothing_in_it(log: Path, tmp_path: Path) -> None:
    assert LogReader(tmp_path / "none").last(5) is None
    assert LogReader(tmp_path / "none").more() == ""
    assert LogReader(log).last(5) == ""


def test_an_unfinished_line_waits_for_its_end(log: Path) -> None:
    add(log, "whole\nhal")
    reader = LogReader(log)
    assert reader.last(5, whole=True) == "whole"
    assert reader.more() == ""
    add(log, "f\nnext")
    assert reader.more() == "half"
    assert (reader.more(whole=False), reader.more(whole=False)) == ("next", "")


def test_an_unfinished_line_is_shown_where_nobody_waits(log: Path) -> None:
    add(log, "whole\nhal")
    assert LogReader(log).last(1) == "hal"


def test_a_log_that_a_new_server_began_is_read_from_its_start(log: Path) -> None:
    add(log, "old\n")
    reader = LogReader(log)
    reader.last(1)
    prepare_log(log)
    add(log, "a new one, and longer\n")
    assert reader.more() == "a new one, and longer"
    assert log.with_name("server.log.1").read_text() == "old\n"


def test_a_log_that_was_cut_is_read_from_its_start(log: Path) -> None:
    add(log, "a long line\n")
    reader = LogReader(log)
    reader.last(1)
    log.write_text("short\n")
    assert reader.more() == "short"


def test_colours_and_what_is_no_text_do_not_reach_the_terminal(log: Path) -> None:
    log.write_bytes("\x1b[31mred\x1b[0m é".encode() + b"\xff\n")
    assert LogReader(log).last(1) == "red é\ufffd"


def test_letters_cut_in_two_by_a_read_come_whole(log: Path) -> None:
    text = "é\n".encode()
    reader = LogReader(log)
    reader.last(0)
    log.write_bytes(text[:1])
    assert reader.more() == ""
    log.write_bytes(text)
    assert reader.more() == "é"
