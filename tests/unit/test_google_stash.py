"""What Google would not send again is kept for a while, and never too much of it."""

import os

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as StoreAway

from core.packing import key
from core.providers.google import stash as module
from core.providers.google.stash import PICTURE_SECONDS, SMALL_BYTES, SMALL_SECONDS, Stash
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


async def test_what_waits_to_be_delivered_makes_room_for_nothing(redis: Redis) -> None:
    stash = Stash(redis, most_bytes=3_000)
    waiting = await stash.put(os.urandom(1_000), waits=True)
    links = [await stash.put(os.urandom(1_000)) for _ in range(5)]
    assert [await stash.get(link) is not None for link in links] == [False, False, False, True, True]
    assert await stash.get(waiting)
    await stash.release(waiting)
    await stash.put(os.urandom(3_000))
    assert await stash.get(waiting) is None


async def test_what_waits_leaves_room_again_once_it_is_released_or_has_expired(redis: Redis) -> None:
    stash = Stash(redis, most_bytes=4_000)
    waiting = [await stash.put(os.urandom(1_000), waits=True) for _ in range(2)]
    assert not await stash.has_room()
    await stash.release(waiting[0])
    assert await stash.has_room()
    await stash.put(await stash.get(waiting[0]) or b"", waits=True)
    assert not await stash.has_room()
    await redis.delete(name(waiting[1]))
    assert await stash.has_room()


async def test_what_is_asked_for_again_and_again_is_kept_that_long(redis: Redis) -> None:
    stash = Stash(redis)
    link = await stash.put(os.urandom(SMALL_BYTES + 1), waits=True)
    await redis.expire(name(link), 10)
    await stash.get(link)
    assert await redis.ttl(name(link)) == PICTURE_SECONDS


async def test_what_is_kept_for_an_edit_too_waits_all_the_same(redis: Redis) -> None:
    stash = Stash(redis, most_bytes=1_000)
    picture = os.urandom(900)
    link = await stash.put(picture, waits=True)
    assert await stash.put(picture) == link
    await stash.put(os.urandom(1_000))
    assert await stash.get(link) == picture


async def test_letting_go_of_what_is_not_there_leaves_nothing_behind(redis: Redis) -> None:
    stash = Stash(redis)
    await stash.release(f"{KEPT}nothing")
    assert await redis.keys(key("google", "*")) == []


async def test_what_has_expired_takes_no_room(redis: Redis) -> None:
    stash = Stash(redis, most_bytes=2_000)
    gone, here = [await stash.put(os.urandom(1_000)) for _ in range(2)]
    await redis.delete(name(gone))
    await stash.put(os.urandom(1_000))
    assert await stash.get(here)


class Flaky(Stash):
    """Over a store that is away for the first calls."""

    away = 2

    async def put(self, data: bytes, *, waits: bool = False) -> str:
        self.away -= 1
        if self.away >= 0:
            raise StoreAway
        return await super().put(data, waits=waits)


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
