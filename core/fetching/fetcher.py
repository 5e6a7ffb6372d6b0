"""The two doors. Both stream under a byte cap and a time cap, and check every redirect as if it were the link."""

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from ssl import SSLContext
from typing import Self

import httpcore
import httpx

from core.fetching.failures import FetchFailed, FetchProblem
from core.fetching.public_network import PublicNetwork, PublicTransport, Resolve, resolve_host
from core.pictures.identify import is_html

TRUSTED_BYTES, GIVEN_BYTES = 64_000_000, 32_000_000
SECONDS = 60.0

_REDIRECTS = 3
_PATIENCE = httpx.Timeout(20.0, connect=10.0)
_HEADERS = {"User-Agent": "imagine-bot", "Accept": "image/*", "Accept-Encoding": "identity"}
_GONE = frozenset({403, 404, 410})
_BUSY = frozenset({408, 425, 429})
_ENDS_WITH_PORT = re.compile(r":\d+$")
_DEFAULT_PORTS = {"http": 80, "https": 443}

_MayFollow = Callable[[httpx.URL], bool]


class Fetcher:
    """Fetches files over HTTP. Close it, or use it as `async with`.

    `given_hosts` are the hosts whose links people may give, by exact name. `tls` says which authorities are believed,
    by default httpx's own or those of SSL_CERT_FILE. `resolve` and `network` are how given links find their way; tests
    put their own in. No proxy is asked and no cookie kept.
    """

    def __init__(
        self,
        given_hosts: Collection[str] = (),
        *,
        tls: SSLContext | None = None,
        resolve: Resolve = resolve_host,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._given_hosts = frozenset(host.lower() for host in given_hosts)
        tls = tls or httpx.create_ssl_context()
        public = PublicNetwork(resolve, network or httpcore.AnyIOBackend())
        self._trusted = _client(httpx.AsyncHTTPTransport(verify=tls, trust_env=False))
        self._given = _client(PublicTransport(tls, public))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._trusted.aclose()
        await self._given.aclose()

    async def fetch_trusted(
        self,
        url: str,
        allowed_hosts: Collection[str],
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = TRUSTED_BYTES,
        seconds: float = SECONDS,
        short_retries: Sequence[float] = (),
    ) -> bytes:
        """A file of a host that our settings name: a platform's files, the image service's results.

        `allowed_hosts` are exact: `host`, or `host:port` where the port is not 443. They may resolve to anywhere.
        Plain http is followed to loopback addresses only. `headers` (credentials) go to the link's own origin and
        never further.

        `seconds` is for everything, the waits between the `short_retries` (seconds each) included. Those are for
        links so fresh that their file may not be there yet.

        Raises:
            FetchFailed: nothing was fetched.
        """
        allowed = frozenset(_place(host) for host in allowed_hosts)
        attempt = _Attempt(self._trusted, lambda link: _is_trusted(link, allowed), max_bytes)
        return await _persist(attempt, url, headers or {}, seconds, short_retries)

    def may_fetch(self, url: str) -> bool:
        """Whether a link that a person gave is one that `fetch_given` would follow, as far as it shows."""
        try:
            return _is_given(_parsed(url), self._given_hosts)
        except FetchFailed:
            return False

    async def fetch_given(
        self,
        url: str,
        *,
        max_bytes: int = GIVEN_BYTES,
        seconds: float = SECONDS,
        short_retries: Sequence[float] = (),
    ) -> bytes:
        """A file behind a link that a person gave.

        Only https on port 443, of one of the `given_hosts`, at public addresses. Otherwise as `fetch_trusted`, without
        any credentials.

        Raises:
            FetchFailed: nothing was fetched.
        """
        attempt = _Attempt(self._given, lambda link: _is_given(link, self._given_hosts), max_bytes)
        return await _persist(attempt, url, {}, seconds, short_retries)


class _Attempt:
    """One way to fetch: through which client, to where, and how much."""

    def __init__(self, client: httpx.AsyncClient, may_follow: _MayFollow, max_bytes: int) -> None:
        self._client = client
        self._may_follow = may_follow
        self._max_bytes = max_bytes

    async def fetch(self, url: str, headers: Mapping[str, str]) -> bytes:
        link = _parsed(url)
        for _ in range(_REDIRECTS + 1):
            if not self._may_follow(link):
                raise FetchFailed(FetchProblem.NOT_ALLOWED)
            async with self._client.stream("GET", link, headers=headers) as response:
                if not response.has_redirect_location:
                    return await self._body(response)
            target = _parsed(response.headers["Location"], link)
            headers = headers if _origin(target) == _origin(link) else {}
            link = target
        raise FetchFailed(FetchProblem.BAD_ANSWER)

    async def _body(self, response: httpx.Response) -> bytes:
        _check_head(response)
        if int(response.headers.get("Content-Length", 0)) > self._max_bytes:
            raise FetchFailed(FetchProblem.TOO_LARGE)
        pieces, total = [], 0
        async for piece in response.aiter_raw():
            total += len(piece)
            if total > self._max_bytes:
                raise FetchFailed(FetchProblem.TOO_LARGE)
            pieces.append(piece)
        data = b"".join(pieces)
        if is_html(data):
            raise FetchFailed(FetchProblem.LOGIN_PAGE)
        return data


async def _persist(
    attempt: _Attempt, url: str, headers: Mapping[str, str], seconds: float, short_retries: Sequence[float]
) -> bytes:
    with _told_as_ours():
        async with asyncio.timeout(seconds):
            for delay in short_retries:
                try:
                    with _told_as_ours():
                        return await attempt.fetch(url, headers)
                except FetchFailed as failure:
                    if not failure.retryable and failure.problem is not FetchProblem.GONE:
                        raise
                await asyncio.sleep(delay)
            return await attempt.fetch(url, headers)


@contextmanager
def _told_as_ours() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, httpx.TimeoutException, httpcore.TimeoutException) as error:
        raise FetchFailed(FetchProblem.TIMEOUT) from error
    except (httpx.TransportError, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise FetchFailed(FetchProblem.NETWORK) from error


def _client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(
        transport=transport, headers=_HEADERS, cookies=no_cookies, timeout=_PATIENCE, trust_env=False
    )


def _check_head(response: httpx.Response) -> None:
    status = response.status_code
    if status in _GONE:
        raise FetchFailed(FetchProblem.GONE, status)
    if status == httpx.codes.UNAUTHORIZED:
        raise FetchFailed(FetchProblem.DENIED, status)
    if status in _BUSY or response.is_server_error:
        raise FetchFailed(FetchProblem.BUSY, status)
    if status != httpx.codes.OK or response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchFailed(FetchProblem.BAD_ANSWER, status)


def _parsed(url: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        return base.join(url) if base else httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchFailed(FetchProblem.NOT_ALLOWED) from error


def _place(host: str) -> str:
    """`host:port` of an entry in a list of hosts."""
    return host.lower() if _ENDS_WITH_PORT.search(host) else f"{host.lower()}:{_DEFAULT_PORTS['https']}"


def _host(link: httpx.URL) -> str:
    host = link.raw_host.decode("ascii").lower()
    return f"[{host}]" if ":" in host else host


def _origin(link: httpx.URL) -> tuple[str, str]:
    return link.scheme, f"{_host(link)}:{link.port or _DEFAULT_PORTS.get(link.scheme)}"


def is_trusted(url: str, hosts: Collection[str]) -> bool:
    """Whether an address is at one of `hosts`, as `Fetcher.fetch_trusted` takes them, and is reached in safety."""
    try:
        return _is_trusted(_parsed(url), frozenset(map(_place, hosts)))
    except FetchFailed:
        return False


def _is_trusted(link: httpx.URL, allowed: Collection[str]) -> bool:
    scheme, place = _origin(link)
    secure = scheme == "https" or (scheme == "http" and _is_loopback(link))
    return secure and not link.userinfo and place in allowed


def _is_given(link: httpx.URL, allowed: Collection[str]) -> bool:
    return link.scheme == "https" and link.port is None and not link.userinfo and _host(link) in allowed


def _is_loopback(link: httpx.URL) -> bool:
    try:
        return link.host == "localhost" or ip_address(link.host).is_loopback
    except ValueError:
        return False
