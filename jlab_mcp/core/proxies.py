"""Proxy variables, and which hosts they would catch that no proxy should see."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOOPBACK = ("localhost", "127.0.0.1")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_EXCEPTIONS = ("no_proxy", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Caught:
    """What would go through a proxy.

    Attributes:
        variables: names of the variables that name a proxy.
        hosts: the hosts that no exception covers.
        exceptions: the exceptions there are, as they are written.
    """

    variables: tuple[str, ...]
    hosts: tuple[str, ...]
    exceptions: str

    @property
    def wanted(self) -> str:
        """The value that `no_proxy` should have."""
        return ",".join(part for part in (self.exceptions.strip(","), *self.hosts) if part)


def caught(environ: Mapping[str, str], hosts: Iterable[str]) -> Caught:
    """Say which of some hosts programs of this shell would ask a proxy for.

    Both spellings of each variable count: some programs read the one, some the other.
    """
    named = tuple(name for base in _PROXIES for name in (base, base.upper()) if environ.get(name))
    written = next((environ[name] for name in _EXCEPTIONS if environ.get(name)), "")
    missed = tuple(host for host in hosts if not _is_excepted(host, written))
    return Caught(named, missed if named else (), written)


def _is_excepted(host: str, written: str) -> bool:
    return any(_covers(entry.strip(), host) for entry in written.split(",") if entry.strip())


def _covers(entry: str, host: str) -> bool:
    """Say whether an entry of `no_proxy` means a host: by name, by end of the name, or by network."""
    entry, host = entry.lower(), host.lower()
    if entry in ("*", host):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return host.endswith(f".{entry.removeprefix('*').lstrip('.')}")
