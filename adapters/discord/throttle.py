"""Edits of a channel's announcements, spread out: one in two seconds, by all workers together.

discord:edits:<channel>   string   when the next edit may be made, in milliseconds since the epoch
discord:face:<key>        hash     of one announcement: `face`, what it shows now; `at`, the moment of its last edit
"""

import time

from redis.asyncio import Redis

from core.packing import key

EVERY_SECONDS = 2.0
FACE_SECONDS = 86_400

_MAY_EDIT = """
local now, every, face = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
if redis.call('HGET', KEYS[2], 'face') == face then return 0 end
if tonumber(redis.call('GET', KEYS[1]) or '0') > now then return 0 end
redis.call('SET', KEYS[1], now + every, 'PX', every)
redis.call('HSET', KEYS[2], 'face', face)
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1
"""

_LAST = """
local now, every = tonumber(ARGV[1]), tonumber(ARGV[2])
local at = tonumber(redis.call('HGET', KEYS[2], 'at') or '0')
if at == 0 then
  at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
  redis.call('SET', KEYS[1], at + every, 'PX', at + every - now)
  redis.call('HSET', KEYS[2], 'at', at)
  redis.call('EXPIRE', KEYS[2], ARGV[4])
end
return math.max(0, at - now)
"""


class Throttle:
    """Says when an announcement may be edited."""

    def __init__(self, redis: Redis, *, every: float = EVERY_SECONDS) -> None:
        """`every` is in seconds."""
        self.redis = redis
        self._every = round(every * 1000)

    async def shows(self, name: str, face: str) -> None:
        """Note what an announcement shows from the start."""
        await self.redis.hset(key("discord", "face", name), "face", face)
        await self.redis.expire(key("discord", "face", name), FACE_SECONDS)

    async def may_edit(self, channel: str, name: str, face: str) -> bool:
        """Whether an edit that may be left out may be made now, and would change anything."""
        return bool(await self._ask(_MAY_EDIT, channel, name, face))

    async def until_last(self, channel: str, name: str) -> float:
        """Seconds until the last edit of an announcement may be made; its moment is kept for it."""
        return await self._ask(_LAST, channel, name, "") / 1000

    async def _ask(self, script: str, channel: str, name: str, face: str) -> int:
        keys = (key("discord", "edits", channel), key("discord", "face", name))
        now = round(time.time() * 1000)
        return int(await self.redis.eval(script, 2, *keys, now, self._every, face, FACE_SECONDS))
