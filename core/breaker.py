"""Stops sending to a model that keeps failing, and finds out, one request at a time, when it is back.

    breaker:<lane>          hash    `failures` in a row; once it is open `since`, `until` (when it may be tried again),
                                    `pause`, `reason`, `probe` (the attempt that tries it) and `probe_until`

Closed, it counts failures in a row. Open, nothing is sent until `until`. From then on it is half-open: one request at a
time, of all processes together, is let through as a probe. Any success closes it, a failed probe opens it for longer.
Refusals of content and rate limits say that the service is there. What was counted is forgotten ten minutes after the
last failure, an open breaker a day after.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from redis.asyncio import Redis

from core.packing import key, text
from core.statuses import OUTAGES, STANDING, FailureReason

FORGET_SECONDS = 600
DAY = 86_400
PROBE_SECONDS = 15.0
"""A probe whose process has not been heard of for so long is given up."""
MOST_FAILURES = 3
LONGEST_PAUSE = 30.0
STANDING_PAUSE = 60.0


_TAKE = """
local attempt, now, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local untl, probe, probe_until = unpack(redis.call('HMGET', KEYS[1], 'until', 'probe', 'probe_until'))
if not untl then return '0' end
if now < tonumber(untl) then return tostring(tonumber(untl) - now) end
if probe and probe ~= attempt and now < tonumber(probe_until) then return tostring(tonumber(probe_until) - now) end
redis.call('HSET', KEYS[1], 'probe', attempt, 'probe_until', now + lease)
return '0'
"""
_STILL = """
if redis.call('HGET', KEYS[1], 'probe') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'probe_until', tonumber(ARGV[2]) + tonumber(ARGV[3]))
end
return 1
"""
_FAIL = """
local attempt, now, reason, most = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local first, longest, forget, keep = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], ARGV[8]
local untl, pause, probe, probe_until =
  unpack(redis.call('HMGET', KEYS[1], 'until', 'pause', 'probe', 'probe_until'))
if untl then
  local probed = probe and probe ~= attempt and now < tonumber(probe_until)
  if now < tonumber(untl) or probed then return 0 end
  pause = math.max(first, math.min(longest, tonumber(pause) * 2))
else
  local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
  redis.call('EXPIRE', KEYS[1], forget)
  if failures < most then return 0 end
  redis.call('HSET', KEYS[1], 'since', now)
  pause = first
end
redis.call('HSET', KEYS[1], 'until', now + pause, 'pause', pause, 'reason', reason)
redis.call('HDEL', KEYS[1], 'probe', 'probe_until')
redis.call('EXPIRE', KEYS[1], keep)
return untl and 0 or 1
"""


class Position(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Condition:
    """How a lane fares. `since` is when it went down (seconds since the epoch), `busy` that somebody probes it now."""

    position: Position = Position.CLOSED
    reason: FailureReason = FailureReason.INTERNAL
    since: float = 0.0
    busy: bool = False

    @property
    def stopped(self) -> bool:
        """Whether nothing new would be sent just now."""
        return self.position is Position.OPEN or self.busy


class Breaker:
    """The breakers of all lanes, shared by all workers."""

    def __init__(self, redis: Redis, *, pause: float = 5.0, clock: Callable[[], float] = time.time) -> None:
        """`pause` is how many seconds it is open at first; `clock` gives seconds since the epoch."""
        self.redis = redis
        self.pause = pause
        self.clock = clock

    async def take(self, lane: str, attempt: str) -> float:
        """Take leave to send (0), as the probe where one is due, or learn in how many seconds to ask again."""
        arguments = (attempt, str(self.clock()), str(PROBE_SECONDS))
        return float(await self.redis.eval(_TAKE, 1, key("breaker", lane), *arguments))

    async def still(self, lane: str, attempt: str) -> None:
        """Say that the attempt is alive, should it be the probe."""
        await self.redis.eval(_STILL, 1, key("breaker", lane), attempt, str(self.clock()), str(PROBE_SECONDS))

    async def note(self, lane: str, attempt: str, failure: FailureReason | None) -> bool:
        """Note how an attempt went; True when that has opened the breaker.

        A service that took a request, or refused it for what it asks, is there.
        """
        if failure in OUTAGES | STANDING:
            return await self.fail(lane, attempt, failure)
        await self.redis.delete(key("breaker", lane))
        return False

    async def fail(self, lane: str, attempt: str, reason: FailureReason) -> bool:
        """Count a failure; True when it has opened the breaker. What comes late to an open one is passed over."""
        standing = reason in STANDING
        most, first = (1, STANDING_PAUSE) if standing else (MOST_FAILURES, self.pause)
        longest = max(first, LONGEST_PAUSE)
        numbers = (self.clock(), reason.value, most, first, longest, FORGET_SECONDS, DAY)
        return bool(await self.redis.eval(_FAIL, 1, key("breaker", lane), attempt, *map(str, numbers)))

    async def condition(self, lane: str) -> Condition:
        """Where the breaker of a lane stands."""
        found: dict[bytes, bytes] = await self.redis.hgetall(key("breaker", lane))  # type: ignore[assignment]
        if b"until" not in found:
            return Condition()
        now = self.clock()
        reason, since = FailureReason(text(found[b"reason"])), float(found[b"since"])
        if now < float(found[b"until"]):
            return Condition(Position.OPEN, reason, since)
        return Condition(Position.HALF_OPEN, reason, since, busy=now < float(found.get(b"probe_until", 0)))
