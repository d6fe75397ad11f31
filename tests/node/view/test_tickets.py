"""Tickets: good once, for a while, for one page; and who may bring one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from jlab_mcp.node.errors import BadRequest
from jlab_mcp.node.view.jobend import JobEnd, from_environment
from jlab_mcp.node.view.peers import owner
from jlab_mcp.node.view.tickets import LONGEST_LIFE, Tickets


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_ticket_is_good_once_and_no_other_is_good():
    tickets = Tickets()
    ticket = tickets.make("lab", None, None)
    assert len(ticket) == 43  # 256 bits
    for wrong in ("", ticket[:-1], ticket + "x", ticket.swapcase(), "\ud800"):
        assert tickets.use(wrong) is None
    assert tickets.use(ticket) == "lab"
    assert tickets.use(ticket) is None
    assert ticket not in repr(vars(tickets))


def test_a_ticket_goes_after_its_time_and_none_lives_long():
    clock = Clock()
    tickets = Tickets(clock)
    short, long = tickets.make("lab", None, None, life=60), tickets.make("lab", None, None, life=1e9)
    clock.now += 60
    assert tickets.use(short) is None
    clock.now += LONGEST_LIFE
    assert tickets.use(long) is None


def test_a_ticket_leads_to_a_page_of_this_server_whatever_the_names_are():
    tickets = Tickets()
    nasty = "../../api//evil.example/a b?x#y.ipynb"
    assert tickets.use(tickets.make("view", None, None)) == "jlab-mcp/view"
    assert tickets.use(tickets.make("view", "a/b#c", None)) == "jlab-mcp/view#a%2Fb%23c"
    target = tickets.use(tickets.make("lab", "s", nasty))
    assert target == "lab/tree/../../api//evil.example/a%20b%3Fx%23y.ipynb"
    with pytest.raises(BadRequest, match="page is lab or view, not 'https://other'"):
        tickets.make("https://other", None, None)


def test_the_oldest_of_too_many_goes():
    tickets = Tickets()
    made = [tickets.make("lab", None, None) for _ in range(60)]
    assert [ticket for ticket in made if tickets.use(ticket)] == made[10:]


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_system_tells_whose_a_connection_of_this_host_is(family: socket.AddressFamily, address: str):
    with socket.socket(family) as listener:
        try:
            listener.bind((address, 0))
        except OSError:
            pytest.skip("no IPv6 on this machine")
        listener.listen()
        with socket.create_connection(listener.getsockname()[:2]) as client:
            server, _ = listener.accept()
            with server:
                ends = server.getpeername()[:2], server.getsockname()[:2]
                assert owner(*ends) == os.geteuid()
                assert owner((ends[0][0], 1), ends[1]) is None
                assert client.getsockname()[:2] == ends[0]


def test_a_connection_of_another_user_is_known_as_theirs(tmp_path: Path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:C350 0100007F:4650 01 00000000:00000000 00:00000000 00000000  1234        0 5 1 0 20\n"
    )
    assert owner(("127.0.0.1", 50000), ("127.0.0.1", 18000), tmp_path) == 1234
    assert owner(("127.0.0.1", 50001), ("127.0.0.1", 18000), tmp_path) is None


def test_the_end_of_a_job_is_read_as_slurm_tells_it():
    assert from_environment("1780000000") == 1780000000.0
    assert [from_environment(text) for text in (None, "", "Unknown", "N/A", "0", "2026-11-24T16:05:21")] == [
        None
    ] * 6
    assert JobEnd(None).at() is None
