"""The HTTP calls of the request queue: the key, the clocks, and what came back, whatever it was.

What matters about a submit that went wrong is whether it can have reached the service. Only a connection that was never
made is certain: everything after it may have made a request, and cost money.
"""

import asyncio
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx
import structlog

from core.errors import AnswerLost, NotSent, Unavailable
from core.providers.gmi.json_text import from_json, to_json
from core.turns import Failed, FailureReason

SUBMIT_SECONDS = 600.0
"""Held answers to edits with many pictures were seen to take more than five minutes."""
SECONDS = 30.0
CONNECT_SECONDS = 10.0
UNREACHABLE_SECONDS = 5.0
KEEPALIVE_SECONDS = 2.0
MAX_ANSWER_BYTES = 64_000_000
LARGE_BYTES = 1_000_000

_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_BROKEN = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is JSON; None where it was something else."""

    status: int
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the service did what it was asked."""
        return httpx.codes.is_success(self.status)


def service_client() -> httpx.AsyncClient:
    """The one HTTP client of a process for the image service.

    As many connections as there are held answers. Idle ones are dropped early: a connection that the other side closes
    at the moment it is used again loses a submit.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=KEEPALIVE_SECONDS)
    return httpx.AsyncClient(limits=limits, headers={"User-Agent": "imagine-bot"})


class QueueClient:
    """Calls the API with a key. The key is shown to `base_url` alone, and redirects are not followed."""

    def __init__(self, client: httpx.AsyncClient, *, base_url: str, key: str, organization: str = "") -> None:
        """Raises ValueError for a key or organisation that no header can carry."""
        if not (_fits_header(key) and _fits_header(organization or "-")):
            raise ValueError("a key and an organisation consist of visible ASCII characters")
        self.ahead = 0.0
        """Seconds that the service's clock was ahead of ours when it last spoke."""
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._auth = _Bearer(key)
        self._headers = {"X-Organization-ID": organization} if organization else {}

    async def submit(self, body: Mapping[str, Any], seconds: float = SUBMIT_SECONDS) -> Answer:
        """Make a request, waiting for its answer as long as the service holds it.

        Raises:
            NotSent: no connection was made.
            AnswerLost: the request may be there.
        """
        try:
            return await self._call("POST", "requests", body=body, seconds=seconds)
        except _NOTHING_SENT as error:
            raise NotSent(Failed(FailureReason.UNREACHABLE, retry_after=UNREACHABLE_SECONDS)) from error
        except _BROKEN as error:
            log.warning("a submit got no answer", cause=type(error).__name__)
            raise AnswerLost from error

    async def get(self, *path: str, query: Mapping[str, str | int] | None = None, seconds: float = SECONDS) -> Answer:
        """Read something. Raises `Unavailable` where no answer came."""
        return await self._ask("GET", *path, query=query, seconds=seconds)

    async def post(self, *path: str, body: Mapping[str, Any]) -> Answer:
        """Ask for something that costs nothing. Raises `Unavailable` where no answer came."""
        return await self._ask("POST", *path, body=body)

    async def _ask(self, method: str, *path: str, **more: Any) -> Answer:
        try:
            return await self._call(method, *path, **more)
        except _BROKEN as error:
            raise Unavailable(Failed(FailureReason.OVERLOADED, retry_after=UNREACHABLE_SECONDS)) from error

    async def _call(
        self,
        method: str,
        *path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
        seconds: float = SECONDS,
    ) -> Answer:
        request = self._client.build_request(
            method,
            "/".join((self._base_url, *(quote(step, safe="") for step in path))),
            content=None if body is None else to_json(body),
            params=query,
            headers=self._headers | ({} if body is None else {"Content-Type": "application/json"}),
            timeout=httpx.Timeout(SECONDS, connect=CONNECT_SECONDS, read=seconds),
        )
        # The client's own limit is per read: an answer that drips would be waited for without end.
        async with asyncio.timeout(CONNECT_SECONDS + seconds):
            response = await self._client.send(request, auth=self._auth, follow_redirects=False, stream=True)
            try:
                data = await _read(response)
            finally:
                await response.aclose()
        self._notice_clock(response.headers)
        return Answer(response.status_code, await _parsed(data), response.headers)

    def _notice_clock(self, headers: Mapping[str, str]) -> None:
        try:
            self.ahead = parsedate_to_datetime(headers.get("Date", "")).timestamp() - time.time()
        except (ValueError, OverflowError, OSError):
            return


class _Bearer(httpx.Auth):
    """The key, added as late as possible and visible nowhere else."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key}"
        yield request


async def _read(response: httpx.Response) -> bytes:
    pieces, total = [], 0
    async for piece in response.aiter_bytes():
        total += len(piece)
        if total > MAX_ANSWER_BYTES:
            raise httpx.ReadError("the answer does not end")
        pieces.append(piece)
    return b"".join(pieces)


async def _parsed(data: bytes) -> Any:
    try:
        return await asyncio.to_thread(from_json, data) if len(data) > LARGE_BYTES else from_json(data)
    except ValueError:
        return None


def _fits_header(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
