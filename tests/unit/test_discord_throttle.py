"""Edits of one channel are spread out by all workers together; the last one always comes."""

import asyncio
from itertools import pairwise

import pytest
from redis.asyncio import Redis

from adapters.discord.throttle import EVERY_SECONDS, Throttle


@pytest.fixture
def workers(redis: Redis) -> list[Throttle]:
    return [Throttle(redis) for _ in range(5)]


def test_a_channel_is_edited_every_two_seconds() -> None:
    assert EVERY_SECONDS == 2.0


async def test_one_edit_of_a_channel_gets_through_whoever_makes_it(workers: list[Throttle]) -> None:
    asked = [worker.may_edit("c", f"turn-{number}", "drawing") for number, worker in enumerate(workers)]
    assert sum(await asyncio.gather(*asked)) == 1


async def test_channels_do_not_wait_for_each_other(workers: list[Throttle]) -> None:
    assert await workers[0].may_edit("c1", "turn-1", "drawing")
    assert await workers[0].may_edit("c2", "turn-2", "drawing")


async def test_the_next_edit_may_be_made_when_the_time_is_over(redis: Redis) -> None:
    throttle = Throttle(redis, every=0.05)
    assert await throttle.may_edit("c", "turn", "drawing")
    assert not await throttle.may_edit("c", "turn", "checking")
    while not await throttle.may_edit("c", "turn", "checking"):  # noqa: ASYNC110 - the moment is in Redis
        await asyncio.sleep(0.01)


async def test_an_edit_that_would_change_nothing_is_not_made_and_takes_no_place(workers: list[Throttle]) -> None:
    await workers[0].shows("turn", "waiting:3")
    assert not await workers[1].may_edit("c", "turn", "waiting:3")
    assert await workers[1].may_edit("c", "turn", "waiting:2")


async def test_the_last_edit_waits_its_turn_and_has_it(workers: list[Throttle]) -> None:
    assert await workers[0].may_edit("c", "turn", "drawing")
    first = await workers[1].until_last("c", "turn")
    assert 0 < first <= EVERY_SECONDS
    assert not await workers[2].may_edit("c", "other", "drawing"), "nobody gets in between"
    assert await workers[3].until_last("c", "turn") <= first, "asking again moves nothing"


async def test_the_last_edits_of_a_channel_are_spread_out_as_well(workers: list[Throttle]) -> None:
    asked = [worker.until_last("c", f"turn-{number}") for number, worker in enumerate(workers)]
    waits = sorted(await asyncio.gather(*asked))
    gaps = [later - sooner for sooner, later in pairwise(waits)]
    assert waits[0] < 0.1
    assert min(gaps) > EVERY_SECONDS - 0.5
    assert waits[-1] <= EVERY_SECONDS * len(workers)


async def test_the_last_edit_comes_at_once_where_nothing_went_before(workers: list[Throttle]) -> None:
    assert await workers[0].until_last("c", "turn") == 0
