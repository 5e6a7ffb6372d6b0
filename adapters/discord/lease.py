"""Who hears a shard: one process at a time, by a lease with a fencing number, and where its session stands.

    discord:lease:<shard>      string   the holder, for six seconds unless renewed
    discord:fence:<shard>      string   counts the holders; a later one has a larger number
    discord:session:<shard>    JSON     the gateway session to resume, under the number of who wrote it
    discord:identify:<bucket>  string   somebody of this bucket identifies; for five seconds
    discord:gateways           zset     processes that hear Discord, by when they last said so

`<shard>` is `<id>-of-<count>`. The keys of one shard share a hash tag.
"""

import asyncio
import time
from dataclasses import dataclass
from uuid import uuid4

from redis.asyncio import Redis

from core.packing import key, pack, unpack

LEASE_SECONDS = 6.0
RENEW_SECONDS = 1.0
SESSION_SECONDS = 3600
FENCE_SECONDS = 30 * 86_400
IDENTIFY_SECONDS = 5.0
PRESENT_SECONDS = 10.0

_TAKE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local fence = redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return fence
"""
_RENEW = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
if not held and redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_SAVE = """
if tonumber(redis.call('GET', KEYS[1]) or '0') ~= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return 1
"""
_FORGET = """
if tonumber(redis.call('GET', KEYS[1]) or '0') ~= tonumber(ARGV[1]) then return 0 end
return redis.call('DEL', KEYS[2])
"""


@dataclass(frozen=True, slots=True)
class Session:
    """A gateway session: `sequence` is that of the last event of which everything up to it was dealt with.

    `gateway` is the address to resume it at, empty for the usual one.
    """

    id: str
    sequence: int
    gateway: str


class Lease:
    """The right to hear one shard."""

    def __init__(self, redis: Redis, shard: int, count: int) -> None:
        self.redis = redis
        self.shard = shard
        self.fence = 0
        self._token = uuid4().hex
        tag = f"{{{shard}-of-{count}}}"
        self._lease, self._fence, self._session = (key("discord", what, tag) for what in ("lease", "fence", "session"))

    async def take(self) -> bool:
        """Take the shard if nobody hears it."""
        milliseconds = round(LEASE_SECONDS * 1000)
        self.fence = int(
            await self.redis.eval(_TAKE, 2, self._lease, self._fence, self._token, milliseconds, FENCE_SECONDS)
        )
        return self.fence > 0

    async def renew(self) -> bool:
        """Keep the shard; False when somebody else has it, or has had it."""
        milliseconds = round(LEASE_SECONDS * 1000)
        arguments = (self._token, milliseconds, self.fence)
        return bool(await self.redis.eval(_RENEW, 2, self._lease, self._fence, *arguments))

    async def release(self) -> None:
        """Let somebody else have it at once."""
        await self.redis.eval(_RELEASE, 1, self._lease, self._token)

    async def save(self, session: Session) -> bool:
        """Write where the session stands; False when a later holder has begun."""
        arguments = (self.fence, pack(Session, session), SESSION_SECONDS)
        return bool(await self.redis.eval(_SAVE, 2, self._fence, self._session, *arguments))

    async def session(self) -> Session | None:
        """The session that an earlier holder left."""
        found = await self.redis.get(self._session)
        return unpack(Session, found) if found else None

    async def forget_session(self) -> None:
        """Drop a session that Discord no longer knows, unless a later holder has one of its own."""
        await self.redis.eval(_FORGET, 2, self._fence, self._session, self.fence)


async def turn_to_identify(redis: Redis, shard: int, at_once: int) -> None:
    """Wait until this shard may identify: one of each bucket in five seconds, by all processes together."""
    name = key("discord", "identify", shard % max(1, at_once))
    while not await redis.set(  # noqa: ASYNC110 - the moment is in Redis
        name, shard, nx=True, px=round(IDENTIFY_SECONDS * 1000)
    ):
        await asyncio.sleep(max(0.05, await redis.pttl(name) / 1000))


class Presence:
    """How many processes hear Discord, so that each takes its share of the shards."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._name = uuid4().hex

    async def share(self, shards: int) -> int:
        """How many of the shards this process should hear. Says at the same time that it is there."""
        name, now = key("discord", "gateways"), time.time()
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.zadd(name, {self._name: now})
            pipe.zremrangebyscore(name, 0, now - PRESENT_SECONDS)
            pipe.zcard(name)
            pipe.expire(name, round(PRESENT_SECONDS * 2))
            present = int((await pipe.execute())[2])
        return -(-shards // max(1, present))

    async def leave(self) -> None:
        """Say that this process is going."""
        await self.redis.zrem(key("discord", "gateways"), self._name)
