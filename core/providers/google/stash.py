"""What Google has sent and would not send again, kept for a while: pictures, and long thought signatures.

Google answers with a picture inside its answer and keeps none of it. What is here is what lets any worker deliver a
picture whose process died, and what goes back with the next edit. A picture that waits to be delivered makes room for
nothing; all else can be lost: a picture that was delivered is fetched from the chat platform, and an edit goes on from
it.

    google:kept:<digest>    string  the bytes, for an hour after their last use (two days for what is small)
    google:kept             zset    "<size> <digest>" by when it came, without end while it waits to be delivered: the
                                    oldest goes first when there is too much
"""

import asyncio
import hashlib
import time

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.packing import key
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
local score, size, ttl, most, member = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
redis.call('SET', kept, ARGV[6], 'EX', ttl)
redis.call('ZADD', index, 'GT', score, member)
local total, all = size, redis.call('ZRANGE', index, 0, -1, 'REV', 'WITHSCORES')
for at = 1, #all, 2 do
  local other = all[at]
  local bytes, digest = string.match(other, '^(%d+) (.+)$')
  local name = ARGV[7] .. digest
  if other ~= member and all[at + 1] ~= 'inf' and total + tonumber(bytes) > most then
    redis.call('DEL', name)
  end
  if redis.call('EXISTS', name) == 0 then
    redis.call('ZREM', index, other)
  elseif other ~= member then
    total = total + tonumber(bytes)
  end
end
redis.call('EXPIRE', index, ARGV[8])
return total
"""

_WAITING_BYTES = """
local total = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], '+inf', '+inf', 'BYSCORE')) do
  local bytes, digest = string.match(member, '^(%d+) (.+)$')
  total = total + tonumber(bytes) * redis.call('EXISTS', ARGV[1] .. digest)
end
return total
"""

_INDEX = key("google", "kept")

log = structlog.get_logger()


class Stash:
    """Bytes by their digest. At most `most_bytes` of them: the oldest make room, but for what waits to be delivered."""

    def __init__(self, redis: Redis, *, most_bytes: int = MOST_BYTES) -> None:
        self._redis = redis
        self._most_bytes = most_bytes

    async def put(self, data: bytes, *, waits: bool = False) -> str:
        """Keep bytes; gives the link that leads to them. Equal bytes are kept once.

        Those that wait are kept, whatever else comes, until they are released or nobody has asked for them for an hour.
        """
        digest = await asyncio.to_thread(_digest, data)
        if not waits and await self.holds(KEPT + digest):
            return KEPT + digest
        await self._redis.eval(
            _PUT,
            2,
            _name(digest),
            _INDEX,
            "inf" if waits else str(time.time()),
            str(len(data)),
            str(_seconds(len(data))),
            str(self._most_bytes),
            _member(len(data), digest),
            data,
            _name(""),
            str(SMALL_SECONDS),
        )
        return KEPT + digest

    async def has_room(self) -> bool:
        """Whether more may wait: half of the room is for that, half for what turns are about to send.

        What comes of requests that are under way by then is kept beyond that: it has been paid for.
        """
        return int(await self._redis.eval(_WAITING_BYTES, 1, _INDEX, _name(""))) < self._most_bytes // 2

    async def release(self, link: str) -> None:
        """What is behind a link waits no more: from now on it is as old as the rest."""
        digest = link.removeprefix(KEPT)
        size = int(await self._redis.strlen(_name(digest)))
        await self._redis.zadd(_INDEX, {_member(size, digest): time.time()}, xx=True)

    async def put_for_sure(self, data: bytes) -> str:
        """Keep what was paid for until it is released, also while the store is away for a moment.

        Raises RedisError or OSError at last.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self.put(data, waits=True)
            except (RedisError, OSError):
                if time.monotonic() > until:
                    raise
                log.warning("the store does not take a picture that was drawn")
                await asyncio.sleep(STORE_PAUSE)

    async def get(self, link: str) -> bytes | None:
        """The bytes behind a link, kept anew; None once they have gone."""
        name = _name(link.removeprefix(KEPT))
        found = await self._redis.get(name)
        if found is None:
            return None
        await self._redis.expire(name, _seconds(len(found)))
        return found if isinstance(found, bytes) else str(found).encode()

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


def _member(size: int, digest: str) -> str:
    return f"{size} {digest}"
