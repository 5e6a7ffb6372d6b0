"""Slack's Web API, with its answers sorted by what they mean for what is done next.

slack_sdk re-sends by itself what a broken connection may have carried already, and Slack knows no idempotency key: a
message would be posted twice. So who may try again is said here: reads always, anything after a short rate limit, and
writes never.

slack:hold:<workspace>:<method>   string  Slack asked all of us to leave a method alone for a while
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import structlog
from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.tokens import Installation, Tokens
from core.errors import PlatformBusy
from core.packing import key

SECONDS = 30.0
SHORT_SECONDS = 2.0
"""How long a rate limit may ask to wait while a slot is kept; longer waits give it back."""
UNSURE_SECONDS = 2.0
"""What was accepted may show up a moment after its answer was lost."""
RATE_LIMITED: Final = 429
SERVER_ERRORS: Final = 500

READS = frozenset(
    {"auth.test", "users.info", "conversations.history", "conversations.replies", "files.info", "chat.getPermalink"}
)
_FORMS = READS | {"files.getUploadURLExternal", "conversations.open", "oauth.v2.access"}
"""Methods that take no JSON."""
_AMBIGUOUS = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
DEAD_TOKENS = frozenset({"invalid_auth", "token_revoked", "token_expired", "account_inactive", "not_authed"})

log = structlog.get_logger()


@dataclass(eq=False)
class Refused(Exception):
    """Slack understood a call and will not do it: nothing happened. `needed` names a missing scope."""

    method: str
    code: str
    needed: str = ""

    def __str__(self) -> str:
        return f"{self.method}: {self.code}" + (f" (needed: {self.needed})" if self.needed else "")


@dataclass(eq=False)
class Unsure(Exception):
    """What became of a call is not known: it may have happened."""

    method: str


class ShortRateLimits(AsyncRateLimitErrorRetryHandler):
    """Waits out a rate limit that is nearly over."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        limited = await super()._can_retry_async(state=state, request=request, response=response, error=error)
        return limited and response is not None and _retry_after(response.headers) <= SHORT_SECONDS


def retry_handlers(*, reads: bool) -> list[AsyncRetryHandler]:
    """Who may send again: rate limits always, broken connections only for reads."""
    handlers: list[AsyncRetryHandler] = [ShortRateLimits(max_retry_count=2)]
    return [*handlers, AsyncConnectionErrorRetryHandler()] if reads else handlers


def make_client(session: aiohttp.ClientSession, base_url: str, *, reads: bool = False) -> AsyncWebClient:
    """A client of slack_sdk over our connections, without a token. `base_url` ends before the method's name."""
    return AsyncWebClient(
        base_url=base_url.rstrip("/") + "/",
        session=session,
        timeout=int(SECONDS),
        retry_handlers=retry_handlers(reads=reads),
    )


class WebApi:
    """Calls methods for any workspace."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, tokens: Tokens, redis: Redis) -> None:
        self.session = session
        self.base_url = base_url
        self.tokens = tokens
        self._redis = redis
        self._reader, self._writer = (make_client(session, base_url, reads=reads) for reads in (True, False))

    async def installation(self, workspace: str) -> Installation:
        """Who we are in a workspace. Raises `Refused` where we are not."""
        found = await self.tokens.of(workspace)
        if found is None:
            raise Refused("installation", "not_installed")
        return found

    async def call(self, workspace: str, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method with our token for the workspace.

        Raises:
            Refused: Slack will not do it.
            Unsure: a write that may have happened.
            PlatformBusy: it did not happen, and may be tried again.
        """
        await self._wait_for_hold(workspace, method)
        installation = await self.installation(workspace)
        try:
            return await self._send(installation.token, method, arguments)
        except SlackApiError as error:
            raise await self._meaning(workspace, method, installation.token, error) from None
        except aiohttp.ClientConnectorError as error:
            raise PlatformBusy(UNSURE_SECONDS) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("the connection to Slack broke", method=method, problem=type(error).__name__)
            if method in READS:
                raise PlatformBusy(UNSURE_SECONDS) from error
            raise Unsure(method) from error

    async def _send(self, token: str, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        client = self._reader if method in READS else self._writer
        headers = {"Authorization": f"Bearer {token}"}
        given = {name: value for name, value in arguments.items() if value is not None}
        if method in _FORMS:
            form = {name: _written(value) for name, value in given.items()}
            answer = await client.api_call(method, data=form, headers=headers)
        else:
            answer = await client.api_call(method, json=given, headers=headers)
        return answer.data if isinstance(answer.data, dict) else {}

    async def _meaning(
        self, workspace: str, method: str, token: str, error: SlackApiError
    ) -> Refused | Unsure | PlatformBusy:
        response: Any = error.response
        status = int(getattr(response, "status_code", 0) or getattr(response, "status", SERVER_ERRORS))
        data = getattr(response, "data", None)
        said = data if isinstance(data, dict) else {}
        code = str(said.get("error") or f"http_{status}")
        if status == RATE_LIMITED or code in ("ratelimited", "rate_limited"):
            seconds = _retry_after(response.headers)
            await self._redis.set(key("slack", "hold", workspace, method), "1", px=max(1, round(seconds * 1000)))
            return PlatformBusy(seconds)
        if status >= SERVER_ERRORS or code in _AMBIGUOUS:
            return PlatformBusy(UNSURE_SECONDS) if method in READS else Unsure(method)
        if code in DEAD_TOKENS:
            await self.tokens.died(workspace, token)
        if code == "missing_scope":
            log.error("a scope is missing: re-install the app", method=method, needed=said.get("needed"))
        return Refused(method, code, str(said.get("needed") or ""))

    async def _wait_for_hold(self, workspace: str, method: str) -> None:
        left = await self._redis.pttl(key("slack", "hold", workspace, method)) / 1000
        if left > SHORT_SECONDS:
            raise PlatformBusy(left)
        if left > 0:
            await asyncio.sleep(left)


def _retry_after(headers: Any) -> float:
    for name, value in dict(headers).items():
        if name.lower() == "retry-after":
            first = value[0] if isinstance(value, list) else value
            return float(first) if str(first).isdigit() else 1.0
    return 1.0


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)
