"""A breaker stops what would only fail, and lets one request at a time find out when that is over."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.breaker import MOST_FAILURES, PROBE_SECONDS, STANDING_PAUSE, Breaker, Position
from core.packing import key
from core.statuses import OUTAGES, STANDING, FailureReason

LANE = "fake:m1"
PAUSE = 5.0
OUTAGE = FailureReason.UNREACHABLE


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(redis: Redis, clock: Clock) -> Breaker:
    return Breaker(redis, pause=PAUSE, clock=clock)


async def opened(breaker: Breaker) -> None:
    for number in range(MOST_FAILURES):
        await breaker.note(LANE, f"before{number}", OUTAGE)


async def position(breaker: Breaker) -> Position:
    return (await breaker.condition(LANE)).position


async def test_one_failure_stops_nothing(breaker: Breaker) -> None:
    assert await breaker.note(LANE, "a", OUTAGE) is False
    assert await breaker.take(LANE, "b") == 0
    assert await position(breaker) is Position.CLOSED


async def test_several_in_a_row_stop_everything_for_a_while(breaker: Breaker, clock: Clock) -> None:
    await opened(breaker)
    clock.now += 1
    assert await breaker.take(LANE, "b") == PAUSE - 1
    assert (await breaker.condition(LANE)).stopped
    assert (await breaker.condition("fake:m2")).position is Position.CLOSED


async def test_a_success_in_between_starts_the_count_anew(breaker: Breaker) -> None:
    await breaker.note(LANE, "a", OUTAGE)
    await breaker.note(LANE, "b", None)
    for attempt in ("c", "d"):
        assert await breaker.note(LANE, attempt, OUTAGE) is False


@pytest.mark.parametrize("reason", sorted(set(FailureReason) - OUTAGES - STANDING))
async def test_what_is_no_outage_opens_nothing(breaker: Breaker, reason: FailureReason) -> None:
    for attempt in ("a", "b", "c", "d"):
        assert await breaker.note(LANE, attempt, reason) is False
    assert await position(breaker) is Position.CLOSED


@pytest.mark.parametrize("reason", sorted(STANDING))
async def test_what_the_next_would_meet_as_well_needs_no_second_failure(
    breaker: Breaker, clock: Clock, reason: FailureReason
) -> None:
    assert await breaker.note(LANE, "a", reason) is True
    assert (await breaker.condition(LANE)).reason is reason
    clock.now += STANDING_PAUSE - 0.1
    assert (await breaker.condition(LANE)).stopped


async def test_a_probe_that_fails_opens_it_for_longer_and_one_that_succeeds_closes_it(
    breaker: Breaker, clock: Clock
) -> None:
    await opened(breaker)
    clock.now += PAUSE
    assert await position(breaker) is Position.HALF_OPEN
    assert await breaker.take(LANE, "probe") == 0
    await breaker.note(LANE, "probe", OUTAGE)
    assert await breaker.take(LANE, "next") == 2 * PAUSE
    clock.now += 2 * PAUSE
    assert await breaker.take(LANE, "next") == 0
    await breaker.note(LANE, "next", None)
    assert await position(breaker) is Position.CLOSED
    assert not await breaker.redis.exists(key("breaker", LANE))


async def test_a_probe_whose_process_died_is_given_up(breaker: Breaker, clock: Clock) -> None:
    await opened(breaker)
    clock.now += PAUSE
    assert await breaker.take(LANE, "dies") == 0
    assert await breaker.take(LANE, "other") > 0
    clock.now += PROBE_SECONDS / 2
    await breaker.still(LANE, "other")
    clock.now += PROBE_SECONDS / 2
    assert await breaker.take(LANE, "other") == 0
    await breaker.still(LANE, "dies")
    assert await breaker.take(LANE, "third") == PROBE_SECONDS


async def test_a_late_failure_of_before_does_not_keep_it_open(breaker: Breaker, clock: Clock) -> None:
    await opened(breaker)
    clock.now += 1
    await breaker.note(LANE, "late", OUTAGE)
    assert await breaker.take(LANE, "b") == PAUSE - 1


async def test_many_processes_at_once_make_one_probe(redis: Redis, breaker: Breaker, clock: Clock) -> None:
    await opened(breaker)
    clock.now += PAUSE
    many = [Breaker(redis, pause=PAUSE, clock=clock) for _ in range(20)]
    waits = await asyncio.gather(*(one.take(LANE, f"p{number}") for number, one in enumerate(many)))
    assert waits.count(0) == 1


async def test_everything_of_a_breaker_expires(breaker: Breaker) -> None:
    await breaker.note(LANE, "a", OUTAGE)
    assert await breaker.redis.ttl(key("breaker", LANE)) > 0
    await opened(breaker)
    assert await breaker.redis.ttl(key("breaker", LANE)) > 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.floats(0, 1)),
        st.tuples(st.just("succeed"), st.floats(0, 25)),
        st.tuples(st.just("fail"), st.floats(0, 25)),
        st.tuples(st.just("wait"), st.floats(0, 40)),
    ),
    max_size=25,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_there_are_never_two_probes_and_success_always_closes(
    redis: Redis, steps: list[tuple[str, float]]
) -> None:
    clock = Clock()
    breaker = Breaker(redis, pause=PAUSE, clock=clock)
    await redis.delete(key("breaker", LANE))
    under_way: list[str] = []
    probes: dict[str, float] = {}
    for number, (step, size) in enumerate(steps):
        chosen = under_way[int(size) % len(under_way)] if under_way else ""
        if step == "take":
            probing = await position(breaker) is not Position.CLOSED
            if await breaker.take(LANE, str(number)) == 0:
                under_way.append(str(number))
                if probing:
                    alive = [until for until in probes.values() if until > clock.now]
                    assert not alive, "a second probe beside a living one"
                    probes[str(number)] = clock.now + PROBE_SECONDS
        elif step == "wait":
            clock.now += size
        elif chosen:
            under_way.remove(chosen)
            probes.pop(chosen, None)
            await breaker.note(LANE, chosen, OUTAGE if step == "fail" else None)
            if step == "succeed":
                assert await position(breaker) is Position.CLOSED
                probes.clear()
    # However it went: after long enough one is let through, and its success closes it for all.
    clock.now += STANDING_PAUSE + PROBE_SECONDS
    assert await breaker.take(LANE, "last") == 0
    await breaker.note(LANE, "last", None)
    assert [await breaker.take(LANE, attempt) for attempt in ("x", "y")] == [0, 0]
