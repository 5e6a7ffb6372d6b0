"""What Slack sends to the app: each event, command or interaction, its attempts and their outcome."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Literal

from tests.fakes.slack.model import Json

Kind = Literal["events_api", "slash_commands", "interactive"]


@dataclass(slots=True)
class Attempt:
    """One try. `latency` is seconds until the acknowledgement, None when there was none.

    `via` is `http` or `socket N`; `body` and `headers` are what went over HTTP.
    """

    number: int
    reason: str | None
    via: str = ""
    latency: float | None = None
    failure: str = ""
    status: int | None = None
    answer: Json | None = None
    body: bytes = field(default=b"", repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    started: float = field(default_factory=time.monotonic, repr=False)

    def acknowledged(self) -> None:
        self.latency = time.monotonic() - self.started


@dataclass(slots=True, eq=False)
class Delivery:
    """Something sent to the app until it acknowledges.

    Attributes:
        answer: the JSON of the acknowledgement (`response_action`, a command's text), None when empty.
        failed: why Slack gave up: `operation_timeout`, `http_error`, `dispatch_failed`; empty while it has not.
    """

    id: str
    kind: Kind
    payload: Json = field(repr=False)
    attempts: list[Attempt] = field(default_factory=list)
    answer: Json | None = None
    failed: str = ""
    settled: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def acked(self) -> bool:
        return any(attempt.latency is not None for attempt in self.attempts)

    @property
    def latency(self) -> float | None:
        """Seconds from the first attempt's start to the acknowledgement of the one that got it."""
        return next((a.latency for a in self.attempts if a.latency is not None), None)

    @property
    def name(self) -> str:
        """The event's type, the command, or the interaction's type."""
        event = self.payload.get("event", {})
        return str(event.get("type") or self.payload.get("command") or self.payload.get("type"))
