"""How a browser comes to a server, from this machine and from another."""

from __future__ import annotations

import pytest

from jlab_mcp.core.tunnel import Here, way_to

DESK = Here("desk", "desk.example.org", "ann")
LOGIN = Here("login3", "login3.cluster.example.org", "ann", "192.0.2.7 50000 198.51.100.3 22")


@pytest.mark.parametrize(
    ("ip", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:18000/"),
        ("desk", "http://desk:18000/"),
        ("::1", "http://[::1]:18000/"),
        ("0.0.0.0", "http://127.0.0.1:18000/"),  # noqa: S104 - what a server listens on
        ("::", "http://[::1]:18000/"),
    ],
)
def test_a_server_of_this_machine_is_reached_straight(ip: str, address: str):
    way = way_to(ip, 18000, "desk", "/", DESK)
    assert (way.address, way.command) == (address, None)


def test_who_came_by_ssh_brings_the_server_to_where_their_browser_is():
    way = way_to("127.0.0.1", 18000, "login3", "/", LOGIN)
    assert way.address == "http://127.0.0.1:18000/"
    assert way.command == "ssh -N -L 18000:127.0.0.1:18000 ann@login3.cluster.example.org"


def test_a_server_on_a_node_is_reached_through_the_machine_that_the_command_runs_on():
    for here in (LOGIN, Here("login3", "login3.cluster.example.org", "ann")):
        way = way_to("gpu17", 18001, "gpu17", "/base/", here)
        assert way.address == "http://127.0.0.1:18001/base/"
        assert way.command == "ssh -N -L 18001:gpu17:18001 ann@login3.cluster.example.org"


def test_a_login_host_without_a_full_name_is_named_by_the_address_and_port_that_the_person_came_to():
    here = Here("login3", "login3", "ann", "192.0.2.7 50000 198.51.100.3 2222")
    assert (
        way_to("gpu17", 18001, "gpu17", "/", here).command
        == "ssh -N -p 2222 -L 18001:gpu17:18001 ann@198.51.100.3"
    )
    unknown = Here("login3", "localhost.localdomain", "ann", None)
    assert way_to("gpu17", 18001, "gpu17", "/", unknown).command == "ssh -N -L 18001:gpu17:18001 ann@login3"


def test_addresses_of_ipv6_stand_in_brackets_and_odd_names_in_quotes():
    assert way_to("2001:db8::7", 18001, "gpu17", "/", LOGIN).command == (
        "ssh -N -L '18001:[2001:db8::7]:18001' ann@login3.cluster.example.org"
    )
    odd = Here("login3", "login3.example.org", "ann smith", None)
    assert (
        way_to("gpu17", 1, "gpu17", "/", odd).command == "ssh -N -L 1:gpu17:1 'ann smith@login3.example.org'"
    )
