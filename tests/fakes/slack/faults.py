"""Failures on request, the log of everything asked of the double, and Slack's rate limits."""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.fakes.slack.clock import Clock
from tests.fakes.slack.model import Json

Drop = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Request:
    """One call that reached the double. `answer` is the JSON it gave, `fault` the failure it was told to make."""

    method: str
    verb: str
    args: Json
    team: str | None
    at: float
    status: int
    answer: Json
    fault: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.answer.get("ok"))


@dataclass(slots=True)
class Fault:
    """What to do to the next `times` calls of a method.

    Args:
        method: a Web API method, or `upload`, `download`, `response_url`.
        times: how many calls it hits.
        drop: break the connection `before` the call has an effect or `after` it had one, unanswered.
        error: answer `ok: false` with this error, without an effect.
        status: answer with this HTTP status, without an effect (500, 503).
        retry_after: answer 429 with this many seconds.
        delay: seconds to wait first, in the double's time.
        when: hit only calls whose arguments it is true of.
    """

    method: str
    times: int = 1
    drop: Drop | None = None
    error: str | None = None
    status: int | None = None
    retry_after: int | None = None
    delay: float = 0.0
    when: Callable[[Json], bool] | None = None

    @property
    def name(self) -> str:
        if self.drop:
            return f"drop {self.drop}"
        if self.retry_after is not None:
            return "ratelimited"
        return self.error or (str(self.status) if self.status else "delay")


@dataclass(slots=True)
class Faults:
    waiting: list[Fault] = field(default_factory=list)

    def take(self, method: str, args: Json) -> Fault | None:
        """The fault for this call, counted down, or None."""
        for fault in self.waiting:
            if fault.method == method and (fault.when is None or fault.when(args)):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None


PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}


class RateLimits:
    """Slack's limits per method and workspace, and about one post a second and channel.

    Counted always (`over` tells how often each limit was passed), refused only after `enforce()`: most tests
    are not about time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: dict[tuple[str, ...], list[float]] = defaultdict(list)
        self._enforced = False
        self._burst = 1
        self.over: dict[tuple[str, ...], int] = defaultdict(int)

    def enforce(self, *, channel_burst: int = 1) -> None:
        """From now on calls over a limit are answered 429; a channel takes this many posts at once."""
        self._enforced = True
        self._burst = channel_burst

    def check(self, method: str, team: str, tier: int) -> int | None:
        """Seconds until this call is allowed, or None when it is allowed now."""
        return self._check((method, team), PER_MINUTE[tier], 60.0, always=tier == 1)

    def check_post(self, team: str, channel: str) -> int | None:
        """The same for posting one message into a channel."""
        return self._check(("chat.postMessage", team, channel), self._burst, 1.0 * self._burst, always=False)

    def _check(self, key: tuple[str, ...], most: int, window: float, *, always: bool) -> int | None:
        now = self._clock.now()
        recent = [at for at in self._calls[key] if at > now - window]
        if len(recent) >= most:
            self.over[key] += 1
            if self._enforced or always:
                self._calls[key] = recent
                return max(1, math.ceil(recent[0] + window - now))
        self._calls[key] = [*recent, now]
        return None
