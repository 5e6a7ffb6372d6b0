"""What the line promises over a service that answers at once and keeps no list of its requests."""

import time

import pytest
from redis.asyncio import Redis

from core.delivery import file_stem
from core.errors import AnswerLost, NotSent
from core.packing import key
from core.ports import Capabilities, Job, Submission
from core.records import Drawing
from core.statuses import KEPT, Failed, FailureReason, Output, Succeeded
from core.turns import Options, TurnId
from tests.conftest import wait_until
from tests.fakes.provider import FakeImages, png
from tests.unit.conftest import House, MakeHouse
from tests.unit.test_line import spent
from tests.unit.test_promises import rewrite, walked

REPLACED = NotSent(Failed(FailureReason.MODEL_GONE, instead="m3"))


@pytest.fixture
async def unlisted(make_house: MakeHouse) -> House:
    return await make_house(images=FakeImages(listing=False)).open(working=False)


async def test_a_lost_answer_ends_at_once_and_says_that_it_may_have_been_charged(unlisted: House) -> None:
    unlisted.images.submits.append(AnswerLost())
    turn = await unlisted.ask(unlisted.turn())
    await unlisted.core.line.run(turn.id)
    await wait_until(lambda: unlisted.core.sender.under_way == 0)
    assert await unlisted.core.line.run(turn.id) is None
    assert "may have been charged" in unlisted.chat.last(turn.id).cause
    assert await spent(unlisted) == 1000
    assert (len(unlisted.images.sent), unlisted.images.lists) == (1, 0)


async def test_a_sending_whose_process_died_ends_within_seconds_and_is_not_repeated(unlisted: House) -> None:
    unlisted.images.held = True
    turn = await unlisted.ask(unlisted.turn())
    await unlisted.core.line.run(turn.id)
    await wait_until(lambda: unlisted.images.made)
    await unlisted.core.sender.drain(0)
    pause = await unlisted.core.line.run(turn.id)
    assert pause is not None
    assert pause <= 5
    await rewrite(unlisted, turn, lost_at=time.time() - 6)
    assert await walked(unlisted, turn) == "failed"
    assert "may have been charged" in unlisted.chat.last(turn.id).cause
    assert len(unlisted.images.sent) == 1


async def test_an_answer_is_waited_for_whose_sender_was_only_cut_off_from_the_store(
    unlisted: House, redis: Redis
) -> None:
    unlisted.images.held = True
    turn = await unlisted.ask(unlisted.turn())
    await unlisted.core.line.run(turn.id)
    await wait_until(lambda: unlisted.images.made)
    drawing = await drawn(unlisted, turn.id)
    await redis.delete(key("sender", drawing.attempt))
    await unlisted.core.line.run(turn.id)
    assert (await drawn(unlisted, turn.id)).lost_at
    await unlisted.core.sender.sends.still(drawing.attempt)
    await rewrite(unlisted, turn, lost_at=time.time() - 1000)
    await unlisted.core.line.run(turn.id)
    unlisted.images.release.set()
    await wait_until(lambda: unlisted.core.sender.under_way == 0)
    assert await walked(unlisted, turn) == "done"


class Keeping(FakeImages):
    """Answers in bytes, which it keeps itself."""

    async def submit(self, job: Job) -> Submission:
        submission = await super().submit(job)
        return Submission(submission.request, Succeeded((Output(KEPT + "1", png()),)))


async def test_what_the_provider_keeps_is_fetched_by_any_worker_and_its_link_shown_to_nobody(
    make_house: MakeHouse,
) -> None:
    house = await make_house(images=Keeping(listing=False)).open()
    turn = await house.done(house.turn())
    (image,) = house.chat.results[turn.id].images
    assert image.link == ""
    assert image.file_name.startswith(file_stem(turn.prompt))
    assert house.images.looks == 0


async def test_a_model_that_has_gone_is_named_with_its_replacement(house: House) -> None:
    house.images.submits.append(REPLACED)
    turn = await house.ask(house.turn())
    assert await house.ended(turn) == "failed"
    assert "m3 has taken its place" in house.chat.last(turn.id).cause


class Dear(FakeImages):
    """Takes more for a large picture."""

    async def capabilities(self, model: str) -> Capabilities:
        return Capabilities(model, (), 1, sizes=("1K", "4K"), price=1000, prices={"4K": 3000})


@pytest.mark.parametrize(("size", "price"), [(None, 1000), ("1K", 1000), ("4K", 3000)])
async def test_a_large_picture_is_reserved_at_its_own_price(
    make_house: MakeHouse, size: str | None, price: int
) -> None:
    house = await make_house(images=Dear()).open(working=False)
    await house.ask(house.turn(options=Options(size=size)))
    assert await spent(house) == price


async def drawn(house: House, turn: TurnId) -> Drawing:
    (drawing,) = await house.core.turns.drawings([(turn, 0)])
    assert drawing is not None
    return drawing
