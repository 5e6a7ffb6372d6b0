"""Watches the requests that the image service has in hand, for all turns at once.

One process at a time watches a lane. It looks when a picture may be ready by what the model usually takes, asks for one
request by its id and for several by one list, writes down what has changed and wakes the turn.

    watched                 zset    lanes with requests in hand, by when one was last added, expiring after a day
    watched:<lane>          zset    "<image index> <turn id>" by when it was submitted (our clock)
    watcher:<lane>          string  which process watches the lane
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.background import asked_to_stop, stop
from core.durations import Durations, Usual, pause_before_look
from core.errors import ProviderError
from core.metrics import Metrics
from core.packing import key, text
from core.records import Drawing
from core.sender import keepable, owner_of
from core.services import Services
from core.state import Turns
from core.statuses import Failed, Refused, Status, Succeeded
from core.turns import Route, TurnId

DAY = 86_400
WATCH_SECONDS = 5
SHORTEST_SLEEP = 0.02
LOOKS_AT_ONCE = 8
CLOCK_MARGIN = 60.0
GUESS_SECONDS = 12.0
LONGEST_BACK_OFF = 30.0

_RESIGN = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

log = structlog.get_logger()


@dataclass(slots=True)
class _Lane:
    """What this process remembers of a lane while it watches it: nothing that could not be lost."""

    next_look: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    failures: int = 0


class Watcher:
    """The requests in hand."""

    def __init__(
        self,
        redis: Redis,
        services: Services,
        turns: Turns,
        durations: Durations,
        wake: Callable[[TurnId], Awaitable[None]],
        metrics: Metrics,
        *,
        idle: float = 0.5,
    ) -> None:
        """`idle` is how many seconds pass between rounds in which nothing is due."""
        self.redis = redis
        self.services = services
        self.turns = turns
        self.durations = durations
        self.wake = wake
        self.metrics = metrics
        self.idle = idle
        self.me = uuid4().hex

    async def follow(self, lane: str, turn_id: TurnId, index: int, since: float) -> None:
        """Watch a request from now on. Harmless when repeated."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.zadd(key("watched", lane), {owner_of(turn_id, index): since}, nx=True)
            pipe.expire(key("watched", lane), DAY)
            pipe.zadd(key("watched"), {lane: since})
            pipe.expire(key("watched"), DAY)
            await pipe.execute()

    async def forget(self, lane: str, turn_id: TurnId, index: int) -> None:
        """Watch a request no longer. Harmless when repeated."""
        await self.redis.zrem(key("watched", lane), owner_of(turn_id, index))

    async def run(self) -> None:
        """Watch every lane that nobody else watches, until cancelled."""
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while not asked_to_stop():
                with suppress(RedisError, OSError):
                    for member in await self.redis.zrange(key("watched"), 0, -1):
                        lane = text(member)
                        if lane not in tasks or tasks[lane].done():
                            tasks[lane] = asyncio.create_task(self._watch(lane))
                await asyncio.sleep(self.idle)
        finally:
            await stop(*tasks.values())

    async def _watch(self, lane: str) -> None:
        try:
            await self._watch_on(lane)
        finally:
            # Whoever comes next need not wait until our word has expired.
            with suppress(RedisError, OSError):
                await self.redis.eval(_RESIGN, 1, key("watcher", lane), self.me)

    async def _watch_on(self, lane: str) -> None:
        memory = _Lane()
        while not asked_to_stop():
            try:
                if not await self._lead(lane):
                    memory = _Lane()
                    await asyncio.sleep(self.idle)
                    continue
                await asyncio.sleep(await self._round(lane, memory))
            except (RedisError, OSError):
                await asyncio.sleep(self.idle)
            except Exception:
                log.exception("a round of watching broke off", lane=lane)
                await asyncio.sleep(self.idle)

    async def _lead(self, lane: str) -> bool:
        name = key("watcher", lane)
        if await self.redis.set(name, self.me, nx=True, ex=WATCH_SECONDS):
            return True
        leader = await self.redis.get(name)
        if leader is None or text(leader) != self.me:
            return False
        return bool(await self.redis.expire(name, WATCH_SECONDS))

    async def _round(self, lane: str, memory: _Lane) -> float:
        """Look at what is due; gives the seconds until the next round."""
        members: list[Any] = await self.redis.zrange(key("watched", lane), 0, -1, withscores=True)
        since = {text(member): float(score) for member, score in members}
        for gone in memory.next_look.keys() - since.keys():
            del memory.next_look[gone]
            memory.kinds.pop(gone, None)
        if not since:
            return self.idle
        usual = await self.durations.usual(lane, GUESS_SECONDS)
        now = time.time()
        for owner, began in since.items():
            memory.next_look.setdefault(owner, now + pause_before_look(now - began, usual, together=len(since)))
        due = [owner for owner, at in memory.next_look.items() if at <= now]
        if due:
            await self._look(lane, due, since, memory, usual)
        pause = min(memory.next_look.values(), default=now) - time.time()
        return min(self.idle, max(SHORTEST_SLEEP, pause))

    async def _look(
        self, lane: str, due: Sequence[str], since: Mapping[str, float], memory: _Lane, usual: Usual
    ) -> None:
        # A list that fails must not blind us to requests that can be asked for one by one, nor the other way round.
        several = len(due) > 1 and memory.failures % 2 == 0
        drawings = await self._drawings(lane, since if several else due)
        seen: dict[str, Status] = {}
        with suppress(ProviderError):
            if several:
                seen = await self._listed(lane, drawings, min(since.values()))
            await self._ask([owner for owner in due if owner in drawings and owner not in seen], drawings, seen)
        for owner, status in seen.items():
            await self._note(lane, owner, drawings[owner], status, since[owner], memory)
        now = time.time()
        for owner in {*due, *seen} & memory.next_look.keys():
            memory.next_look[owner] = now + pause_before_look(now - since[owner], usual, together=len(since))
        silent = [owner for owner in due if owner in drawings and owner not in seen]
        memory.failures = memory.failures + 1 if silent and not seen else 0
        if silent:
            pause = min(LONGEST_BACK_OFF, 2.0 ** max(0, memory.failures - 1))
            log.warning("the image service does not say how far it is", lane=lane, requests=len(silent), again_in=pause)
            memory.next_look.update(dict.fromkeys(silent, now + pause))

    async def _drawings(self, lane: str, owners: Iterable[str]) -> dict[str, Drawing]:
        """What is known of each image that the service has in hand; what is no longer in hand is forgotten."""
        images = [_of(owner) for owner in owners]
        drawings: dict[str, Drawing] = {}
        for (turn_id, index), drawing in zip(images, await self.turns.drawings(images), strict=True):
            if drawing is not None and drawing.going:
                drawings[owner_of(turn_id, index)] = drawing
            else:
                await self.forget(lane, turn_id, index)
        return drawings

    async def _listed(self, lane: str, drawings: Mapping[str, Drawing], since: float) -> dict[str, Status]:
        model = Route.of_lane(lane).model
        self.metrics.looks.labels(kind="list").inc()
        listed = await self.services.of_lane(lane).recent(model, since=since - CLOCK_MARGIN)
        found = {item.request.id: item for item in listed}
        seen: dict[str, Status] = {}
        for owner, drawing in drawings.items():
            item = found.get(drawing.request.id) if drawing.request else None
            if item and (item.complete or not isinstance(item.status, Succeeded | Refused | Failed)):
                seen[owner] = item.status
        return seen

    async def _ask(self, owners: Sequence[str], drawings: Mapping[str, Drawing], seen: dict[str, Status]) -> None:
        """Ask for each request by its id, a few at a time; what they are is put into `seen`, what fails is left out."""
        gate = asyncio.Semaphore(LOOKS_AT_ONCE)

        async def ask(owner: str) -> None:
            request = drawings[owner].request
            if request:
                async with gate:
                    self.metrics.looks.labels(kind="look").inc()
                    with suppress(ProviderError):
                        seen[owner] = await self.services.of(request.provider).look(request)

        await asyncio.gather(*(ask(owner) for owner in owners))

    async def _note(self, lane: str, owner: str, drawing: Drawing, status: Status, since: float, memory: _Lane) -> None:
        turn_id, index = _of(owner)
        ended = isinstance(status, Succeeded | Refused | Failed)
        if not ended and memory.kinds.get(owner) == status.kind:
            return
        memory.kinds[owner] = status.kind
        if isinstance(status, Succeeded):
            await self.durations.remember(lane, time.time() - since)
        await self.turns.answer(turn_id, index, drawing, replace(drawing, status=keepable(status)))
        if ended:
            await self.forget(lane, turn_id, index)
        await self.wake(turn_id)


def _of(owner: str) -> tuple[TurnId, int]:
    index, turn_id = owner.split(" ", 1)
    return TurnId(turn_id), int(index)
