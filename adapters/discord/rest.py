"""Discord's REST API for one bot: discord.py's client, which keeps to the rate limits, with our own patience around it.

Every call here may safely be made twice: posts carry a nonce, a second thread or a second answer to an interaction is
refused. So a call whose answer was lost is made again.
"""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient, Route
from discord.webhook.async_ import AsyncWebhookAdapter

from core.errors import PlatformBusy

PAUSES = (0.4, 1.2)
LOGIN_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
LONGEST_WAIT = 30.0
"""Seconds that a rate limit may ask for before the turn is rather put aside."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to post, with its alternative text."""

    name: str
    data: bytes = field(repr=False)
    media_type: str
    alt: str = ""


@dataclass(eq=False)
class Refused(Exception):
    """Discord said no, and will say so again. `code` is Discord's own, 0 where it gave none."""

    status: int
    code: int
    what: str

    def __str__(self) -> str:
        return f"{self.what}: {self.status}, code {self.code}"


class Rest:
    """The calls of one bot. Raises `Refused` and `PlatformBusy`."""

    def __init__(self, http: HTTPClient, session: aiohttp.ClientSession, *, user: str, application: str) -> None:
        """`user` and `application` are the bot's own ids; `answering` counts the interactions under way."""
        self.http = http
        self.user = user
        self.application = application
        self.answering = 0
        self._session = session
        self._webhooks: AsyncWebhookAdapter = AsyncWebhookAdapter()  # type: ignore[no-untyped-call]

    async def call(
        self, method: str, path: str, body: Any = None, *, files: Sequence[File] = (), query: Any = None, **ids: str
    ) -> Any:
        """One call with the bot's token; `ids` fill in the blanks of `path`."""
        route = Route(method, path, **ids)
        query_and_body: dict[str, Any] = {"params": query} if query else {}
        if body is not None and not files:
            query_and_body["json"] = body

        def attempt() -> Awaitable[Any]:
            return self.http.request(route, **query_and_body, **(_upload("form", body, files) if files else {}))

        return await self._persist(f"{method} {path}", attempt)

    async def answer(self, interaction: str, token: str, body: Mapping[str, Any]) -> None:
        """The first answer to an interaction."""
        route = Route(
            "POST",
            "/interactions/{webhook_id}/{webhook_token}/callback",
            webhook_id=interaction,
            webhook_token=token,
        )
        request = self._webhooks.request
        # discord.py bounds nothing here, and nobody waits for more than three seconds.
        await self._persist("answer", lambda: request(route, self._session, payload=dict(body)), seconds=2.5)

    async def original(
        self, method: str, token: str, body: Any = None, *, files: Sequence[File] = (), message: str = "@original"
    ) -> Any:
        """Read (GET), change (PATCH) or remove (DELETE) what an interaction was answered with."""
        path = "/webhooks/{webhook_id}/{webhook_token}/messages/{message}"
        route = Route(method, path, webhook_id=self.application, webhook_token=token, message=message)

        def attempt() -> Awaitable[Any]:
            arguments = _upload("multipart", body, files) if files else {"payload": body}
            return self._webhooks.request(route, self._session, **arguments)

        return await self._persist(f"{method} {message}", attempt)

    async def _persist(self, what: str, attempt: Callable[[], Awaitable[Any]], *, seconds: float = 120.0) -> Any:
        for pause in (*PAUSES, None):
            try:
                async with asyncio.timeout(seconds):
                    return await attempt()
            except discord.RateLimited as limited:
                raise PlatformBusy(limited.retry_after) from limited
            except discord.HTTPException as error:
                if error.status == 429:  # noqa: PLR2004 - too many requests, from before Discord's own door
                    raise PlatformBusy(10.0) from error
                if error.status < 500:  # noqa: PLR2004 - from here on it is Discord's own trouble
                    raise Refused(error.status, error.code, what) from None
                problem: Exception = error
            except (OSError, aiohttp.ClientError, TimeoutError) as error:
                problem = error
            if pause is None:
                raise PlatformBusy(3.0) from problem
            await asyncio.sleep(pause)
        raise AssertionError


async def _login(token: str) -> discord.Client:
    """A client that has logged in, against a Discord that stumbles. Each attempt has sessions of its own to close."""
    for pause in (*LOGIN_PAUSES, None):
        try:
            async with AsyncExitStack() as attempt:
                client = discord.Client(intents=discord.Intents(guilds=True), max_ratelimit_timeout=LONGEST_WAIT)
                await attempt.enter_async_context(client)
                await client.login(token)
                attempt.pop_all()
                return client
        except (discord.DiscordServerError, aiohttp.ClientError, OSError, TimeoutError):
            if pause is None:
                raise
        await asyncio.sleep(pause)
    raise AssertionError


@asynccontextmanager
async def open_rest(token: str) -> AsyncIterator[Rest]:
    """Log in over REST, without a gateway, until the block is left.

    Raises `discord.LoginFailure` where the token is not one.
    """
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        client = await _login(token)
        try:
            assert client.user is not None  # noqa: S101 - logged in
            user, application = str(client.user.id), str(client.application_id)
            yield Rest(client.http, session, user=user, application=application)
        finally:
            await client.close()


def _upload(how: str, body: Any, files: Sequence[File]) -> dict[str, Any]:
    """The arguments of an upload. discord.py rewinds the files when it tries again by itself."""
    opened = [discord.File(io.BytesIO(file.data), file.name, description=file.alt or None) for file in files]
    payload = {**(body or {}), "attachments": [file.to_dict(number) for number, file in enumerate(opened)]}
    parts: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps(payload)}]
    for number, (file, ours) in enumerate(zip(opened, files, strict=True)):
        parts.append(
            {
                "name": f"files[{number}]",
                "value": file.fp,
                "filename": file.filename,
                "content_type": ours.media_type,
            }
        )
    return {how: parts, "files": opened}
