"""While a model is down its turns go to another, or wait, and nothing is ever paid for twice."""

import time
from dataclasses import dataclass, replace
from typing import Any

import pytest

from core.breaker import Position
from core.choices import Choices, WhenDown
from core.errors import AnswerLost, Declined, NotSent, Unavailable
from core.ports import Capabilities, Job, Submission
from core.replies import say
from core.state import Hold
from core.statuses import Failed, FailureReason
from core.turns import Options, Route
from tests.conftest import wait_until
from tests.fakes.provider import FakeImages, png
from tests.unit.conftest import SETTINGS, House, MakeHouse

DOWN = NotSent(Failed(FailureReason.UNREACHABLE, 0.02))
BUSY = NotSent(Failed(FailureReason.OVERLOADED, 0.02))
USED_UP = NotSent(Failed(FailureReason.DAILY_LIMIT))
EMPTY = NotSent(Failed(FailureReason.NO_CREDIT))
GONE = NotSent(Failed(FailureReason.MODEL_GONE))
PAST, FUTURE = "2020-01-01", "2999-01-01"
SHUT = replace(SETTINGS, breaker_pause=60.0)
"""A breaker that stays open for as long as a test takes."""

CHOSEN = pytest.mark.lasting_keys("imagine:1:choices:")


@dataclass(slots=True)
class Dear(FakeImages):
    """Draws squares alone, from one reference at most, for more."""

    price: int = 5000

    async def capabilities(self, model: str) -> Capabilities:
        able = await super(Dear, self).capabilities(model)
        return replace(able, aspect_ratios=("1:1",), max_references=1, price=self.price)


def second(**parts: Any) -> FakeImages:
    return FakeImages("second", **parts)


async def two(make_house: MakeHouse, other: FakeImages, **parts: Any) -> House:
    """A house whose first service is down."""
    house = make_house(others=(other,), **{"settings": SHUT, **parts})
    house.images.submits += [DOWN] * 50
    return await house.open()


async def test_when_the_first_service_is_down_the_second_makes_it_and_says_so(make_house: MakeHouse) -> None:
    other = second()
    house = await two(make_house, other)
    turn = await house.done(house.turn())
    assert (len(house.images.made), len(other.made)) == (0, 1)
    result = house.chat.results[turn.id]
    assert any("another one makes this" in note for note in result.notes)
    node = await house.core.conversations.node(house.chat.announcements[turn.id].thread, turn.id)
    assert node is not None
    assert (node.provider, node.model) == ("second", "m1")


async def test_turns_that_come_later_go_to_the_second_at_once(make_house: MakeHouse) -> None:
    house = await two(make_house, second())
    await house.done(house.turn())
    tried = len(house.images.sent)
    await house.done(house.turn())
    assert len(house.images.sent) == tried
    assert await house.core.queue.lengths("fake:m1") == (0, 0)
    assert await house.core.queue.lengths("second:m1") == (0, 0)


async def test_an_empty_account_loses_no_turn_while_another_service_draws(make_house: MakeHouse) -> None:
    house = make_house(others=(second(),), settings=SHUT)
    house.images.submits.append(EMPTY)
    await house.open()
    await house.done(house.turn())
    await house.done(house.turn())
    assert len(house.images.sent) == 1


async def test_another_model_stands_in_where_the_model_is_nowhere_else(make_house: MakeHouse) -> None:
    other = second(offered=("m3",))
    house = await two(make_house, other, settings=replace(SHUT, substitutes=("m3",)))
    turn = await house.done(house.turn())
    result = house.chat.results[turn.id]
    assert result.model == "m3"
    assert any("m1 is not available just now, so m3 makes this" in note for note in result.notes)


async def test_what_an_overloaded_service_refused_goes_to_the_second_with_all_its_images(make_house: MakeHouse) -> None:
    other = second()
    house = make_house(others=(other,), settings=SHUT)
    house.images.submits += [BUSY] * 50
    await house.open()
    await house.done(house.turn(options=Options(count=2)))
    assert (len(house.images.made), len(other.made)) == (0, 2)
    assert len(house.images.sent) <= 4


async def test_a_model_that_has_given_way_does_not_stand_in(make_house: MakeHouse) -> None:
    images = FakeImages(offered=("m1", "m2", "m3"), ends={"m2": (PAST, "m3")})
    house = make_house(images=images, settings=replace(SHUT, substitutes=("m2",)))
    images.submits += [DOWN] * 3
    await house.open()
    turn = await house.done(house.turn())
    assert house.chat.results[turn.id].model == "m3"


async def test_no_stand_in_leads_back_to_the_model_that_is_down(make_house: MakeHouse) -> None:
    images = FakeImages(ends={"m2": (PAST, "m1")})
    house = make_house(images=images, settings=replace(SETTINGS, breaker_pause=0.3, substitutes=("m2",)))
    images.submits += [DOWN] * 3
    await house.open()
    turn = await house.done(house.turn())
    assert [job.model for job in images.sent] == ["m1"] * 4
    assert house.chat.results[turn.id].notes == ()


@CHOSEN
@pytest.mark.parametrize("when_down", WhenDown)
async def test_a_model_that_is_taken_away_gives_way_to_its_successor_and_that_is_said(
    make_house: MakeHouse, when_down: WhenDown
) -> None:
    images = FakeImages(ends={"m1": (FUTURE, "m2")}, submits=[GONE])
    house = await make_house(images=images, settings=SHUT).open()
    await house.core.choices.change("fake", "w", Choices(when_down=when_down))
    for turn in (await house.done(house.turn()), await house.done(house.turn(user="bob"))):
        assert house.chat.results[turn.id].notes == ("m1 is no longer offered, so m2 makes this.",)
        assert house.chat.last(turn.id).notes == house.chat.results[turn.id].notes
    assert [job.model for job in images.sent] == ["m1", "m2", "m2"]


async def test_who_stands_in_for_a_model_that_is_taken_away_says_so(make_house: MakeHouse) -> None:
    house = make_house(settings=replace(SHUT, substitutes=("m2",)))
    house.images.submits.append(GONE)
    await house.open()
    turn = await house.done(house.turn())
    assert house.chat.results[turn.id].notes == ("m1 is no longer offered, so m2 makes this.",)


async def test_another_service_draws_what_the_usual_one_no_longer_offers_and_says_so(make_house: MakeHouse) -> None:
    house = make_house(others=(second(),), settings=SHUT)
    house.images.submits.append(GONE)
    await house.open()
    turn = await house.done(house.turn())
    (note,) = house.chat.results[turn.id].notes
    assert note == "The usual service no longer offers m1, so another one makes this."


@pytest.mark.parametrize(
    ("ends", "reply"),
    [
        ({"m1": (FUTURE, "m2")}, "failed.model_replaced"),
        ({"m1": (FUTURE, "m9")}, "failed.model_gone"),
        ({}, "failed.model_gone"),
    ],
)
async def test_everybody_is_told_that_a_model_was_taken_away(
    make_house: MakeHouse, ends: dict[str, tuple[str, str]], reply: str
) -> None:
    house = await make_house(images=FakeImages(ends=ends, submits=[GONE]), settings=SHUT).open()
    await house.core.breaker.fail("fake:m2", "x", FailureReason.DAILY_LIMIT)
    turn = await house.ask(house.turn())
    assert await house.ended(turn) == "failed"
    with pytest.raises(Declined) as refusal:
        await house.core.intake.accept(house.turn(user="bob"))
    assert refusal.value.reply == reply
    assert "m1 is no longer offered" in say("en", refusal.value.reply, **refusal.value.details)


@CHOSEN
@pytest.mark.parametrize("trouble", [DOWN, BUSY])
async def test_a_workspace_that_would_rather_wait_waits(make_house: MakeHouse, trouble: NotSent) -> None:
    other = second()
    house = make_house(others=(other,), settings=replace(SETTINGS, breaker_pause=0.3))
    house.images.submits += [trouble] * 4
    await house.open()
    await house.core.choices.change("fake", "w", Choices(when_down=WhenDown.WAIT))
    turn = await house.ask(house.turn())
    await wait_until(lambda: any("goes on by itself" in notice.cause for notice in house.chat.notices.get(turn.id, ())))
    assert await house.ended(turn, 20) == "done"
    assert (len(house.images.made), len(other.made)) == (1, 0)


@CHOSEN
async def test_nobody_waits_for_another_day(make_house: MakeHouse) -> None:
    other = second()
    house = make_house(others=(other,), settings=replace(SHUT, requests_in_flight=1))
    house.images.submits.append(USED_UP)
    await house.open(working=False)
    await house.core.choices.change("fake", "w", Choices(when_down=WhenDown.WAIT))
    turns = [await house.ask(house.turn(user=user)) for user in ("ada", "bob")]
    async with house.core.working():
        for turn in turns:
            assert await house.ended(turn, 4) == "failed"
            assert "tomorrow" in house.chat.last(turn.id).cause
    assert (len(house.images.sent), len(other.made)) == (1, 0)


@CHOSEN
async def test_only_allowed_models_stand_in(make_house: MakeHouse) -> None:
    other = second(offered=("m3", "m4"))
    house = await two(make_house, other, settings=replace(SHUT, substitutes=("m3",)))
    await house.core.choices.change("fake", "w", Choices(allowed=("m1", "m4")))
    turn = await house.done(house.turn())
    assert house.chat.results[turn.id].model == "m4"


async def test_a_service_that_cannot_do_it_is_passed_over(make_house: MakeHouse) -> None:
    narrow, wide = Dear("narrow"), second()
    house = make_house(others=(narrow, wide), settings=SHUT)
    house.images.submits += [DOWN] * 50
    await house.open()
    await house.done(house.turn(options=Options(aspect_ratio="16:9")))
    pictures = tuple(house.chat.attach(f"{colour}.png", png(colour)) for colour in ("red", "blue"))
    await house.done(house.turn(references=pictures))
    assert (len(narrow.made), len(wide.made)) == (0, 2)
    await house.done(house.turn())
    assert len(narrow.made) == 1


async def test_the_budget_holds_the_price_of_whoever_draws(make_house: MakeHouse) -> None:
    house = await two(make_house, Dear("dear"))
    turn = await house.done(house.turn())
    node = await house.core.conversations.node(house.chat.announcements[turn.id].thread, turn.id)
    assert node is not None
    assert node.cost == 5000
    (spend,) = await house.core.redis.keys("imagine:1:spend:*")
    assert int(await house.core.redis.get(spend) or 0) == 5000


async def test_a_stand_in_that_is_too_dear_for_the_budget_is_not_taken(make_house: MakeHouse) -> None:
    dear = Dear("dear")
    settings = replace(SETTINGS, daily_cap=4000, breaker_pause=0.3)
    house = make_house(others=(dear,), settings=settings)
    house.images.submits += [DOWN] * 3
    await house.open()
    turn = await house.ask(house.turn())
    assert await house.ended(turn, 20) == "done"
    assert (len(house.images.made), len(dear.made)) == (1, 0)


async def test_turns_that_cannot_afford_to_move_keep_their_places(make_house: MakeHouse) -> None:
    settings = replace(SHUT, daily_cap=4000, requests_in_flight=1)
    house = await two(make_house, Dear("dear"), settings=settings)
    await house.core.breaker.fail("fake:m1", "x", FailureReason.UNREACHABLE)
    await house.core.breaker.fail("fake:m1", "x", FailureReason.UNREACHABLE)
    await house.core.breaker.fail("fake:m1", "x", FailureReason.UNREACHABLE)
    asked = [await house.ask(house.turn(f"a fox {number}")) for number in range(3)]

    async def places() -> list[int]:
        return [await house.core.queue.position("fake:m1", turn.id) for turn in asked]

    async def all_stand() -> bool:
        return sorted(await places()) == [0, 1, 2]

    await wait_until(all_stand)
    before = await places()
    for turn in (*asked, *asked):
        await house.core.line.run(turn.id)
        assert await places() == before


@pytest.mark.parametrize(("trouble", "words"), [(DOWN, "could not be reached"), (BUSY, "overloaded")])
async def test_images_that_cannot_be_sent_in_time_do_not_keep_back_the_others(
    make_house: MakeHouse, trouble: NotSent, words: str
) -> None:
    class Once(FakeImages):
        async def submit(self, job: Job) -> Submission:
            self.submits[:] = [trouble] if self.made else []
            return await super().submit(job)

    settings = replace(SHUT, request_deadline=1.5)
    house = await make_house(images=Once(), settings=settings).open()
    turn = await house.ask(house.turn(options=Options(count=2)))
    assert await house.ended(turn, 30) == "done"
    assert len(house.images.made) == 1
    result = house.chat.results[turn.id]
    assert len(result.images) == 1
    assert words in result.notes[0]


async def test_what_was_sent_stays_where_it_was_sent(make_house: MakeHouse) -> None:
    other = second()
    house = make_house(others=(other,), settings=SHUT)
    house.images.finish_at_once = False
    await house.open()
    turn = await house.ask(house.turn())
    await wait_until(lambda: bool(house.images.made))
    await house.core.breaker.fail("fake:m1", "x", FailureReason.BAD_KEY)
    house.images.finish()
    assert await house.ended(turn) == "done"
    assert (len(house.images.made), len(other.made)) == (1, 0)


async def test_one_of_two_images_sent_keeps_both_there(make_house: MakeHouse) -> None:
    other = second()
    house = make_house(others=(other,))
    house.images.submits += [AnswerLost(), DOWN, DOWN, DOWN]
    await house.open()
    turn = await house.ask(house.turn(options=Options(count=2)))
    assert await house.ended(turn, 30) == "done"
    assert (len(house.images.made), len(other.made)) == (2, 0)


async def test_an_upload_that_fails_for_good_moves_the_turn_with_its_pictures(make_house: MakeHouse) -> None:
    other = second()
    house = make_house(others=(other,), settings=SHUT)
    house.images.troubles["upload"] = [Unavailable(Failed(FailureReason.BAD_KEY))]
    await house.open()
    turn = await house.done(house.turn(references=(house.chat.attach("fox.png", png()),)))
    assert len(other.uploads) == 1
    (job,) = other.sent
    assert len(job.references) == 1
    assert house.chat.posts[f"deliver {turn.id}"] == 1


async def test_the_first_service_gets_its_turns_back_by_one_probe(make_house: MakeHouse) -> None:
    other = second()
    house = make_house(others=(other,), settings=replace(SETTINGS, breaker_pause=0.2))
    house.images.submits += [DOWN] * 3
    await house.open()
    await house.done(house.turn())
    assert len(other.made) == 1

    async def half_open() -> bool:
        return (await house.core.breaker.condition("fake:m1")).position is Position.HALF_OPEN

    await wait_until(half_open)
    house.images.held = True
    house.images.sent.clear()
    probe = await house.ask(house.turn())
    await wait_until(lambda: bool(house.images.sent))
    for _ in range(3):
        await house.done(house.turn())
    assert len(house.images.sent) == 1
    assert len(other.made) == 4
    house.images.release.set()
    assert await house.ended(probe) == "done"
    assert (await house.core.breaker.condition("fake:m1")).position is Position.CLOSED
    await house.done(house.turn())
    assert (len(house.images.made), len(other.made)) == (2, 4)


class Killed(Exception):
    """Stands for a process that is no more."""


@pytest.mark.parametrize("moved", [False, True])
async def test_a_kill_between_two_lanes_loses_no_place_and_pays_once(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    other = second()
    house = await make_house(others=(other,), settings=SHUT).open(working=False)
    turn = await house.ask(house.turn())
    await house.core.breaker.fail("fake:m1", "x", FailureReason.BAD_KEY)
    move = Hold.move

    async def dies(hold: Hold, route: Route, *, price: int, cap: int) -> bool:
        if moved:
            await move(hold, route, price=price, cap=cap)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Hold, "move", dies)
        with pytest.raises(Killed):
            await house.core.line.run(turn.id)
    async with house.core.working():
        assert await house.ended(turn) == "done"
    assert (len(house.images.made), len(other.made)) == (0, 1)
    assert await house.core.queue.lengths("fake:m1") == await house.core.queue.lengths("second:m1") == (0, 0)


@pytest.mark.parametrize(("trouble", "words"), [(DOWN, "could not be reached"), (BUSY, "overloaded")])
async def test_a_service_that_stays_away_is_told_of_in_the_end(
    make_house: MakeHouse, trouble: NotSent, words: str
) -> None:
    house = make_house(settings=replace(SETTINGS, request_deadline=1.0, breaker_pause=0.2))
    house.images.submits += [trouble] * 500
    await house.open()
    turn = await house.ask(house.turn())
    assert await house.ended(turn, 30) == "failed"
    assert words in house.chat.last(turn.id).cause
    assert time.time() - turn.asked_at >= 0.9
    assert not house.images.made
