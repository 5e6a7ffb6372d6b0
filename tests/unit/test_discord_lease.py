"""Only who holds a shard's lease acts on it, and a holder that falls silent is replaced."""

import asyncio

import pytest
from redis.asyncio import Redis

from adapters.discord.lease import (
    LEASE_SECONDS,
    RENEW_SECONDS,
    Lease,
    Presence,
    Session,
    turn_to_identify,
)
from core.background import stop

EARLY, LATE = Session("early", 10, "wss://resume.early"), Session("late", 20, "wss://resume.late")
REPLACED_WITHIN_SECONDS = 10.0


@pytest.fixture
def first(redis: Redis) -> Lease:
    return Lease(redis, 0, 1)


@pytest.fixture
def second(redis: Redis) -> Lease:
    return Lease(redis, 0, 1)


async def expire(redis: Redis) -> None:
    """What time does to a lease that nobody renews."""
    assert await redis.delete("imagine:1:discord:lease:{0-of-1}") == 1


async def test_a_shard_is_heard_by_one_process(first: Lease, second: Lease) -> None:
    assert await first.take()
    assert not await second.take()
    assert await first.renew()


async def test_of_many_that_want_it_one_gets_it(redis: Redis) -> None:
    leases = [Lease(redis, 0, 1) for _ in range(20)]
    assert sum(await asyncio.gather(*(lease.take() for lease in leases))) == 1


async def test_every_shard_has_a_lease_of_its_own(redis: Redis) -> None:
    assert await Lease(redis, 0, 2).take()
    assert await Lease(redis, 1, 2).take()
    assert await Lease(redis, 0, 1).take(), "another number of shards is another line"


async def test_a_silent_holder_is_replaced_within_ten_seconds(redis: Redis, first: Lease) -> None:
    await first.take()
    left = await redis.pttl("imagine:1:discord:lease:{0-of-1}")
    assert 0 < left <= LEASE_SECONDS * 1000
    # At worst the lease was renewed just before the end, and a successor has just looked.
    assert LEASE_SECONDS + RENEW_SECONDS < REPLACED_WITHIN_SECONDS
    assert RENEW_SECONDS * 3 < LEASE_SECONDS, "one slow answer of the store costs nobody a shard"


async def test_who_lost_the_lease_can_do_nothing_more(redis: Redis, first: Lease, second: Lease) -> None:
    await first.take()
    assert await first.save(EARLY)
    await expire(redis)
    assert await second.take()
    assert second.fence > first.fence
    assert await second.save(LATE)
    assert not await first.renew()
    assert not await first.save(EARLY)
    await first.forget_session()
    await first.release()
    assert await second.session() == LATE
    assert await second.renew()


async def test_who_lost_the_lease_does_not_get_it_back_when_the_next_one_has_gone_too(
    redis: Redis, first: Lease, second: Lease
) -> None:
    await first.take()
    await expire(redis)
    await second.take()
    await second.release()
    assert not await first.renew()


async def test_a_holder_whose_lease_ran_out_and_was_not_taken_goes_on(redis: Redis, first: Lease) -> None:
    await first.take()
    await expire(redis)
    assert await first.renew()
    assert await first.save(EARLY)


async def test_a_successor_finds_the_session_and_a_holder_may_drop_it(first: Lease, second: Lease) -> None:
    await first.take()
    await first.save(EARLY)
    await first.release()
    assert await second.take()
    assert await second.session() == EARLY
    await second.forget_session()
    assert await second.session() is None


async def test_all_that_is_kept_of_a_shard_expires(redis: Redis, first: Lease) -> None:
    await first.take()
    await first.save(EARLY)
    await Presence(redis).share(1)
    names = [name async for name in redis.scan_iter("imagine:1:discord:*")]
    assert len(names) == 4
    assert all([await redis.ttl(name) > 0 for name in names])


async def test_one_shard_of_each_bucket_identifies_at_a_time(redis: Redis) -> None:
    await turn_to_identify(redis, 0, 2)
    await asyncio.wait_for(turn_to_identify(redis, 1, 2), 1)
    waiting = asyncio.create_task(turn_to_identify(redis, 2, 2))
    await asyncio.sleep(0)
    assert not waiting.done()
    await redis.pexpire("imagine:1:discord:identify:0", 20)
    await stop(waiting)


async def test_shards_are_shared_among_the_processes_that_are_there(redis: Redis) -> None:
    one, other = Presence(redis), Presence(redis)
    assert await one.share(5) == 5
    assert await other.share(5) == 3
    assert await one.share(5) == 3
    await other.leave()
    assert await one.share(5) == 5
