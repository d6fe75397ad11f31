"""The way to one node service: a websocket, or plain HTTP where no websocket gets through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jlab_mcp.client.channel import Channel, UpgradeRefused
from jlab_mcp.client.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.client.wire import Answer, IpVersion

_LONGEST_CODE = 800_000
"""Characters beyond which a call goes by HTTP: servers refuse frames of more than 10 MiB, and a character
takes up to 12 bytes of JSON."""


class Transport:
    """Calls to one node service.

    Args:
        url: of the API, ending in a slash.
        token: the server's.
        connect_s: how long a connection may take, in seconds.
        ip_version: by which alone the server is reached; None for any.
    """

    def __init__(self, url: str, token: str, *, connect_s: float, ip_version: IpVersion) -> None:
        self._channel: Channel | None = Channel(url, token, connect_s=connect_s, ip_version=ip_version)
        self._plain = Plain(url, token, connect_s=connect_s, ip_version=ip_version)

    async def call(
        self, method: str, path: str, *, query: Mapping[str, Any], body: Mapping[str, Any], answer_s: float
    ) -> Answer:
        """Make a call and wait for its answer, `answer_s` seconds at most.

        Raises:
            NoAnswer: none came. Unless nobody was there, the call may have been carried out all the same.
        """
        if self._channel is not None and _length(body) < _LONGEST_CODE:
            try:
                return await self._channel.call(method, path, query=query, body=body, answer_s=answer_s)
            except UpgradeRefused:
                self._channel = None
        return await self._plain.call(method, path, query=query, body=body, answer_s=answer_s)

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._channel is not None:
            await self._channel.close()
        await self._plain.close()


def _length(body: Mapping[str, Any]) -> int:
    return sum(len(value) for value in body.values() if isinstance(value, str))
