"""The speed that a service allows, learnt from its own refusals and shared by all workers.

    pace:<lane>             hash    `next`, when the next request may go (seconds since the epoch); `interval`, seconds

What was learnt is forgotten ten minutes after the last refusal: a limit may have been raised since.
"""

import time

from redis.asyncio import Redis

from core.packing import key

FORGET_SECONDS = 600

_TAKE = """
local now = tonumber(ARGV[1])
local wait = tonumber(redis.call('HGET', KEYS[1], 'next') or '0') - now
if wait > 0 then return tostring(wait) end
local interval = redis.call('HGET', KEYS[1], 'interval')
if interval then redis.call('HSET', KEYS[1], 'next', now + tonumber(interval)) end
return '0'
"""

_LEARN = """
local now, after, interval = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local next = math.max(tonumber(redis.call('HGET', KEYS[1], 'next') or '0'), now + after)
redis.call('HSET', KEYS[1], 'next', next)
if interval > 0 then redis.call('HSET', KEYS[1], 'interval', interval) end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""


def pace_key(lane: str) -> str:
    """Where the pace of a lane is kept."""
    return key("pace", lane)


class Pace:
    """How soon the next request of a lane may go."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def take(self, lane: str) -> float:
        """Take the right to send one request now (0), or learn how many seconds to wait before asking again."""
        return float(await self.redis.eval(_TAKE, 1, pace_key(lane), str(time.time())))

    async def learn(self, lane: str, *, after: float, limit: tuple[int, float] | None) -> None:
        """A service said no: nothing for `after` seconds, and from then on `limit` requests in so many seconds."""
        interval = limit[1] / limit[0] if limit and limit[0] > 0 else 0.0
        keep = max(FORGET_SECONDS, round(after) + 60)
        await self.redis.eval(_LEARN, 1, pace_key(lane), str(time.time()), str(after), str(interval), str(keep))
