"""The fair line."""

import asyncio
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.pace import Pace
from core.queue import Queue
from core.turns import Person, TurnId

LANE = "fake:m1"


def person(name: str) -> Person:
    return Person("fake", "w", name)


async def join(queue: Queue, name: str, number: int, images: int = 1) -> TurnId:
    turn = TurnId(f"{name}-{number}")
    await queue.place(LANE, turn, person(name), images=images)
    return turn


async def drained(queue: Queue, running: list[TurnId]) -> list[str]:
    """The order in which turns are let in as places come free one by one."""
    order: list[str] = []
    while running:
        turn = running.pop(0)
        order.append(turn)
        running += (await queue.leave(LANE, turn)).admitted
    return order


async def test_one_persons_hundred_turns_never_delay_another_persons_first(redis: Redis) -> None:
    queue = Queue(redis, capacity=1, per_person=1)
    for number in range(100):
        await join(queue, "ada", number)
    turn = await join(queue, "bob", 0)
    assert await queue.position(LANE, turn) == 1


async def test_people_are_served_in_turn(redis: Redis) -> None:
    queue = Queue(redis, capacity=1, per_person=1)
    for number in range(3):
        await join(queue, "ada", number)
    for number in range(3):
        await join(queue, "bob", number)
    order = await drained(queue, [TurnId("ada-0")])
    assert [name.split("-")[0] for name in order] == ["ada", "bob", "ada", "bob", "ada", "bob"]


async def test_nobody_runs_more_than_their_share_at_a_time(redis: Redis) -> None:
    queue = Queue(redis, capacity=10, per_person=2)
    for number in range(5):
        await join(queue, "ada", number)
    assert await queue.lengths(LANE) == (3, 2)
    await join(queue, "bob", 0)
    assert await queue.lengths(LANE) == (3, 3)


async def test_a_place_that_is_left_twice_is_given_once(redis: Redis) -> None:
    queue = Queue(redis, capacity=1, per_person=1)
    first = await join(queue, "ada", 0)
    second = await join(queue, "bob", 0)
    await join(queue, "eve", 0)
    assert (await queue.leave(LANE, first)).admitted == (second,)
    assert (await queue.leave(LANE, first)).admitted == ()


async def test_standing_in_line_twice_is_standing_there_once(redis: Redis) -> None:
    queue = Queue(redis, capacity=1, per_person=1)
    await join(queue, "ada", 0)
    positions = [(await queue.place(LANE, TurnId("bob-0"), person("bob"), images=1)).position for _ in range(3)]
    assert positions == [1, 1, 1]
    assert await queue.lengths(LANE) == (1, 1)


async def test_a_turn_of_several_images_takes_as_many_places(redis: Redis) -> None:
    queue = Queue(redis, capacity=4, per_person=4)
    await join(queue, "ada", 0, images=4)
    turn = await join(queue, "bob", 0)
    assert await queue.position(LANE, turn) == 1


async def test_a_turn_larger_than_the_lane_goes_alone(redis: Redis) -> None:
    queue = Queue(redis, capacity=2, per_person=4)
    await join(queue, "ada", 0, images=4)
    assert await queue.lengths(LANE) == (0, 1)


async def test_nobody_is_let_in_while_the_service_asks_to_wait(redis: Redis) -> None:
    queue, pace = Queue(redis, capacity=4, per_person=4), Pace(redis)
    await pace.learn(LANE, after=0.2, limit=None)
    turn = await join(queue, "ada", 0)
    assert await queue.position(LANE, turn) == 1
    await asyncio.sleep(await pace.take(LANE) + 0.01)
    assert (await queue.place(LANE, turn, person("ada"), images=1)).position == 0


async def test_the_pace_that_was_learnt_spreads_requests(redis: Redis) -> None:
    pace = Pace(redis)
    await pace.learn(LANE, after=0, limit=(2, 60))
    assert await pace.take(LANE) <= 0.01
    assert 29 < await pace.take(LANE) <= 30


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 3), st.booleans()), max_size=40),
    seed=st.integers(),
)
async def test_whatever_happens_places_are_neither_lost_nor_made(
    redis: Redis, steps: list[tuple[str, int, bool]], seed: int
) -> None:
    await redis.flushall()
    queue, choose = Queue(redis, capacity=4, per_person=2), random.Random(seed)
    inside: dict[TurnId, int] = {}
    images_of: dict[TurnId, int] = {}
    for number, (name, images, leaves) in enumerate(steps):
        turn = TurnId(f"{name}-{number}")
        images_of[turn] = images
        place = await queue.place(LANE, turn, person(name), images=images)
        inside |= {admitted: images_of[admitted] for admitted in place.admitted}
        if leaves and inside:
            gone = choose.choice(sorted(inside))
            del inside[gone]
            inside |= {admitted: images_of[admitted] for admitted in (await queue.leave(LANE, gone)).admitted}
        assert sum(inside.values()) <= 4
        assert all(sum(turn.startswith(who) for turn in inside) <= 2 for who in "abcd")
        assert (await queue.lengths(LANE))[1] == len(inside)
    served = await drained(queue, list(inside))
    assert await queue.lengths(LANE) == (0, 0)
    assert len(set(served)) == len(served)
