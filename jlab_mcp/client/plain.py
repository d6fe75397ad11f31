"""The same calls as HTTP requests: slower, but let through where websockets are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jlab_mcp.client.wire import Answer, Broken, NobodyThere, Silence

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from jlab_mcp.client.wire import IpVersion

_OVERDUE = 20.0
"""Seconds that an answer may be late before its connection is taken for dead; the request goes out again."""
_ANY_ADDRESS = {None: None, 4: "0.0.0.0", 6: "::"}  # noqa: S104
"""What a connection of a version of IP begins at; there is no other way to say which version is meant."""


class Plain:
    """HTTP requests to the node service, over kept connections.

    Args:
        url: of the API, ending in a slash.
        token: the server's.
        connect_s: how long a connection may take, in seconds.
        ip_version: by which alone the server is reached; None for any.
    """

    def __init__(self, url: str, token: str, *, connect_s: float, ip_version: IpVersion) -> None:
        self._url = url
        self._token = token
        self._connect_s = connect_s
        self._from = _ANY_ADDRESS[ip_version]
        self._http: httpx.AsyncClient | None = None

    async def call(
        self, method: str, path: str, *, query: Mapping[str, Any], body: Mapping[str, Any], answer_s: float
    ) -> Answer:
        """Send a request and wait for its answer, `answer_s` seconds at most.

        Raises:
            NoAnswer: none came.
        """
        import httpx

        late_s = min(answer_s, float(body.get("wait", query.get("wait", 0.0))) + _OVERDUE)
        timeout = httpx.Timeout(late_s, connect=self._connect_s, pool=None)
        content = body if method == "POST" else None
        try:
            response = await self._client().request(
                method, self._url + path, json=content, params=dict(query), timeout=timeout
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            raise NobodyThere from exc
        except httpx.TimeoutException as exc:
            if late_s == answer_s:
                raise Silence from exc
            await self.close()  # connections that are idle now are as dead
            raise Broken from exc
        except httpx.TransportError as exc:
            raise Broken from exc
        return Answer(response.status_code, response.content)

    async def close(self) -> None:
        """Close the connections."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx

            self._http = httpx.AsyncClient(
                # A proxy meant for the internet must not see, or stop, what goes to the server.
                trust_env=False,
                headers={"Authorization": f"token {self._token}"},
                transport=httpx.AsyncHTTPTransport(
                    local_address=self._from,
                    limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
                ),
            )
        return self._http
