"""The HTTP calls of the request queue: the key, the clocks, and what came back, whatever it was.

What matters about a submit that went wrong is whether it can have reached the service. Only a connection that was never
made is certain: everything after it may have made a request, and cost money.
"""

import time
from collections.abc import Generator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx
import structlog

from core.errors import AnswerLost, NotSent, Unavailable
from core.providers.http import (
    BROKEN,
    NOTHING_SENT,
    SECONDS,
    SUBMIT_SECONDS,
    UNREACHABLE_SECONDS,
    Answer,
    exchange,
    fits_header,
    timeout,
)
from core.providers.json_text import to_json
from core.statuses import Failed, FailureReason

MAX_ANSWER_BYTES = 64_000_000

log = structlog.get_logger()


class QueueClient:
    """Calls the API with a key. The key is shown to `base_url` alone, and redirects are not followed."""

    def __init__(self, client: httpx.AsyncClient, *, base_url: str, key: str, organization: str = "") -> None:
        """Raises ValueError for a key or organisation that no header can carry."""
        if not (fits_header(key) and fits_header(organization or "-")):
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
        except NOTHING_SENT as error:
            raise NotSent(Failed(FailureReason.UNREACHABLE, retry_after=UNREACHABLE_SECONDS)) from error
        except BROKEN as error:
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
        except BROKEN as error:
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
            timeout=timeout(seconds),
        )
        answer = await exchange(self._client, request, auth=self._auth, seconds=seconds, most_bytes=MAX_ANSWER_BYTES)
        self._notice_clock(answer.headers)
        return answer

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
