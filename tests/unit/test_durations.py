"""When to look, and what to tell people."""

import random

import pytest
from redis.asyncio import Redis

from core.durations import Durations, Usual, estimate, pause_before_look, usual_of


def looks_until(duration: float, usual: Usual) -> tuple[int, float]:
    """How often a request of this duration is looked at, and how late its end is seen."""
    age, looks = 0.0, 0
    while age < duration:
        age += pause_before_look(age, usual)
        looks += 1
    return looks, age - duration


@pytest.mark.parametrize("median", [4.0, 13.5, 35.0, 99.0])
def test_what_was_learnt_finds_pictures_sooner_with_few_looks(median: float) -> None:
    random_ = random.Random(1)
    durations = [random_.lognormvariate(0, 0.25) * median for _ in range(500)]
    usual = usual_of(durations[:50], guess=10)
    results = [looks_until(duration, usual) for duration in durations]
    looks, late = (sum(column) / len(results) for column in zip(*results, strict=True))
    assert late < max(0.5, median * 0.05)
    assert looks < 20


def test_without_enough_pictures_the_pause_grows_with_the_age() -> None:
    usual = usual_of([3.0], guess=10)
    assert not usual.learnt
    assert pause_before_look(0, usual) == 2.0
    assert pause_before_look(3, usual) == 0.5
    assert pause_before_look(30, usual) == 3.0
    assert pause_before_look(300, usual) == 5.0


def test_looking_never_stops_however_late_it_gets() -> None:
    usual = usual_of([10.0] * 20, guess=10)
    assert 0 < pause_before_look(10_000, usual) <= 10


def test_the_estimate_grows_with_the_place_in_line() -> None:
    usual = usual_of([10.0] * 20, guess=1)
    assert [estimate(position, 4, usual) for position in (0, 1, 4, 5)] == [10, 20, 20, 30]


async def test_only_the_last_fifty_are_remembered(redis: Redis) -> None:
    durations = Durations(redis)
    for _ in range(30):
        await durations.remember("lane", 100.0)
    for _ in range(50):
        await durations.remember("lane", 5.0)
    assert (await durations.usual("lane", 1.0)).slow == 5.0
