"""Turns in Redis: claimed once, recorded before they are acknowledged, kept until they have ended.

Keys, all under `imagine:1:` (1 is the schema version) and all with an expiry that every use renews:

    turn:<turn id>          hash    the turn, its checkpoints, and after its end how it ended
    lease:<turn id>         string  which run has the turn in hand
    open                    zset    turns that have not ended, by the time they should have been heard of again
    person:<person>         zset    the open turns of a person, by the time they were asked
    spend:<workspace>:<day> string  micro-dollars reserved and spent in a workspace on a day (UTC)
"""

import asyncio
import time
from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

from pydantic import TypeAdapter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.ports import Announcement
from core.records import Drawing, Prepared, Record
from core.turns import Node, Person, Turn, TurnId

PREFIX = "imagine:1:"
LEASE_SECONDS = 15
SILENCE_SECONDS = 10
"""How long after its announced return a turn may stay away before it is fetched."""

T = TypeVar("T")
Checkpoint: TypeAlias = bool | str | Announcement | Prepared | Node

_ACCEPT = """
local turn, open, person, spend = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, json, ttl, now, most, price, cap, due = unpack(ARGV)
if redis.call('EXISTS', turn) == 1 then return {'again', 0} end
local waiting = redis.call('ZCARD', person)
if waiting >= tonumber(most) then return {'waiting', waiting} end
local spent = tonumber(redis.call('GET', spend) or '0')
if spent + tonumber(price) > tonumber(cap) then return {'budget', spent} end
redis.call('HSET', turn, 'turn', json, 'reserved', price, 'spend', spend)
redis.call('EXPIRE', turn, ttl)
redis.call('ZADD', open, due, id)
redis.call('EXPIRE', open, ttl)
redis.call('ZADD', person, now, id)
redis.call('EXPIRE', person, ttl)
redis.call('INCRBY', spend, price)
redis.call('EXPIRE', spend, 172800)
return {'new', waiting}
"""

_END = """
local turn, open, person, lease = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, spent, ttl, how, token = unpack(ARGV)
if redis.call('GET', lease) ~= token then return 0 end
if redis.call('HEXISTS', turn, 'ended') == 1 then return 1 end
local reserved = tonumber(redis.call('HGET', turn, 'reserved') or '0')
local spend = redis.call('HGET', turn, 'spend')
if spend and redis.call('EXISTS', spend) == 1 then redis.call('INCRBY', spend, tonumber(spent) - reserved) end
redis.call('DEL', turn)
redis.call('HSET', turn, 'ended', how)
redis.call('EXPIRE', turn, ttl)
redis.call('ZREM', open, id)
redis.call('ZREM', person, id)
return 1
"""

_LEASED = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n"
_RENEW = _LEASED + "return redis.call('PEXPIRE', KEYS[1], ARGV[2])"
_RELEASE = _LEASED + "return redis.call('DEL', KEYS[1])"
_SAVE = _LEASED + "redis.call('HSET', KEYS[2], unpack(ARGV, 2)) return 1"
_ANSWER = """
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3], ARGV[4], ARGV[5])
return 1
"""
_REVISE = """
if redis.call('HEXISTS', KEYS[1], 'turn') == 0 or redis.call('HEXISTS', KEYS[1], 'prepared') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'turn', ARGV[1])
return 1
"""
_CANCEL = """
if redis.call('HEXISTS', KEYS[1], 'turn') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'cancelled', '1')
return 1
"""


class Entry(StrEnum):
    """What became of an attempt to take a turn on."""

    NEW = "new"
    AGAIN = "again"
    TOO_MANY_WAITING = "waiting"
    OVER_BUDGET = "budget"


class Held(Exception):
    """The turn is in another run's hands, or has slipped out of this one's."""


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def pack(kind: type[T], value: T, *, terse: bool = False) -> bytes:
    """JSON of one of our dataclasses; `terse` leaves out what is as usual (not for a `Status`, told by its kind)."""
    return _adapter(cast("Hashable", kind)).dump_json(value, exclude_defaults=terse)


def unpack(kind: type[T], data: bytes | str) -> T:
    """The inverse of `pack`. Raises ValueError for anything else."""
    value: T = _adapter(cast("Hashable", kind)).validate_json(data)
    return value


def text(value: Any) -> str:
    """What Redis gave, as text."""
    return value if isinstance(value, str) else bytes(value).decode()


def key(*parts: object) -> str:
    """The name of a key of ours."""
    return PREFIX + ":".join(str(part) for part in parts)


def spend_key(person: Person, at: float) -> str:
    """Where the spending of the person's workspace on the day of `at` is counted."""
    day = datetime.fromtimestamp(at, UTC).date().isoformat()
    return key("spend", quote(person.platform, safe=""), quote(person.workspace, safe=""), day)


@dataclass(slots=True)
class Hold:
    """A turn in the hands of one run. Every write fails with `Held` once the turn has slipped out of them."""

    record: Record
    token: str
    redis: Redis

    async def save(self, **checkpoints: Checkpoint) -> None:
        """Write checkpoints of the record, by their names in it."""
        await self._write({name: _packed(value) for name, value in checkpoints.items()})
        self.record = replace(self.record, **checkpoints)  # type: ignore[arg-type]

    async def save_drawing(self, index: int, drawing: Drawing) -> None:
        """Write what is known of one image."""
        await self._write({f"drawing:{index}": pack(Drawing, drawing), f"attempt:{index}": drawing.attempt})
        drawings = list(self.record.drawings)
        drawings[index] = drawing
        self.record = replace(self.record, drawings=tuple(drawings))

    async def refresh(self) -> Record:
        """Read the record anew: answers and cancellations come in from beside."""
        record = await read(self.redis, self.record.turn.id)
        if record is None:
            raise Held
        self.record = record
        return record

    async def _write(self, fields: Mapping[str, bytes | str]) -> None:
        pairs = [part for pair in fields.items() for part in pair]
        turn = self.record.turn.id
        if not await self.redis.eval(_SAVE, 2, key("lease", turn), key("turn", turn), self.token, *pairs):
            raise Held


def _packed(value: Checkpoint) -> bytes | str:
    match value:
        case bool():
            return "1" if value else ""
        case str():
            return value
        case _:
            return pack(type(value), value)


async def read(redis: Redis, turn_id: TurnId) -> Record | None:
    """The record of a turn that has not ended."""
    fields: dict[bytes, bytes] = await redis.hgetall(key("turn", turn_id))  # type: ignore[assignment]
    if b"turn" not in fields:
        return None
    turn = unpack(Turn, fields[b"turn"])
    announcement, prepared, node = (fields.get(name) for name in (b"announcement", b"prepared", b"node"))
    drawings = (fields.get(f"drawing:{index}".encode()) for index in range(turn.options.count))
    return Record(
        turn=turn,
        reserved=int(fields.get(b"reserved", 0)),
        announcing=bool(fields.get(b"announcing")),
        announcement=unpack(Announcement, announcement) if announcement else None,
        shown=fields.get(b"shown", b"").decode(),
        prepared=unpack(Prepared, prepared) if prepared else None,
        drawings=tuple(unpack(Drawing, drawing) if drawing else Drawing() for drawing in drawings),
        delivering=bool(fields.get(b"delivering")),
        node=unpack(Node, node) if node else None,
        cancelled=bool(fields.get(b"cancelled")),
    )


def _ids(members: Any) -> list[TurnId]:
    return [TurnId(text(member)) for member in members]


class Turns:
    """The turns that are under way, and the word that they have ended for as long as a redelivery might come."""

    def __init__(self, redis: Redis, *, ttl: int) -> None:
        """`ttl` is in seconds."""
        self.redis = redis
        self.ttl = ttl

    async def accept(self, turn: Turn, *, price: int, most: int, cap: int) -> tuple[Entry, int]:
        """Claim a turn, record it and reserve its price (micro-dollars), or say why not and how many or how much."""
        keys = (key("turn", turn.id), key("open"), key("person", turn.author), spend_key(turn.author, turn.asked_at))
        json = pack(Turn, turn, terse=True)
        now = time.time()
        entry, amount = await self.redis.eval(
            _ACCEPT, 4, *keys, turn.id, json, self.ttl, now, most, price, cap, now + SILENCE_SECONDS
        )
        return Entry(entry.decode()), int(amount)

    async def read(self, turn_id: TurnId) -> Record | None:
        """The record of a turn that has not ended."""
        return await read(self.redis, turn_id)

    async def revise(self, turn: Turn) -> bool:
        """Put another wording in the place of a turn's own; False once it has gone past its place in line."""
        return bool(await self.redis.eval(_REVISE, 1, key("turn", turn.id), pack(Turn, turn, terse=True)))

    async def cancel(self, turn_id: TurnId) -> bool:
        """Ask for the end of a turn; False when it has ended already."""
        return bool(await self.redis.eval(_CANCEL, 1, key("turn", turn_id)))

    async def open_of(self, person: Person) -> list[TurnId]:
        """The person's turns that have not ended, oldest first."""
        return _ids(await self.redis.zrange(key("person", person), 0, -1))

    async def silent(self, limit: int = 100) -> list[TurnId]:
        """Open turns that should have been heard of by now: their job was lost, or its worker died."""
        return _ids(await self.redis.zrangebyscore(key("open"), 0, time.time(), start=0, num=limit))

    async def count_open(self) -> int:
        """How many turns have not ended."""
        return int(await self.redis.zcard(key("open")))

    async def expect(self, turn_id: TurnId, seconds: float) -> None:
        """Note when an open turn means to be heard of again."""
        await self.redis.zadd(key("open"), {turn_id: time.time() + seconds + SILENCE_SECONDS}, xx=True)

    async def drawings(self, images: Sequence[tuple[TurnId, int]]) -> list[Drawing | None]:
        """What is known of each of these images, None for one whose turn has ended."""
        async with self.redis.pipeline(transaction=False) as pipe:
            for turn_id, index in images:
                pipe.hget(key("turn", turn_id), f"drawing:{index}")
            return [unpack(Drawing, found) if found else None for found in await pipe.execute()]

    async def answer(self, turn_id: TurnId, index: int, attempt: str, drawing: Drawing) -> bool:
        """Record what came of an attempt, from beside the run; False when the turn has moved on without it."""
        fields = (f"attempt:{index}", attempt, drawing.attempt, f"drawing:{index}", pack(Drawing, drawing))
        return bool(await self.redis.eval(_ANSWER, 1, key("turn", turn_id), *fields))

    async def end(self, hold: Hold, *, how: str, spent: int) -> None:
        """Close a turn: settle its reservation at `spent` micro-dollars and keep no more than the word `how`."""
        turn = hold.record.turn
        keys = (key("turn", turn.id), key("open"), key("person", turn.author), key("lease", turn.id))
        if not await self.redis.eval(_END, 4, *keys, turn.id, spent, self.ttl, how, hold.token):
            raise Held

    @asynccontextmanager
    async def hold(self, turn_id: TurnId) -> AsyncIterator[Hold | None]:
        """Take a turn in hand, or raise `Held`. Gives None when the turn has ended, or never was.

        The lease is renewed while the block runs. A block that cannot renew it is cancelled and ends in `Held`.
        """
        lease, token = key("lease", turn_id), uuid4().hex
        if not await self.redis.set(lease, token, nx=True, px=LEASE_SECONDS * 1000):
            raise Held
        renewing = asyncio.create_task(self._renew(lease, token, asyncio.current_task()))
        try:
            record = await read(self.redis, turn_id)
            yield Hold(record, token, self.redis) if record else None
        except asyncio.CancelledError:
            if renewing.done():
                raise Held from None
            raise
        finally:
            renewing.cancel()
            with suppress(RedisError):
                await self.redis.eval(_RELEASE, 1, lease, token)

    async def _renew(self, lease: str, token: str, run: asyncio.Task[object] | None) -> None:
        until = time.monotonic() + LEASE_SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(LEASE_SECONDS / 5)
            try:
                renewed = await self.redis.eval(_RENEW, 1, lease, token, LEASE_SECONDS * 1000)
            except RedisError:
                continue
            if not renewed:
                break
            until = time.monotonic() + LEASE_SECONDS
        if run:
            run.cancel()
