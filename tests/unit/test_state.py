"""Turns in the store: claimed once, held by one, settled once, and nothing left behind."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.packing import key, pack, unpack
from core.ports import Announcement
from core.records import Drawing, Prepared
from core.state import Entry, Held, Turns, read
from core.statuses import Failed, FailureReason, Output, Queued, RefusalReason, Refused, Request, Running, Succeeded
from core.turns import (
    ImageRef,
    Node,
    NodeImage,
    Operation,
    Options,
    Person,
    Reference,
    Route,
    ThreadKey,
    Turn,
    TurnId,
    turn_id,
)
from tests.conftest import wait_until

ADA = Person("fake", "w", "ada")
DAY = 86_400.0


def a_turn(event: str = "1", **changes: Any) -> Turn:
    known = Turn(turn_id("fake", "w", event), ThreadKey("fake", "w", "c"), ADA, "a fox", asked_at=1000 * DAY)
    return replace(known, **changes)


async def accept(turns: Turns, turn: Turn, *, price: int = 10, most: int = 10, cap: int = 1000) -> Entry:
    return (await turns.accept(turn, route=Route("fake", "m1"), price=price, most=most, cap=cap))[0]


async def end(turns: Turns, turn: Turn, *, spent: int = 0) -> None:
    async with turns.hold(turn.id) as hold:
        assert hold is not None
        await turns.end(hold, how="done", spent=spent)


@pytest.fixture
def turns(redis: Redis) -> Turns:
    return Turns(redis, ttl=3600)


async def test_an_event_is_taken_on_once_even_after_its_turn_has_ended(turns: Turns) -> None:
    turn = a_turn()
    assert await accept(turns, turn) is Entry.NEW
    assert await accept(turns, turn) is Entry.AGAIN
    await end(turns, turn)
    assert await accept(turns, turn) is Entry.AGAIN
    assert await turns.known(turn.id)
    assert await turns.read(turn.id) is None


async def test_nobody_has_more_turns_open_than_allowed(turns: Turns) -> None:
    for number in range(3):
        assert await accept(turns, a_turn(str(number)), most=3) is Entry.NEW
    assert await turns.accept(a_turn("4"), route=Route("fake", "m1"), price=1, most=3, cap=1000) == (
        Entry.TOO_MANY_WAITING,
        3,
    )
    other = a_turn("5", author=replace(ADA, user="bob"))
    assert await accept(turns, other, most=3) is Entry.NEW
    await end(turns, a_turn("0"))
    assert await accept(turns, a_turn("6"), most=3) is Entry.NEW


async def test_a_turn_that_expired_without_an_end_no_longer_counts_against_its_person(redis: Redis) -> None:
    turns = Turns(redis, ttl=1)
    await accept(turns, a_turn("1"), most=1)
    await redis.zadd(key("person", ADA), {"fake:w:1": 0})
    assert await accept(turns, a_turn("2"), most=1) is Entry.NEW


async def test_nothing_is_reserved_past_the_cap_of_the_day(turns: Turns) -> None:
    assert await accept(turns, a_turn("1"), price=60, cap=100) is Entry.NEW
    assert await accept(turns, a_turn("2"), price=60, cap=100) is Entry.OVER_BUDGET
    assert await turns.read(a_turn("2").id) is None
    tomorrow = a_turn("3", asked_at=1001 * DAY)
    assert await accept(turns, tomorrow, price=60, cap=100) is Entry.NEW


async def test_a_reservation_is_settled_once_and_on_the_day_it_was_made(turns: Turns, redis: Redis) -> None:
    eve, morning = a_turn("1", asked_at=1000 * DAY - 1), a_turn("2", asked_at=1000 * DAY + 1)
    for turn in (eve, morning):
        await accept(turns, turn, price=100)
    async with turns.hold(eve.id) as hold:
        assert hold is not None
        await turns.end(hold, how="done", spent=30)
        await turns.end(hold, how="done", spent=30)
    spends = {name: int(await redis.get(name) or 0) async for name in redis.scan_iter(key("spend", "*"))}
    assert sorted(spends.values()) == [30, 100]


async def test_two_runs_never_have_a_turn_in_hand_together(turns: Turns) -> None:
    await accept(turns, a_turn())
    async with turns.hold(a_turn().id):
        with pytest.raises(Held):
            async with turns.hold(a_turn().id):
                pass
    async with turns.hold(a_turn().id) as hold:
        assert hold is not None


async def test_a_run_that_was_overtaken_writes_and_ends_nothing(turns: Turns, redis: Redis) -> None:
    await accept(turns, a_turn())
    async with turns.hold(a_turn().id) as hold:
        assert hold is not None
        await redis.set(key("lease", a_turn().id), "another", ex=60)
        for write in (
            hold.save(shown="x"),
            hold.save_drawing(0, Drawing(attempt="a")),
            turns.end(hold, how="done", spent=0),
        ):
            with pytest.raises(Held):
                await write
    record = await turns.read(a_turn().id)
    assert record is not None
    assert (record.shown, record.drawings) == ("", (Drawing(),))
    assert await redis.get(key("lease", a_turn().id)) == b"another"


async def test_a_run_that_loses_its_lease_is_stopped(redis: Redis) -> None:
    turns = Turns(redis, ttl=3600, lease=0.1)
    await accept(turns, a_turn())

    async def overtaken() -> None:
        async with turns.hold(a_turn().id):
            await redis.set(key("lease", a_turn().id), "another", ex=60)
            await asyncio.sleep(5)

    with pytest.raises(Held):
        await overtaken()


async def test_a_run_that_is_cancelled_from_outside_stays_cancelled(turns: Turns, redis: Redis) -> None:
    await accept(turns, a_turn())

    async def run() -> None:
        async with turns.hold(a_turn().id):
            await asyncio.sleep(5)

    task = asyncio.create_task(run())
    await wait_until(lambda: redis.exists(key("lease", a_turn().id)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await redis.exists(key("lease", a_turn().id))


async def test_a_lease_is_renewed_as_long_as_its_run_works(redis: Redis) -> None:
    turns = Turns(redis, ttl=3600, lease=0.2)
    await accept(turns, a_turn())
    async with turns.hold(a_turn().id) as hold:
        assert hold is not None
        await asyncio.sleep(0.4)
        await hold.save(shown="still here")


async def test_an_answer_from_beside_is_never_written_over(turns: Turns) -> None:
    await accept(turns, a_turn())
    sent = Drawing(attempt="a", sent_at=1.0)
    drawn = Drawing(request=Request("fake", "m", "r1", 1.0), status=Succeeded((Output("https://x"),)))
    async with turns.hold(a_turn().id) as hold:
        assert hold is not None
        await hold.save_drawing(0, sent)
        assert await turns.answer(a_turn().id, 0, sent, drawn)
        with pytest.raises(Held):
            await hold.save_drawing(0, replace(sent, lost_at=2.0))
        assert (await hold.refresh()).drawings == (drawn,)


async def test_a_late_answer_is_taken_while_the_request_is_still_looked_for(turns: Turns) -> None:
    await accept(turns, a_turn())
    sent = Drawing(attempt="a", sent_at=1.0)
    drawn = Drawing(request=Request("fake", "m", "r1", 1.0), status=Queued())
    async with turns.hold(a_turn().id) as hold:
        assert hold is not None
        await hold.save_drawing(0, sent)
        await hold.save_drawing(0, replace(sent, lost_at=2.0))
    assert await turns.answer(a_turn().id, 0, sent, drawn)


async def test_what_came_of_a_request_is_not_kept_for_a_turn_that_was_given_up_or_is_over(
    turns: Turns, redis: Redis
) -> None:
    await accept(turns, a_turn())
    going = Drawing(request=Request("fake", "m", "r1", 1.0), status=Running())
    drawn = replace(going, status=Succeeded((Output("https://x"),)))
    async with turns.hold(a_turn().id) as hold:
        assert hold is not None
        await hold.save_drawing(0, going)
        await hold.save_drawing(0, replace(going, status=Failed(FailureReason.STUCK)))
        assert not await turns.answer(a_turn().id, 0, going, drawn)
        await turns.end(hold, how="failed", spent=0)
    for before in (going, Drawing()):
        assert not await turns.answer(a_turn().id, 0, before, drawn)
    assert await redis.hgetall(key("turn", a_turn().id)) == {b"ended": b"failed"}


async def test_a_wording_can_be_changed_until_it_is_being_prepared(turns: Turns) -> None:
    await accept(turns, a_turn())
    assert await turns.revise(a_turn(prompt="a wolf"))
    async with turns.hold(a_turn().id) as hold:
        assert hold is not None
        assert hold.record.turn.prompt == "a wolf"
        await hold.save(preparing=1.5)
    assert not await turns.revise(a_turn(prompt="a bear"))
    assert not await turns.revise(a_turn("unknown"))
    record = await turns.read(a_turn().id)
    assert record is not None
    assert (record.turn.prompt, record.preparing) == ("a wolf", 1.5)


async def test_only_a_turn_that_has_not_ended_can_be_cancelled(turns: Turns) -> None:
    assert not await turns.cancel(a_turn().id)
    await accept(turns, a_turn())
    assert await turns.cancel(a_turn().id)
    await end(turns, a_turn())
    assert not await turns.cancel(a_turn().id)


async def test_a_record_comes_back_as_it_was_written(turns: Turns, redis: Redis) -> None:
    await accept(turns, a_turn(options=Options(count=2)), price=20)
    node = Node(a_turn().id, ADA, "a fox", 1.0, Operation.IMAGINE, Options(), "fake", "m", (NodeImage(Reference("x")),))
    async with turns.hold(a_turn().id) as hold:
        assert hold is not None
        await hold.save(announcing=True, announcement=Announcement(a_turn().thread, "m1"), shown="s", preparing=2.5)
        await hold.save(prepared=Prepared(notes=("left out",)), delivering=True, node=node)
        await hold.save_drawing(1, Drawing(attempt="a", digest="d", tries=3))
        written = hold.record
        assert await read(redis, a_turn().id) == written
    assert written.reserved == 20


async def test_a_record_that_vanished_is_not_gone_on_with(turns: Turns, redis: Redis) -> None:
    await accept(turns, a_turn())
    async with turns.hold(a_turn().id) as hold:
        assert hold is not None
        await redis.delete(key("turn", a_turn().id))
        with pytest.raises(Held):
            await hold.refresh()


async def test_open_turns_are_found_when_they_should_have_been_heard_of(turns: Turns) -> None:
    await accept(turns, a_turn("1"))
    await accept(turns, a_turn("2"))
    assert await turns.silent() == []
    await turns.expect(a_turn("1").id, -60)
    await turns.expect(a_turn("unknown").id, -60)
    assert await turns.silent() == [a_turn("1").id]
    assert await turns.count_open() == 2
    assert await turns.open_of(ADA) == [a_turn("1").id, a_turn("2").id]
    await turns.forget(a_turn("1").id)
    assert await turns.silent() == []


async def test_what_is_known_of_images_is_read_in_one_go(turns: Turns) -> None:
    await accept(turns, a_turn())
    async with turns.hold(a_turn().id) as hold:
        assert hold is not None
        await hold.save_drawing(0, Drawing(attempt="a"))
    found = await turns.drawings([(a_turn().id, 0), (a_turn().id, 1), (TurnId("gone"), 0)])
    assert found == [Drawing(attempt="a"), None, None]


async def test_an_ended_turn_leaves_one_word_and_what_was_spent(turns: Turns, redis: Redis) -> None:
    await accept(turns, a_turn())
    await end(turns, a_turn(), spent=5)
    left = {name.decode(): await redis.ttl(name) async for name in redis.scan_iter("*")}
    assert set(left) == {key("turn", a_turn().id), key("spend", "fake", "w", "1972-09-27"), key("order")}
    assert all(seconds > 0 for seconds in left.values())


words = st.text(st.characters(codec="utf-8"), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
histories = st.none() | st.lists(st.dictionaries(words, json_values, max_size=3), max_size=3)
references = st.builds(Reference, words, words, words, words, words)
threads = st.builds(ThreadKey, words, words, words, words)
people = st.builds(Person, words, words, words, words)
statuses = st.one_of(
    st.builds(Queued, st.booleans()),
    st.just(Running()),
    st.builds(Succeeded, st.lists(st.builds(Output, words), max_size=2).map(tuple), histories),
    st.builds(Refused, st.sampled_from(RefusalReason), words),
    st.builds(Failed, st.sampled_from(FailureReason), st.none() | st.floats(0, 1e6)),
)
times = st.floats(0, 1e10)
drawings = st.builds(
    Drawing,
    words,
    words,
    times,
    times,
    times,
    st.integers(0, 9),
    st.integers(0, 9),
    st.none() | st.builds(Request, words, words, words, times),
    st.none() | statuses,
)
all_turns = st.builds(
    Turn,
    words.map(TurnId),
    threads,
    people,
    words,
    times,
    st.sampled_from(Operation),
    st.builds(Options, st.none() | words, st.integers(1, 4), st.none() | words, st.none() | words, st.booleans()),
    st.lists(references, max_size=2).map(tuple),
    st.none() | st.builds(ImageRef, words.map(TurnId), st.integers(0, 3)),
    words,
    words,
    st.dictionaries(words, words, max_size=2),
)
nodes = st.builds(
    Node,
    words.map(TurnId),
    people,
    words,
    times,
    st.sampled_from(Operation),
    st.builds(Options),
    words,
    words,
    st.lists(st.builds(NodeImage, references, words, history=histories, rooted=st.booleans()), max_size=2).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(value=drawings | all_turns | nodes)
def test_json_gives_back_what_it_was_given(value: Any) -> None:
    terse = not isinstance(value, Drawing)
    assert unpack(type(value), pack(type(value), value, terse=terse)) == value


@settings(deadline=None)
@given(thread=threads)
def test_a_thread_key_goes_through_text_unharmed(thread: ThreadKey) -> None:
    assert ThreadKey.parse(str(thread)) == thread


async def test_half_a_surrogate_pair_in_a_prompt_breaks_nothing(turns: Turns) -> None:
    assert await accept(turns, a_turn(prompt="a fox \ud83d in snow")) is Entry.NEW
    record = await turns.read(a_turn().id)
    assert record is not None
    assert record.turn.prompt == "a fox ? in snow"


def test_rubbish_is_no_record() -> None:
    with pytest.raises(ValueError, match="JSON"):
        unpack(Turn, b"{")
