"""Turns in Redis: claimed once, recorded before they are acknowledged, kept until they have ended.

Keys, all under `imagine:1:` (1 is the schema version) and all with an expiry that every use renews:

    turn:<turn id>          hash    the turn, its checkpoints, and after its end how it ended
    lease:<turn id>         string  which run has the turn in hand
    open                    zset    turns that have not ended, by the time they should have been heard of again
    person:<person>         zset    the open turns of a person, by the time they were taken on
    spend:<workspace>:<day> string  micro-dollars reserved and spent in a workspace on a day (UTC)
    order                   string  see `core.conversation`
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core import turn_scripts as scripts
from core.background import asked_to_stop
from core.packing import key, pack, text, unpack
from core.ports import Announcement
from core.records import Drawing, Prepared, Record
from core.statuses import RefusalReason
from core.turns import Node, Person, Route, Turn, TurnId

SILENCE_SECONDS = 10
"""How long after its announced return a turn may stay away before it is fetched."""

Checkpoint: TypeAlias = bool | float | str | Announcement | Prepared | Node | Route


class Entry(StrEnum):
    """What became of an attempt to take a turn on."""

    NEW = "new"
    AGAIN = "again"
    TOO_MANY_WAITING = "waiting"
    OVER_BUDGET = "budget"


class Held(Exception):
    """The turn is in another run's hands, or has changed beside this one."""


def spend_key(person: Person, at: float) -> str:
    """Where the spending of the person's workspace on the day of `at` is counted."""
    day = datetime.fromtimestamp(at, UTC).date().isoformat()
    return key("spend", quote(person.platform, safe=""), quote(person.workspace, safe=""), day)


@dataclass(slots=True)
class Hold:
    """A turn in the hands of one run. Every write fails with `Held` once the turn has slipped out of them.

    So does that of an image whose answer has come in from beside since it was read: an answer is paid for, and is never
    written over.
    """

    record: Record
    token: str
    redis: Redis

    async def save(self, **checkpoints: Checkpoint) -> None:
        """Write checkpoints of the record, by their names in it."""
        await self._write({name: _packed(value) for name, value in checkpoints.items()})
        self.record = replace(self.record, **checkpoints)  # type: ignore[arg-type]

    async def save_drawing(self, index: int, drawing: Drawing) -> None:
        """Write what is known of one image."""
        turn, drawings = self.record.turn.id, list(self.record.drawings)
        fields = _drawn(index, drawings[index], drawing)
        if not await self.redis.eval(
            scripts.DRAW_LEASED, 2, key("turn", turn), key("lease", turn), *fields, self.token
        ):
            raise Held
        drawings[index] = drawing
        self.record = replace(self.record, drawings=tuple(drawings))

    async def move(self, route: Route, *, price: int, cap: int) -> bool:
        """Have a turn of which nothing was sent drawn by somebody else, who has nothing of what was prepared.

        False where its price (micro-dollars) would pass the workspace's daily `cap`.
        """
        turn = self.record.turn
        arguments = (self.token, pack(Route, route), price, cap, turn.options.count)
        moved = await self.redis.eval(scripts.MOVE, 2, key("lease", turn.id), key("turn", turn.id), *arguments)
        if not moved:
            raise Held
        await self.refresh()
        return int(moved) > 0

    async def begin_anew(self, reason: RefusalReason) -> None:
        """Have a turn whose history was refused prepared and drawn without it. Nothing may be under way for it."""
        turn = self.record.turn
        arguments = (self.token, reason.value, turn.options.count)
        if not await self.redis.eval(scripts.ANEW, 2, key("lease", turn.id), key("turn", turn.id), *arguments):
            raise Held
        await self.refresh()

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
        if not await self.redis.eval(scripts.SAVE, 2, key("lease", turn), key("turn", turn), self.token, *pairs):
            raise Held


def _drawn(index: int, before: Drawing, after: Drawing) -> tuple[str | bytes, ...]:
    """What a script needs to put one state of an image in the place of another."""
    return f"stamp:{index}", before.stamp, after.stamp, f"drawing:{index}", pack(Drawing, after)


def _packed(value: Checkpoint) -> bytes | str:
    match value:
        case bool():
            return "1" if value else ""
        case float():
            return repr(value)
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
    prepared, node = (fields.get(name) for name in (b"prepared", b"node"))
    announcement = unpack(Announcement, fields[b"announcement"]) if b"announcement" in fields else None
    if announcement and announcement.locale:
        turn = replace(turn, locale=announcement.locale)
    drawings = (fields.get(f"drawing:{index}".encode()) for index in range(turn.options.count))
    route, anew = fields.get(b"route"), fields.get(b"anew")
    return Record(
        turn=turn,
        route=unpack(Route, route) if route else Route("", turn.options.model or ""),
        reserved=int(fields.get(b"reserved", 0)),
        order=int(fields.get(b"order", 0)),
        announcing=bool(fields.get(b"announcing")),
        announcement=announcement,
        shown=fields.get(b"shown", b"").decode(),
        preparing=float(fields.get(b"preparing", 0)),
        anew=RefusalReason(text(anew)) if anew else None,
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

    def __init__(self, redis: Redis, *, ttl: int, lease: float = 15.0) -> None:
        """`ttl` is in seconds after the last use, `lease` is how many a run may be silent before it is overtaken."""
        self.redis = redis
        self.ttl = ttl
        self.lease = lease

    async def accept(self, turn: Turn, *, route: Route, price: int, most: int, cap: int) -> tuple[Entry, int]:
        """Claim a turn, record it and reserve its price (micro-dollars), or say why not and how many or how much."""
        keys = (
            key("turn", turn.id),
            key("open"),
            key("person", turn.author),
            spend_key(turn.author, turn.asked_at),
            key("order"),
        )
        json = pack(Turn, turn, terse=True)
        way = pack(Route, route)
        now = time.time()
        entry, amount = await self.redis.eval(
            scripts.ACCEPT, len(keys), *keys, turn.id, json, self.ttl, now, most, price, cap, now + SILENCE_SECONDS, way
        )
        return Entry(entry.decode()), int(amount)

    async def read(self, turn_id: TurnId) -> Record | None:
        """The record of a turn that has not ended."""
        return await read(self.redis, turn_id)

    async def known(self, turn_id: TurnId) -> bool:
        """Whether the event was taken on before, also when its turn has ended since."""
        return bool(await self.redis.exists(key("turn", turn_id)))

    async def revise(self, turn: Turn) -> bool:
        """Put another wording in the place of a turn's own; False once it has gone past its place in line."""
        return bool(await self.redis.eval(scripts.REVISE, 1, key("turn", turn.id), pack(Turn, turn, terse=True)))

    async def cancel(self, turn_id: TurnId) -> bool:
        """Ask for the end of a turn; False when it has ended already, or is being delivered."""
        return bool(await self.redis.eval(scripts.CANCEL, 1, key("turn", turn_id)))

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

    async def forget(self, turn_id: TurnId) -> None:
        """Expect nothing more of a turn that has no record: it has ended, or expired without an end."""
        await self.redis.zrem(key("open"), turn_id)

    async def answer(self, turn_id: TurnId, index: int, before: Drawing, after: Drawing) -> bool:
        """Record what came of an image, from beside the run; False when the turn has moved on without it."""
        return bool(await self.redis.eval(scripts.DRAW, 1, key("turn", turn_id), *_drawn(index, before, after)))

    async def end(self, hold: Hold, *, how: str, spent: int) -> None:
        """Close a turn: settle its reservation at `spent` micro-dollars and keep no more than the word `how`."""
        turn = hold.record.turn
        keys = (key("turn", turn.id), key("open"), key("person", turn.author), key("lease", turn.id))
        if not await self.redis.eval(scripts.END, 4, *keys, turn.id, spent, self.ttl, how, hold.token):
            raise Held

    @asynccontextmanager
    async def hold(self, turn_id: TurnId) -> AsyncIterator[Hold | None]:
        """Take a turn in hand, or raise `Held`. Gives None when the turn has ended, or never was.

        The lease is renewed while the block runs. A block that cannot renew it is cancelled and ends in `Held`.
        """
        lease, token = key("lease", turn_id), uuid4().hex
        if not await self.redis.set(lease, token, nx=True, px=round(self.lease * 1000)):
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
                await self.redis.eval(scripts.RELEASE, 1, lease, token)

    async def _renew(self, lease: str, token: str, run: asyncio.Task[object] | None) -> None:
        until = time.monotonic() + self.lease
        while time.monotonic() < until:
            await asyncio.sleep(self.lease / 5)
            try:
                renewed = await self.redis.eval(scripts.RENEW, 1, lease, token, round(self.lease * 1000))
            except RedisError:
                continue
            if asked_to_stop():
                return
            if not renewed:
                break
            until = time.monotonic() + self.lease
        if run:
            run.cancel()
