"""On which addresses and ports of this machine something could listen now."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct

_SIOCGIFADDR = 0x8915
"""Linux: get an interface's address."""
_AFTER_FAMILY_AND_PORT = slice(20, 24)


def first_free_port(address: str, low: int, high: int) -> int | None:
    """Return the first port of a range that is free on an address; None if all are taken.

    Raises:
        OSError: nothing can listen on the address; it may not be this machine's.
    """
    return next((port for port in range(low, high + 1) if _is_free(address, port)), None)


def interface_address(name: str) -> str | None:
    """Return the IPv4 address of a network interface, or None if it has none or is not there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", os.fsencode(name)))
        except OSError:
            return None
    return socket.inet_ntoa(answer[_AFTER_FAMILY_AND_PORT])


def interfaces() -> dict[str, str]:
    """Return the network interfaces of this machine that have an IPv4 address, and the address."""
    found = ((name, interface_address(name)) for _, name in socket.if_nameindex())
    return {name: address for name, address in found if address}


def _is_free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            # Linux lets two sockets with SO_REUSEADDR bind one port; only one may listen.
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True
