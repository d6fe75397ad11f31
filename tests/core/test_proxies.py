"""Which hosts a proxy would catch."""

from __future__ import annotations

import pytest

from jlab_mcp.core.proxies import caught

HOSTS = ("localhost", "127.0.0.1", "gpu17", "gpu17.cluster.example")


@pytest.mark.parametrize(
    ("exceptions", "missed"),
    [
        ("", HOSTS),
        ("*", ()),
        ("localhost, 127.0.0.1,gpu17,.example", ()),
        ("localhost,127.0.0.0/8,*.cluster.example", ("gpu17",)),
        ("LOCALHOST", ("127.0.0.1", "gpu17", "gpu17.cluster.example")),
        ("example", ("localhost", "127.0.0.1", "gpu17")),
        ("ample", HOSTS),
    ],
)
def test_exceptions_are_names_ends_of_names_and_networks(exceptions: str, missed: tuple[str, ...]) -> None:
    assert caught({"https_proxy": "http://p:1", "no_proxy": exceptions}, HOSTS).hosts == missed


def test_without_a_proxy_nothing_is_caught() -> None:
    found = caught({"http_proxy": "", "no_proxy": ""}, HOSTS)
    assert (found.variables, found.hosts) == ((), ())


def test_either_spelling_counts_and_what_is_wanted_keeps_what_there_is() -> None:
    found = caught({"HTTP_PROXY": "http://p:1", "NO_PROXY": "intern.example,"}, ("localhost", "gpu17"))
    assert found.variables == ("HTTP_PROXY",)
    assert found.wanted == "intern.example,localhost,gpu17"
