"""Connections to the public internet and nowhere else.

A name is resolved, every one of its addresses is checked, and the connection goes to a checked address, in one step:
there is no second look-up in which a name could change its mind. TLS still speaks for the name.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from ssl import SSLContext

import httpcore
import httpx

from core.fetching.failures import FetchFailed, FetchProblem

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The IP addresses of a host name. Raises OSError where there are none."""

_HTTPS = 443
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_FOR_STRANGERS = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv6Network("2001::/23"),  # protocol assignments, among them Teredo, which carries IPv4 inside
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4, which carries IPv4 inside
    IPv6Network("3fff::/20"),  # documentation
)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, by itself and not by an IPv4 address wrapped in it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if any(parsed in network for network in _NOT_FOR_STRANGERS):
        return False
    if isinstance(parsed, IPv4Address):
        return parsed.is_global and not parsed.is_multicast
    return parsed in _GLOBAL_UNICAST and parsed.is_global


async def resolve_host(host: str) -> Sequence[str]:
    """The addresses that the system knows of a host, the preferred first."""
    found = await asyncio.get_running_loop().getaddrinfo(host, _HTTPS, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connects to hosts all of whose addresses are public.

    Raises FetchFailed NOT_ALLOWED where one is not.
    """

    def __init__(self, resolve: Resolve, network: httpcore.AsyncNetworkBackend) -> None:
        self._resolve = resolve
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first checked address that answers."""
        try:
            addresses = await self._resolve(host)
        except OSError as error:
            raise httpcore.ConnectError("the name does not resolve") from error
        if not all(is_public(address) for address in addresses):
            raise FetchFailed(FetchProblem.NOT_ALLOWED)
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class PublicTransport(httpx.AsyncBaseTransport):
    """An httpx transport whose every connection is made by a `PublicNetwork`. No proxy is ever asked."""

    def __init__(self, tls: SSLContext, network: PublicNetwork) -> None:
        self._pool = httpcore.AsyncConnectionPool(ssl_context=tls, network_backend=network, keepalive_expiry=5.0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. What goes wrong is told in httpcore's errors."""
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.aiter_stream():
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()
