"""What Google has sent and would not send again, kept for a while: pictures, and long thought signatures.

Google answers with a picture inside its answer and keeps none of it. What is here is what lets any worker deliver a
picture whose process died, and what goes back with the next edit. All of it can be lost: a picture that was delivered
is fetched from the chat platform, and an edit goes on from it.

    google:kept:<digest>    string  the bytes, for an hour after their last use (two days for what is small)
    google:kept             zset    "<size> <digest>" by when it came: the oldest goes first when there is too much
"""

import asyncio
import hashlib
import time

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.state import key
from core.statuses import KEPT

PICTURE_SECONDS = 3_600
SMALL_SECONDS = 172_800
SMALL_BYTES = 100_000
MOST_BYTES = 256_000_000
STORE_PAUSE = 0.5
PATIENCE_SECONDS = 60.0

# Room is made by age; what has expired by itself only has to be struck off the list.
_PUT = """
local kept, index = KEYS[1], KEYS[2]
local now, size, ttl, most, member = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
redis.call('SET', kept, ARGV[6], 'EX', ttl)
redis.call('ZADD', index, now, member)
local total, all = 0, redis.call('ZRANGE', index, 0, -1, 'REV')
for _, other in ipairs(all) do
  local bytes, digest = string.match(other, '^(%d+) (.+)$')
  local name = ARGV[7] .. digest
  if other ~= member and total + tonumber(bytes) > most - size then
    redis.call('DEL', name)
  end
  if redis.call('EXISTS', name) == 0 then
    redis.call('ZREM', index, other)
  elseif other ~= member then
    total = total + tonumber(bytes)
  end
end
redis.call('EXPIRE', index, ARGV[8])
return total + size
"""

log = structlog.get_logger()


class Stash:
    """Bytes by their digest. At most `most_bytes` of them: the oldest make room."""

    def __init__(self, redis: Redis, *, most_bytes: int = MOST_BYTES) -> None:
        self._redis = redis
        self._most_bytes = most_bytes

    async def put(self, data: bytes) -> str:
        """Keep bytes; gives the link that leads to them. Equal bytes are kept once."""
        digest = await asyncio.to_thread(_digest, data)
        if await self.holds(KEPT + digest):
            return KEPT + digest
        await self._redis.eval(
            _PUT,
            2,
            _name(digest),
            key("google", "kept"),
            str(time.time()),
            str(len(data)),
            str(_seconds(len(data))),
            str(self._most_bytes),
            f"{len(data)} {digest}",
            data,
            _name(""),
            str(SMALL_SECONDS),
        )
        return KEPT + digest

    async def put_for_sure(self, data: bytes) -> str:
        """Keep what was paid for, also while the store is away for a moment. Raises RedisError or OSError at last."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self.put(data)
            except (RedisError, OSError):
                if time.monotonic() > until:
                    raise
                log.warning("the store does not take a picture that was drawn")
                await asyncio.sleep(STORE_PAUSE)

    async def get(self, link: str) -> bytes | None:
        """The bytes behind a link; None once they have gone."""
        found = await self._redis.get(_name(link.removeprefix(KEPT)))
        return found if found is None or isinstance(found, bytes) else str(found).encode()

    async def holds(self, link: str) -> bool:
        """Whether there is something behind a link; if so, it is kept for as long as if it were new."""
        name = _name(link.removeprefix(KEPT))
        size = int(await self._redis.strlen(name))
        return bool(size and await self._redis.expire(name, _seconds(size)))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _seconds(size: int) -> int:
    return SMALL_SECONDS if size <= SMALL_BYTES else PICTURE_SECONDS


def _name(digest: str) -> str:
    return key("google", "kept", digest)
