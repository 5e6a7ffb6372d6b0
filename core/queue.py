"""The fair line: who is next, and how far back everybody else is.

Start-time fair queueing: every person's turns are stamped with a virtual start time, each behind the person's own last
one but never behind other people's, and the lowest stamp goes first. One person's hundred turns therefore never delay
another person's first, and a position is a rank. A lane is one model of one service; its capacity is in images.

Keys, per lane, expiring a day after their last use:

    queue:<lane>:waiting    zset    turns by virtual start time
    queue:<lane>:running    zset    turns that were let in, by when
    queue:<lane>:tickets    hash    turn -> "<images> <person>"
    queue:<lane>:finish     zset    persons by the virtual end of their last turn
    queue:<lane>:busy       hash    person -> turns that were let in
    queue:<lane>:state      hash    `clock`, the virtual time; `load`, images that were let in
    lanes                   zset    lanes by when they were last used
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from core.pace import pace_key
from core.packing import key, text
from core.turns import Person, TurnId

DAY = 86_400
LOOK_AHEAD = 200
"""How many waiting turns are looked at for one whose person may have another running."""

_SHARED = (
    """
local waiting, running, tickets, finish, busy, state, pace, lanes = unpack(KEYS)
local turn, now, capacity, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function ticket(of)
  local images, person = string.match(redis.call('HGET', tickets, of) or '1 ', '^(%d+) (.*)$')
  return tonumber(images), person
end
local function admit()
  local admitted = {}
  if now < tonumber(redis.call('HGET', pace, 'next') or '0') then return admitted end
  local clock = tonumber(redis.call('HGET', state, 'clock') or '0')
  local load = tonumber(redis.call('HGET', state, 'load') or '0')
  local line = redis.call('ZRANGE', waiting, 0, """
    + str(LOOK_AHEAD - 1)
    + """, 'WITHSCORES')
  for i = 1, #line, 2 do
    local images, person = ticket(line[i])
    if load > 0 and load + images > capacity then break end
    if tonumber(redis.call('HGET', busy, person) or '0') < most then
      redis.call('ZREM', waiting, line[i])
      redis.call('ZADD', running, now, line[i])
      redis.call('HINCRBY', busy, person, 1)
      load = load + images
      clock = math.max(clock, tonumber(line[i + 1]))
      table.insert(admitted, line[i])
    end
  end
  redis.call('HSET', state, 'clock', clock, 'load', load)
  redis.call('ZREMRANGEBYSCORE', finish, '-inf', clock)
  return admitted
end
local function keep()
  redis.call('ZADD', lanes, now, ARGV[5])
  redis.call('EXPIRE', lanes, """
    + str(DAY)
    + """)
  for i = 1, 6 do redis.call('EXPIRE', KEYS[i], """
    + str(DAY)
    + """) end
end
"""
)

_PLACE = (
    _SHARED
    + """
if redis.call('ZSCORE', running, turn) then return {0, {}} end
if not redis.call('ZSCORE', waiting, turn) then
  local images, person, weight = tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])
  local clock = tonumber(redis.call('HGET', state, 'clock') or '0')
  local start = math.max(clock, tonumber(redis.call('ZSCORE', finish, person) or '0'))
  redis.call('ZADD', waiting, start, turn)
  redis.call('ZADD', finish, start + images / weight, person)
  redis.call('HSET', tickets, turn, images .. ' ' .. person)
end
local admitted = admit()
keep()
local rank = redis.call('ZRANK', waiting, turn)
return {rank and rank + 1 or 0, admitted}
"""
)

_LEAVE = (
    _SHARED
    + """
local images, person = ticket(turn)
if redis.call('ZREM', running, turn) == 1 then
  redis.call('HINCRBY', state, 'load', -images)
  if redis.call('HINCRBY', busy, person, -1) <= 0 then redis.call('HDEL', busy, person) end
end
redis.call('ZREM', waiting, turn)
redis.call('HDEL', tickets, turn)
local admitted = admit()
keep()
return {0, admitted}
"""
)


@dataclass(frozen=True, slots=True)
class Place:
    """A turn's place: 0 once it was let in. `admitted` are the turns that were let in just now, to be woken."""

    position: int
    admitted: tuple[TurnId, ...]


class Queue:
    """The line of every lane."""

    def __init__(self, redis: Redis, *, capacity: int, per_person: int) -> None:
        """At most `capacity` images in a lane and `per_person` turns of one person are let in at a time."""
        self.redis = redis
        self.capacity = capacity
        self.per_person = per_person

    async def place(self, lane: str, turn_id: TurnId, person: Person, *, images: int, weight: float = 1.0) -> Place:
        """Stand in line, if not yet there, and say where. Lets in whoever may."""
        return await self._run(_PLACE, lane, turn_id, images, str(person), weight)

    async def leave(self, lane: str, turn_id: TurnId) -> Place:
        """Leave the line or give the place free, and let in whoever is next. Harmless when repeated."""
        return await self._run(_LEAVE, lane, turn_id)

    async def position(self, lane: str, turn_id: TurnId) -> int:
        """The place in line; 0 for a turn that was let in or is not there."""
        rank = await self.redis.zrank(_key(lane, "waiting"), turn_id)
        return 0 if rank is None else int(str(rank)) + 1

    async def lanes(self) -> list[str]:
        """The lanes that were used of late."""
        return [text(lane) for lane in await self.redis.zrange(key("lanes"), 0, -1)]

    async def lengths(self, lane: str) -> tuple[int, int]:
        """How many turns wait and how many were let in."""
        waiting = await self.redis.zcard(_key(lane, "waiting"))
        running = await self.redis.zcard(_key(lane, "running"))
        return int(waiting), int(running)

    async def _run(self, script: str, lane: str, turn_id: TurnId, *rest: object) -> Place:
        names = ("waiting", "running", "tickets", "finish", "busy", "state")
        keys = [*(_key(lane, name) for name in names), pace_key(lane), key("lanes")]
        arguments: Sequence[object] = (turn_id, time.time(), self.capacity, self.per_person, lane, *rest)
        position, admitted = await self.redis.eval(script, len(keys), *keys, *(str(item) for item in arguments))
        return Place(int(position), tuple(TurnId(item.decode()) for item in admitted))


def _key(lane: str, name: str) -> str:
    return key("queue", lane, name)
