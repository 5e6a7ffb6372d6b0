"""Requests in hand are looked at for all turns at once, and one that cannot be seen hides no other."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from core.background import stop
from core.durations import ENOUGH, Durations
from core.errors import Unavailable
from core.metrics import Metrics
from core.packing import key
from core.ports import Job
from core.records import Drawing
from core.services import Services
from core.state import Turns
from core.statuses import Failed, FailureReason, Request, Running, Status, Succeeded
from core.turns import Route, TurnId
from core.watching import Watcher
from tests.conftest import wait_until
from tests.fakes.provider import FakeImages
from tests.unit.test_state import a_turn

LANE = "fake:m1"
SILENT = Failed(FailureReason.OVERLOADED, 1.0)


@dataclass(slots=True)
class Blinkered(FakeImages):
    """Does not show some requests, however they are asked for."""

    hidden: set[str] = field(default_factory=set)

    async def look(self, request: Request) -> Status:
        if request.id in self.hidden:
            raise Unavailable(SILENT)
        return await super(Blinkered, self).look(request)


@dataclass
class Scene:
    """A watcher over turns whose requests are in hand."""

    redis: Redis
    images: Blinkered = field(default_factory=lambda: Blinkered(finish_at_once=False))
    woken: list[TurnId] = field(default_factory=list)
    turns: Turns = field(init=False)
    watcher: Watcher = field(init=False)

    def __post_init__(self) -> None:
        self.turns = Turns(self.redis, ttl=600)
        self.watcher = self.another()

    def another(self) -> Watcher:
        metrics = Metrics(CollectorRegistry())
        return Watcher(
            self.redis, Services([self.images]), self.turns, Durations(self.redis), self._wake, metrics, idle=0.05
        )

    async def _wake(self, turn_id: TurnId) -> None:
        self.woken.append(turn_id)

    async def request(self, event: str) -> TurnId:
        """A turn whose request the service has."""
        turn = a_turn(event)
        await self.turns.accept(turn, route=Route.of_lane(LANE), price=1, most=99, cap=999)
        made = await self.images.submit(Job("m1", event))
        sent_at = time.time()
        async with self.turns.hold(turn.id) as hold:
            assert hold is not None
            await hold.save_drawing(0, Drawing(sent_at=sent_at, request=made.request, status=made.status))
        await self.watcher.follow(LANE, turn.id, 0, sent_at)
        return turn.id

    async def status(self, turn_id: TurnId) -> Status | None:
        (drawing,) = await self.turns.drawings([(turn_id, 0)])
        return drawing.status if drawing else None

    async def drawn(self, turn_id: TurnId) -> bool:
        return isinstance(await self.status(turn_id), Succeeded)


@pytest.fixture
async def scene(redis: Redis) -> AsyncIterator[Scene]:
    for _ in range(ENOUGH):
        await Durations(redis).remember(LANE, 0.05)
    scene = Scene(redis)
    task = asyncio.create_task(scene.watcher.run())
    yield scene
    await stop(task)


async def test_a_turn_is_woken_when_its_picture_is_ready(scene: Scene) -> None:
    turn_id = await scene.request("1")
    scene.images.finish()
    await wait_until(lambda: scene.drawn(turn_id))
    await wait_until(lambda: turn_id in scene.woken)
    assert not await scene.redis.exists(key("watched", LANE))


async def test_a_turn_is_woken_once_for_each_thing_that_is_new(scene: Scene) -> None:
    turn_id = await scene.request("1")
    scene.images.finish(Running())
    await wait_until(lambda: scene.woken == [turn_id])
    looks = scene.images.looks
    await wait_until(lambda: scene.images.looks > looks + 1)
    assert scene.woken == [turn_id]


async def test_many_requests_are_seen_by_one_list(scene: Scene) -> None:
    turns = [await scene.request(str(number)) for number in range(10)]
    for request, _ in scene.images.made:
        scene.images.finish(request=request.id)
    for turn_id in turns:
        await wait_until(lambda turn_id=turn_id: scene.drawn(turn_id))
    assert scene.images.lists + scene.images.looks < 10


async def test_a_list_that_fails_does_not_blind_us(scene: Scene) -> None:
    scene.images.troubles["recent"] = [Unavailable(SILENT) for _ in range(1000)]
    turns = [await scene.request(str(number)) for number in range(3)]
    for request, _ in scene.images.made:
        scene.images.finish(request=request.id)
    for turn_id in turns:
        await wait_until(lambda turn_id=turn_id: scene.drawn(turn_id), 8)


async def test_a_request_that_cannot_be_looked_at_hides_no_other(scene: Scene) -> None:
    scene.images.troubles["recent"] = [Unavailable(SILENT) for _ in range(1000)]
    scene.images.hidden.add("r1")
    hidden, seen = await scene.request("1"), await scene.request("2")
    scene.images.finish(request="r2")
    await wait_until(lambda: scene.drawn(seen), 8)
    assert not await scene.drawn(hidden)


async def test_looks_that_fail_are_made_again(scene: Scene) -> None:
    scene.images.troubles["look"] = [Unavailable(SILENT)]
    turn_id = await scene.request("1")
    scene.images.finish()
    await wait_until(lambda: scene.drawn(turn_id), 8)


async def test_what_is_no_longer_in_hand_is_forgotten(scene: Scene) -> None:
    turn_id = await scene.request("1")
    async with scene.turns.hold(turn_id) as hold:
        assert hold is not None
        await scene.turns.end(hold, how="cancelled", spent=0)
    await wait_until(lambda: _nothing_watched(scene.redis))
    assert scene.woken == []


async def test_whoever_stops_watching_makes_room_at_once(redis: Redis) -> None:
    scene = Scene(redis)
    for _ in range(ENOUGH):
        await Durations(redis).remember(LANE, 0.05)
    turn_id = await scene.request("1")
    first, second = asyncio.create_task(scene.watcher.run()), asyncio.create_task(scene.another().run())
    await wait_until(lambda: redis.exists(key("watcher", LANE)))
    scene.images.finish()
    await stop(first)
    await wait_until(lambda: scene.drawn(turn_id), 3)
    await stop(second)
    assert not await redis.exists(key("watcher", LANE))


async def test_watching_goes_on_after_a_defect(scene: Scene) -> None:
    scene.images.troubles["look"] = [RuntimeError("a defect")]  # type: ignore[list-item]
    turn_id = await scene.request("1")
    scene.images.finish()
    await wait_until(lambda: scene.drawn(turn_id), 8)


async def _nothing_watched(redis: Redis) -> bool:
    return not await redis.exists(key("watched", LANE))
