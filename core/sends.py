"""What is being sent to the image service at this moment, so that an answer that is lost can be told from the others.

No idempotency key exists, and a lost request can only be found again in the service's list by its payload. So while one
is being looked for, nothing with the same payload is sent.

    sends:<lane>:<digest>   hash    attempt -> `sending` or `lost`, for a quarter of an hour
    sends:<lane>            zset    attempts of which it is not known what became of them, by when they began
    sender:<attempt>        string  the process that sends it is alive
    claimed:<lane>:<id>     string  which turn a request of the service belongs to, for a day
"""

import time

from redis.asyncio import Redis

from core.packing import key, text

ALIVE_SECONDS = 15
KEEP_SECONDS = 900
DAY = 86_400

_BEGIN = """
for _, state in ipairs(redis.call('HVALS', KEYS[1])) do
  if state == 'lost' then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], 'sending')
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], '1', 'EX', ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', tonumber(ARGV[4]) - tonumber(ARGV[2]))
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('EXPIRE', KEYS[3], ARGV[2])
return 1
"""


class Sends:
    """The sendings under way, of all workers."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def begin(self, lane: str, digest: str, attempt: str) -> bool:
        """Begin to send a payload; False while an equal one is being looked for."""
        keys = (key("sends", lane, digest), key("sender", attempt), key("sends", lane))
        times = (str(KEEP_SECONDS), str(ALIVE_SECONDS), str(time.time()))
        return bool(await self.redis.eval(_BEGIN, 3, *keys, attempt, *times))

    async def still(self, attempt: str) -> None:
        """Say that the sending process is alive."""
        await self.redis.set(key("sender", attempt), "1", ex=ALIVE_SECONDS)

    async def alive(self, attempt: str) -> bool:
        """Whether somebody is still sending."""
        return bool(await self.redis.exists(key("sender", attempt)))

    async def lose(self, lane: str, digest: str, attempt: str) -> None:
        """The answer will not come: the request has to be looked for."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.hset(key("sends", lane, digest), attempt, "lost")
            pipe.expire(key("sends", lane, digest), KEEP_SECONDS)
            pipe.delete(key("sender", attempt))
            await pipe.execute()

    async def finish(self, lane: str, digest: str, attempt: str) -> None:
        """It is known what became of it."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.hdel(key("sends", lane, digest), attempt)
            pipe.zrem(key("sends", lane), attempt)
            pipe.delete(key("sender", attempt))
            await pipe.execute()

    async def alone(self, lane: str, attempt: str) -> bool:
        """Whether it is known of every other sending in the lane what became of it."""
        return {text(other) for other in await self.redis.zrange(key("sends", lane), 0, -1)} <= {attempt}

    async def others(self, lane: str, digest: str, attempt: str) -> bool:
        """Whether an equal payload of another attempt is on its way, so that a match in the list might be that one."""
        fields = await self.redis.hgetall(key("sends", lane, digest))
        sending = [
            text(other) for other, state in fields.items() if text(state) == "sending" and text(other) != attempt
        ]
        return any([await self.alive(other) for other in sending])

    async def claim(self, lane: str, request: str, owner: str) -> bool:
        """Claim a request of the service for an image; False when it is another's."""
        name = key("claimed", lane, request)
        if await self.redis.set(name, owner, nx=True, ex=DAY):
            return True
        holder = await self.redis.get(name)
        return holder is not None and text(holder) == owner
