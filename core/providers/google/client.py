"""The HTTP calls to Google: where they go, who they are from, and what came back.

Both APIs answer a request for a picture when the picture is there. Whatever breaks between the first byte sent and the
last byte read may have been drawn, and charged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
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
    timeout,
)
from core.statuses import Failed, FailureReason

MAX_ANSWER_BYTES = 120_000_000
"""Ten pictures, written out as text."""
MOST_BYTES = 100_000_000
"""In a request to the Gemini API since January 2026; Vertex AI takes five times as much of the newest models."""
GEMINI_URL = "https://generativelanguage.googleapis.com"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an API is. `models` and `catalogue` are paths; `files` says that it keeps uploaded files."""

    base_url: str
    models: str
    catalogue: str
    files: bool
    most_bytes: int
    """In one request, with its pictures written out."""


def gemini_api(base_url: str = GEMINI_URL) -> Place:
    """The Gemini Developer API."""
    return Place(base_url.rstrip("/"), "v1beta/models", "v1beta/models", files=True, most_bytes=MOST_BYTES)


def vertex_ai(project: str, location: str, base_url: str = "") -> Place:
    """Vertex AI in a project of Google Cloud; `base_url` is that of the location unless given."""
    host = "aiplatform.googleapis.com" if location == "global" else f"{location}-aiplatform.googleapis.com"
    where = f"projects/{quote(project, safe=':')}/locations/{quote(location, safe='')}"
    return Place(
        (base_url or f"https://{host}").rstrip("/"),
        f"v1beta1/{where}/publishers/google/models",
        "v1beta1/publishers/google/models",
        files=False,
        most_bytes=MOST_BYTES,
    )


class Authority(Protocol):
    """Whom the calls are from."""

    async def auth(self) -> httpx.Auth:
        """What makes a request ours. Raises `Unavailable` where that is not to be had."""
        ...

    def renew(self) -> bool:
        """Forget what was refused; False where there is nothing newer to be had."""
        ...


class GoogleClient:
    """Calls one API. What makes a call ours is shown to its own address alone, and redirects are not followed."""

    def __init__(self, client: httpx.AsyncClient, place: Place, authority: Authority) -> None:
        self.place = place
        self._client = client
        self._authority = authority

    async def generate(self, model: str, body: bytes) -> Answer:
        """Ask a model for a picture, once, waiting for it as long as that takes.

        Raises:
            NotSent: nothing has reached Google.
            AnswerLost: it may have.
        """
        path = f"{self.place.models}/{quote(model, safe='')}:generateContent"
        try:
            return await self._call("POST", path, content=body, seconds=SUBMIT_SECONDS)
        except Unavailable as trouble:
            raise NotSent(trouble.failure) from trouble
        except NOTHING_SENT as error:
            raise NotSent(Failed(FailureReason.UNREACHABLE, retry_after=UNREACHABLE_SECONDS)) from error
        except BROKEN as error:
            log.warning("a request for a picture got no answer", cause=type(error).__name__)
            raise AnswerLost from error

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make a call that costs nothing. Raises `Unavailable` where no answer came."""
        try:
            return await self._call(method, path, query=query, content=content, headers=headers)
        except BROKEN as error:
            raise Unavailable(Failed(FailureReason.OVERLOADED, retry_after=UNREACHABLE_SECONDS)) from error

    async def _call(self, method: str, path: str, **more: Any) -> Answer:
        """Call, and once more where what made it ours was too old: that was refused at the door."""
        answer = await self._once(method, path, **more)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._authority.renew():
            answer = await self._once(method, path, **more)
        return answer

    async def _once(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> Answer:
        auth = await self._authority.auth()
        kind = {} if content is None else {"Content-Type": "application/json"}
        request = self._client.build_request(
            method,
            f"{self.place.base_url}/{path}",
            content=content,
            params=query,
            headers={**kind, **(headers or {})},
            timeout=timeout(seconds),
        )
        return await exchange(self._client, request, auth=auth, seconds=seconds, most_bytes=MAX_ANSWER_BYTES)
