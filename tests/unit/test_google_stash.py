"""What Google would not send again is kept for a while, and never too much of it."""

import os

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as StoreAway

from core.providers.google import stash as module
from core.providers.google.stash import PICTURE_SECONDS, SMALL_BYTES, SMALL_SECONDS, Stash
from core.state import key
from core.statuses import KEPT


def name(link: str) -> str:
    return key("google", "kept", link.removeprefix(KEPT))


async def test_what_is_kept_comes_back_and_expires(redis: Redis) -> None:
    stash = Stash(redis)
    small, picture = os.urandom(100), os.urandom(SMALL_BYTES + 1)
    links = [await stash.put(small), await stash.put(picture)]
    assert [await stash.get(link) for link in links] == [small, picture]
    assert [await redis.ttl(name(link)) for link in links] == [SMALL_SECONDS, PICTURE_SECONDS]


async def test_what_is_looked_for_is_kept_anew(redis: Redis) -> None:
    stash = Stash(redis)
    link = await stash.put(b"a fox")
    await redis.expire(name(link), 10)
    assert await stash.holds(link)
    assert await redis.ttl(name(link)) == SMALL_SECONDS
    assert not await stash.holds(f"{KEPT}nothing")
    assert await stash.get(f"{KEPT}nothing") is None


async def test_equal_bytes_are_kept_once(redis: Redis) -> None:
    stash = Stash(redis)
    assert len({await stash.put(b"a fox") for _ in range(3)}) == 1
    assert await redis.zcard(key("google", "kept")) == 1


async def test_the_least_lately_kept_makes_room(redis: Redis) -> None:
    stash = Stash(redis, most_bytes=3_000)
    links = [await stash.put(os.urandom(1_000)) for _ in range(5)]
    assert [await stash.get(link) is not None for link in links] == [False, False, True, True, True]
    assert await redis.zcard(key("google", "kept")) == 3


async def test_what_has_expired_takes_no_room(redis: Redis) -> None:
    stash = Stash(redis, most_bytes=2_000)
    gone, here = [await stash.put(os.urandom(1_000)) for _ in range(2)]
    await redis.delete(name(gone))
    await stash.put(os.urandom(1_000))
    assert await stash.get(here)


class Flaky(Stash):
    """Over a store that is away for the first calls."""

    away = 2

    async def put(self, data: bytes) -> str:
        self.away -= 1
        if self.away >= 0:
            raise StoreAway
        return await super().put(data)


async def test_what_was_paid_for_waits_for_the_store(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STORE_PAUSE", 0.01)
    stash = Flaky(redis)
    assert await stash.get(await stash.put_for_sure(b"a fox")) == b"a fox"


async def test_a_store_that_stays_away_is_not_waited_for_without_end(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STORE_PAUSE", 0.01)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    stash = Flaky(redis)
    stash.away = 1_000
    with pytest.raises(StoreAway):
        await stash.put_for_sure(b"a fox")
