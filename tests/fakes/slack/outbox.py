"""Deliveries to the app: over Socket Mode or signed HTTP, with Slack's retries."""

import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import aiohttp

from tests.fakes.slack.clock import Clock
from tests.fakes.slack.delivery import Attempt, Delivery, Kind
from tests.fakes.slack.model import App, Json
from tests.fakes.slack.sockets import Sockets
from tests.fakes.slack.tasks import Tasks

RETRIES_AFTER = (0.0, 0.0, 60.0, 300.0)
"""Seconds before each attempt: the first, then at once, after a minute, after five."""

_USER_FAILURE = {
    "timeout": "operation_timeout",
    "http_timeout": "operation_timeout",
    "connection_failed": "dispatch_failed",
}


def signed(secret: str, body: bytes, at: float) -> dict[str, str]:
    """The two signature headers for a raw body (authentication/verifying-requests-from-slack)."""
    moment = str(int(at))
    digest = hmac.new(secret.encode(), b"v0:" + moment.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={digest}"}


def encoded(kind: Kind, payload: Json) -> tuple[bytes, str]:
    """A payload as Slack puts it on the wire, with its content type."""
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


class Outbox:
    """Everything that was sent to the app, in order.

    Attributes:
        ack_timeout: seconds the app has to acknowledge.
        sent: all deliveries so far.
    """

    def __init__(self, app: App, clock: Clock, sockets: Sockets) -> None:
        self._app = app
        self._clock = clock
        self._sockets = sockets
        self._tasks = Tasks()
        self._session: aiohttp.ClientSession | None = None
        self.ack_timeout = 3.0
        self.sent: list[Delivery] = []

    def send(self, kind: Kind, payload: Json) -> Delivery:
        """Begin delivering; only events are tried again when nobody acknowledges."""
        delivery = Delivery(f"D{len(self.sent) + 1}", kind, payload)
        self.sent.append(delivery)
        self._tasks.start(self._deliver(delivery))
        return delivery

    def again(self, delivery: Delivery, *, number: int = 1, reason: str = "http_timeout") -> None:
        """Deliver something once more, acknowledged or not, as a retry."""
        self._tasks.start(self._attempt(delivery, number, reason))

    async def _deliver(self, delivery: Delivery) -> None:
        waits = RETRIES_AFTER if delivery.kind == "events_api" else RETRIES_AFTER[:1]
        reason: str | None = None
        for number, wait in enumerate(waits):
            if wait:
                await self._clock.sleep(wait)
            attempt = await self._attempt(delivery, number, reason)
            if attempt.latency is not None:
                return
            reason = attempt.failure
            if attempt.headers.get("x-slack-no-retry") == "1":
                break
        delivery.failed = _USER_FAILURE.get(reason or "", reason or "dispatch_failed")
        delivery.settled.set()

    async def _attempt(self, delivery: Delivery, number: int, reason: str | None) -> Attempt:
        attempt = Attempt(number, reason)
        delivery.attempts.append(attempt)
        if self._app.request_url is None:
            await self._sockets.attempt(delivery, attempt, self.ack_timeout)
        else:
            await self._attempt_http(delivery, attempt, self._app.request_url)
        if attempt.latency is not None:
            if delivery.answer is None:
                delivery.answer = attempt.answer
            delivery.settled.set()
        return attempt

    async def _attempt_http(self, delivery: Delivery, attempt: Attempt, url: str) -> None:
        attempt.via = "http"
        attempt.body, content_type = encoded(delivery.kind, delivery.payload)
        attempt.headers = {"Content-Type": content_type} | signed(self._app.signing_secret, attempt.body, time.time())
        if attempt.number:
            attempt.headers |= {
                "X-Slack-Retry-Num": str(attempt.number),
                "X-Slack-Retry-Reason": attempt.reason or "unknown_error",
            }
        try:
            attempt.status, text, headers = await self.post(url, attempt.body, attempt.headers)
        except TimeoutError:
            attempt.failure = "http_timeout"
        except aiohttp.ClientError:
            attempt.failure = "connection_failed"
        else:
            if 200 <= attempt.status < 300:
                attempt.acknowledged()
                attempt.answer = _as_json(text)
            else:
                attempt.failure = "http_error"
                attempt.headers |= {"x-slack-no-retry": headers.get("x-slack-no-retry", "")}

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, dict[str, str]]:
        """One POST to the app, waiting at most `ack_timeout`: its status, text and headers (lower case)."""
        if self._session is None:
            agent = {"User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
            self._session = aiohttp.ClientSession(headers=agent)
        timeout = aiohttp.ClientTimeout(total=self.ack_timeout)
        async with self._session.post(url, data=body, headers=headers, timeout=timeout) as answer:
            lowered = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, await answer.text(), lowered

    async def close(self) -> None:
        """Give up whatever is still to be delivered."""
        try:
            await self._tasks.close()
        finally:
            if self._session is not None:
                await self._session.close()


def _as_json(text: str) -> Json | None:
    if not text:
        return None
    try:
        answer = json.loads(text)
    except ValueError:
        return {"text": text}
    return answer if isinstance(answer, dict) else None
