"""Who is at the other end of a connection from this very host, as the system tells it."""

from __future__ import annotations

import ipaddress
import socket
import struct
from pathlib import Path

PROC = Path("/proc")


def owner(peer: tuple[str, int], mine: tuple[str, int], proc: Path = PROC) -> int | None:
    """Return the user id of whoever has the other end of a TCP connection; None if that is on another host.

    Args:
        peer: address and port of the other end.
        mine: address and port of this end.
        proc: where the system's tables are.
    """
    wanted = [_named(peer), _named(mine)]
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if len(fields) > 7 and [_read(fields[1]), _read(fields[2])] == wanted:  # noqa: PLR2004 - up to the user
                return int(fields[7])
    return None


def _named(end: tuple[str, int]) -> tuple[str, int]:
    address = ipaddress.ip_address(end[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), end[1]


def _read(text: str) -> tuple[str, int]:
    """Read an end as the tables write it: words of the address in the host's order of bytes, and the port."""
    words, _, port = text.partition(":")
    raw = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6  # noqa: PLR2004 - bytes of an address
    return _named((socket.inet_ntop(family, raw), int(port, 16)))
