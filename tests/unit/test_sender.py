"""What is sent, is sent once, and what came of it is written down whatever happens to the store."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.breaker import Breaker, Position
from core.durations import Durations
from core.errors import NotSent
from core.pace import Pace
from core.packing import key
from core.ports import Job, Submission
from core.providers.gmi.client import MAX_ANSWER_BYTES
from core.providers.gmi.listing import PAGE
from core.records import Drawing
from core.sender import MOST_HISTORY_BYTES, WAITED_FOR, Errand, Sender, keepable, tried_again_in
from core.sends import Sends
from core.services import Services
from core.state import Turns
from core.statuses import Failed, FailureReason, Output, Queued, RefusalReason, Refused, Request, Succeeded
from core.turns import Route, TurnId
from tests.conftest import wait_until
from tests.fakes.provider import FakeImages
from tests.unit.test_state import a_turn

LANE = "fake:m1"


@dataclass
class Post:
    """A sender, and the turn that it sends for."""

    redis: Redis
    images: FakeImages = field(default_factory=FakeImages)
    woken: list[TurnId] = field(default_factory=list)
    sender: Sender = field(init=False)
    turns: Turns = field(init=False)
    sends: Sends = field(init=False)

    def __post_init__(self) -> None:
        self.turns, self.sends = Turns(self.redis, ttl=600), Sends(self.redis)
        pace, durations = Pace(self.redis), Durations(self.redis)
        self.sender = Sender(
            Services([self.images]), self.turns, self.sends, pace, Breaker(self.redis), durations, self._wake
        )

    async def _wake(self, turn_id: TurnId) -> None:
        self.woken.append(turn_id)

    async def send(self) -> None:
        turn, drawing = a_turn(), Drawing(attempt="a", digest="d", sent_at=1.0)
        await self.turns.accept(turn, route=Route.of_lane(LANE), price=1, most=9, cap=99)
        async with self.turns.hold(turn.id) as hold:
            assert hold is not None
            await self.sends.begin(LANE, "d", "a")
            await hold.save_drawing(0, drawing)
        self.sender.start(Errand(turn.id, 0, LANE, Job("m1", "a fox"), until=2.0), drawing)

    async def drawing(self) -> Drawing:
        (drawing,) = await self.turns.drawings([(a_turn().id, 0)])
        assert drawing is not None
        return drawing


@pytest.fixture
async def post(redis: Redis) -> AsyncIterator[Post]:
    post = Post(redis)
    yield post
    await post.sender.drain(0)


async def idle(post: Post) -> None:
    await wait_until(lambda: post.sender.under_way == 0)


async def test_an_answer_is_written_down_and_its_turn_woken(post: Post) -> None:
    await post.send()
    await idle(post)
    assert isinstance((await post.drawing()).status, Succeeded)
    assert post.woken == [a_turn().id]
    assert not await post.redis.keys(key("send*"))


async def test_an_answer_waits_for_a_store_that_is_away(post: Post) -> None:
    real, failures = post.turns.answer, [RedisError("away"), OSError("away")]

    async def answer(*arguments: Any) -> bool:
        if failures:
            raise failures.pop()
        return await real(*arguments)

    post.turns.answer = answer  # type: ignore[method-assign,assignment]
    await post.send()
    await idle(post)
    assert isinstance((await post.drawing()).status, Succeeded)
    assert len(post.images.made) == 1


class Unfit(FakeImages):
    async def submit(self, job: Job) -> Submission:
        return Submission(Request(self.name, job.model, "", 0.0), Refused(RefusalReason.INVALID), sent=False)


async def test_what_was_not_even_sent_does_not_say_that_the_service_is_back(post: Post) -> None:
    for _ in range(3):
        await post.sender.breaker.fail(LANE, "b", FailureReason.UNREACHABLE)
    post.sender.services = Services([Unfit()])
    await post.send()
    await idle(post)
    assert (await post.drawing()).status == Refused(RefusalReason.INVALID)
    assert (await post.sender.breaker.condition(LANE)).position is Position.OPEN


class Broken(FakeImages):
    async def submit(self, job: Job) -> Any:
        raise RuntimeError("a defect")


async def test_a_defect_while_sending_does_not_look_as_if_nothing_was_sent(post: Post) -> None:
    post.sender.services = Services([Broken()])
    await post.send()
    await idle(post)
    assert (await post.drawing()).lost_at
    assert await post.redis.hgetall(key("sends", LANE, "d")) == {b"a": b"lost"}


async def test_what_is_not_answered_when_its_process_stops_is_looked_for(post: Post) -> None:
    post.images.held = True
    await post.send()
    await wait_until(lambda: post.images.sent)
    await post.sender.drain(0.01)
    assert (await post.drawing()).lost_at
    assert post.woken == [a_turn().id]


async def test_a_stop_waits_for_answers_that_come_in_time(post: Post) -> None:
    post.images.held = True
    await post.send()
    await wait_until(lambda: post.images.sent)
    asyncio.get_running_loop().call_later(0.05, post.images.release.set)
    await post.sender.drain(5)
    assert not (await post.drawing()).lost_at


async def test_an_answer_to_a_turn_that_is_over_changes_nothing(post: Post) -> None:
    post.images.held = True
    await post.send()
    await wait_until(lambda: post.images.sent)
    async with post.turns.hold(a_turn().id) as hold:
        assert hold is not None
        await post.turns.end(hold, how="cancelled", spent=0)
    post.images.release.set()
    await idle(post)
    assert await post.redis.hgetall(key("turn", a_turn().id)) == {b"ended": b"cancelled"}
    assert post.woken == []
    assert not await post.redis.keys(key("sends", "*"))


@pytest.mark.parametrize("reason", [FailureReason.NO_CREDIT, FailureReason.BAD_KEY, FailureReason.WRONG_HOST])
async def test_what_only_an_operator_can_mend_stops_the_lane(post: Post, reason: FailureReason) -> None:
    post.images.submits.append(NotSent(Failed(reason)))
    await post.send()
    await idle(post)
    assert (await post.drawing()).status == Failed(reason)
    assert (await Breaker(post.redis).condition(LANE)).position is Position.OPEN


def test_an_overloaded_service_is_asked_less_and_less_often_until_the_turn_may_wait_no_longer() -> None:
    busy, now, until = Failed(FailureReason.OVERLOADED, 20.0), 0.0, 600.0
    pauses: list[float] = []
    while (pause := tried_again_in(busy, tries=len(pauses), left=until - now)) is not None:
        pauses.append(pause)
        now += pause
    assert pauses[:5] == [20.0, 20.0, 40.0, 60.0, 60.0]
    assert until - 60.0 < now <= until


@pytest.mark.parametrize("told", [33.0, 90.0, 300.0])
def test_a_service_that_says_when_to_come_back_is_not_asked_sooner(told: float) -> None:
    busy = Failed(FailureReason.OVERLOADED, told)
    assert all((tried_again_in(busy, tries=tries, left=900.0) or 0.0) >= told for tries in range(9))


@pytest.mark.parametrize("reason", sorted(set(FailureReason) - WAITED_FOR - {FailureReason.RATE_LIMITED}))
def test_what_does_not_pass_is_not_waited_for(reason: FailureReason) -> None:
    assert tried_again_in(Failed(reason, 1.0), tries=0, left=600.0) is None


def test_what_is_written_down_has_no_bytes_and_no_endless_history() -> None:
    long = [{"text": "x" * MOST_HISTORY_BYTES}]
    assert keepable(Succeeded((Output("u", b"bytes"),), long)) == Succeeded((Output("u"),), outgrown=True)
    assert keepable(Succeeded((Output("u"),), [{"text": "x"}])) == Succeeded((Output("u"),), [{"text": "x"}])
    for status in (Queued(), Refused(RefusalReason.INVALID)):
        assert keepable(status) == status


def test_a_history_that_is_kept_is_not_too_large_for_the_list_that_echoes_it() -> None:
    assert 2 * PAGE * MOST_HISTORY_BYTES < MAX_ANSWER_BYTES


def test_as_many_words_as_a_model_takes_are_kept() -> None:
    words = [{"role": "user", "parts": [{"text": "狐" * 32_768}]}]
    assert keepable(Succeeded((Output("u"),), words)) == Succeeded((Output("u"),), words)
