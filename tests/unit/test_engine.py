"""The engine calls a turn's line until the turn has ended, whatever a run does."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core import engine as engine_module
from core.engine import Engine
from core.state import Turns
from core.turns import Route, TurnId
from tests.conftest import wait_until
from tests.unit.test_state import a_turn

ONE = TurnId("fake:w:1")


@pytest.fixture
async def engine(redis_url: str) -> AsyncIterator[Engine]:
    async with Engine(redis_url, slots=5) as engine:
        yield engine


async def test_a_run_that_breaks_off_comes_again(engine: Engine, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "RETRY_SECONDS", 0.01)
    runs: list[TurnId] = []

    async def run(turn_id: TurnId) -> float | None:
        runs.append(turn_id)
        if len(runs) == 1:
            raise RuntimeError("a defect")
        return None

    async with engine.work(run, Turns(redis, ttl=60)):
        await engine.wake(ONE)
        await wait_until(lambda: runs == [ONE, ONE])


async def test_a_turn_is_run_again_when_it_said(engine: Engine, redis: Redis) -> None:
    pauses: list[float | None] = [0.01, 0.01, None]

    async def run(turn_id: TurnId) -> float | None:
        return pauses.pop(0)

    async with engine.work(run, Turns(redis, ttl=60)):
        await engine.wake(ONE)
        await wait_until(lambda: not pauses)


async def test_a_turn_that_meant_to_come_again_is_run_by_a_process_that_has_just_started(redis_url: str) -> None:
    runs: list[str] = []

    async def before(turn_id: TurnId) -> float | None:
        runs.append("before")
        return 0.05

    async def after(turn_id: TurnId) -> float | None:
        runs.append("after")
        return None

    async with Redis.from_url(redis_url) as redis:
        turns = Turns(redis, ttl=60)
        async with Engine(redis_url) as engine, engine.work(before, turns):
            await engine.wake(ONE)
            await wait_until(lambda: bool(runs))
        async with Engine(redis_url) as engine, engine.work(after, turns):
            await wait_until(lambda: runs[-1] == "after")


async def test_news_comes_before_the_time_a_turn_meant_to_come_again(engine: Engine, redis: Redis) -> None:
    runs: list[TurnId] = []

    async def run(turn_id: TurnId) -> float | None:
        runs.append(turn_id)
        return 60.0 if len(runs) == 1 else None

    async with engine.work(run, Turns(redis, ttl=60)):
        await engine.wake(ONE)
        await wait_until(lambda: len(runs) == 1)
        await engine.wake(ONE)
        await wait_until(lambda: len(runs) == 2)


async def test_waking_survives_a_connection_that_has_died(engine: Engine) -> None:
    real, failures = engine.docket.replace, [RedisError("gone")]

    def replace(*arguments: Any) -> Any:
        schedule = real(*arguments)

        async def once_failing(turn_id: TurnId) -> Any:
            if failures:
                raise failures.pop()
            return await schedule(turn_id)

        return once_failing

    engine.docket.replace = replace  # type: ignore[assignment,method-assign]
    await engine.wake(ONE)
    assert not failures


async def test_sweeping_goes_on_when_the_store_was_away(
    engine: Engine, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "SWEEP_SECONDS", 0.01)
    turns, runs = Turns(redis, ttl=60), asyncio.Event()
    real, failures = turns.silent, [RedisError("away")]

    async def silent() -> list[TurnId]:
        if failures:
            raise failures.pop()
        return await real()

    async def run(turn_id: TurnId) -> float | None:
        runs.set()
        return None

    turns.silent = silent  # type: ignore[assignment,method-assign]
    await turns.accept(a_turn(), route=Route("fake", "m1"), price=1, most=1, cap=1)
    await turns.expect(a_turn().id, -60)
    async with engine.work(run, turns):
        await asyncio.wait_for(runs.wait(), 5)
