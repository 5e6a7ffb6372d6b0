"""What every image service's HTTP client does alike: one connection pool, answers of bounded size, no redirects."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from core.providers.json_text import from_json

SUBMIT_SECONDS = 600.0
"""Held answers to edits with many pictures were seen to take more than five minutes."""
SECONDS = 30.0
CONNECT_SECONDS = 10.0
UNREACHABLE_SECONDS = 5.0
KEEPALIVE_SECONDS = 2.0
LARGE_BYTES = 1_000_000

NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""What is raised while it is certain that nothing has reached the service."""
BROKEN = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError)
"""All that is raised where no answer came."""


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
    """The one HTTP client of a process for its image services.

    As many connections as there are held answers. Idle ones are dropped early: a connection that the other side closes
    at the moment it is used again loses a submit.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=KEEPALIVE_SECONDS)
    return httpx.AsyncClient(limits=limits, headers={"User-Agent": "imagine-bot"})


def timeout(seconds: float) -> httpx.Timeout:
    """The limits of a call whose answer may take so long to begin."""
    return httpx.Timeout(SECONDS, connect=CONNECT_SECONDS, read=seconds)


async def exchange(
    client: httpx.AsyncClient, request: httpx.Request, *, auth: httpx.Auth, seconds: float, most_bytes: int
) -> Answer:
    """Send a request once and read its answer, without following it anywhere. Raises what `BROKEN` lists."""
    # The client's own limit is per read: an answer that drips would be waited for without end.
    async with asyncio.timeout(CONNECT_SECONDS + seconds):
        response = await client.send(request, auth=auth, follow_redirects=False, stream=True)
        try:
            data = await _read(response, most_bytes)
        finally:
            await response.aclose()
    return Answer(response.status_code, await _parsed(data), response.headers)


def fits_header(text: str) -> bool:
    """Whether a secret can be sent in a header."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


async def _read(response: httpx.Response, most_bytes: int) -> bytes:
    pieces, total = [], 0
    async for piece in response.aiter_bytes():
        total += len(piece)
        if total > most_bytes:
            raise httpx.ReadError("the answer does not end")
        pieces.append(piece)
    return b"".join(pieces)


async def _parsed(data: bytes) -> Any:
    try:
        return await asyncio.to_thread(from_json, data) if len(data) > LARGE_BYTES else from_json(data)
    except ValueError:
        return None
