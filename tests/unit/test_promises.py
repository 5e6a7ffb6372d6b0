"""What the line promises when something goes wrong: it answers always, and pays and posts once."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from core.errors import AnswerLost, Declined, NotSent, PlatformBusy, PlatformGone, Unavailable
from core.packing import key, text
from core.pictures import PictureProblem, PictureRefused
from core.pictures.workshop import WorkshopUnavailable
from core.ports import Announcement, Capabilities, Delivered, Job, Notice, Result, Stage
from core.records import Drawing
from core.replies import say
from core.sender import MOST_HISTORY_BYTES
from core.statuses import Failed, FailureReason, Succeeded
from core.turns import ImageRef, Operation, Options, Turn
from tests.conftest import wait_until
from tests.fakes.chat import FakeChat
from tests.fakes.provider import FakeImages, png
from tests.unit.conftest import SETTINGS, House, MakeHouse
from tests.unit.test_line import spent

GONE_FOR_NOW = Failed(FailureReason.OVERLOADED, 0.05)


class Speechless(FakeImages):
    """Tells nothing of its models any more, once `silence` is set."""

    silence: Exception | None = None

    async def capabilities(self, model: str) -> Capabilities:
        if self.silence:
            raise self.silence
        return await super().capabilities(model)


@pytest.mark.parametrize(
    "silence",
    [Unavailable(GONE_FOR_NOW), Declined("declined.unknown_model", {"model": "m1", "known": "m2"})],
    ids=["down", "model gone"],
)
async def test_a_turn_that_was_sent_ends_in_its_picture_although_the_service_says_nothing_of_its_model(
    make_house: MakeHouse, silence: Exception
) -> None:
    images = Speechless(finish_at_once=False)
    house = await make_house(images=images).open()
    turn = await house.ask(house.turn())
    await wait_until(lambda: images.made)
    images.silence = silence
    images.finish()
    assert await house.ended(turn) == "done"
    assert await spent(house) == 1000


async def test_a_turn_whose_model_has_gone_before_it_was_announced_is_told_so(make_house: MakeHouse) -> None:
    images = Speechless()
    house = await make_house(images=images).open(working=False)
    turn = await house.ask(house.turn())
    images.silence = Declined("declined.unknown_model", {"model": "m1", "known": "m2"})
    assert await walked(house, turn) == "failed"
    assert "m2" in house.chat.last(turn.id).cause
    assert await spent(house) == 0


async def test_a_service_that_will_not_prepare_is_not_waited_for_in_vain(house: House) -> None:
    house.images.troubles["upload"] = [Unavailable(Failed(FailureReason.BAD_KEY))]
    turn = await house.ask(house.turn(references=(house.chat.attach("fox.png", png("red")),)))
    assert await house.ended(turn) == "failed"
    assert "key" in house.chat.last(turn.id).cause
    assert not house.images.sent


async def test_a_service_that_is_down_for_a_while_is_waited_for(idle_house: House) -> None:
    idle_house.images.troubles["upload"] = [Unavailable(GONE_FOR_NOW)]
    turn = await idle_house.ask(idle_house.turn(references=(idle_house.chat.attach("fox.png", png("red")),)))
    assert await idle_house.core.line.run(turn.id) == 5.0
    assert await walked(idle_house, turn) == "done"


async def test_a_service_that_stays_down_past_the_deadline_ends_the_turn_in_words(make_house: MakeHouse) -> None:
    house = await make_house(settings=replace(SETTINGS, request_deadline=0.0)).open(working=False)
    house.images.troubles["upload"] = [Unavailable(GONE_FOR_NOW)]
    turn = await house.ask(house.turn(references=(house.chat.attach("fox.png", png("red")),)))
    assert await walked(house, turn) == "failed"
    assert "overloaded" in house.chat.last(turn.id).cause


async def test_a_deleted_announcement_loses_no_picture(house: House) -> None:
    house.chat.troubles["update"] = [PlatformGone("deleted") for _ in range(50)]
    house.images.finish_at_once = False
    turn = await house.ask(house.turn())
    await wait_until(lambda: house.images.made)
    house.images.finish()
    assert await house.ended(turn) == "done"
    assert house.chat.posts[f"deliver {turn.id}"] == 1


@pytest.mark.parametrize("verb", ["announce", "deliver"])
async def test_a_turn_that_can_be_shown_nowhere_ends_and_frees_its_place(house: House, verb: str) -> None:
    house.chat.troubles[verb] = [PlatformGone("forbidden")]
    turn = await house.ask(house.turn())
    assert await house.ended(turn) == "unshowable"
    assert await house.core.queue.lengths("fake:m1") == (0, 0)
    assert await spent(house) == len(house.images.made) * 1000


async def test_an_end_that_cannot_be_shown_now_is_shown_later(idle_house: House) -> None:
    turn = await idle_house.ask(idle_house.turn(references=(idle_house.chat.attach("notes.txt", b"hello"),)))
    idle_house.chat.troubles["update"] = [PlatformBusy(7.0)]
    assert await idle_house.core.line.run(turn.id) == 7.0
    assert await walked(idle_house, turn) == "failed"
    assert idle_house.chat.last(turn.id).stage is Stage.FAILED


class Slow(FakeImages):
    """Takes its time over an upload, in which things happen."""

    meanwhile: Any = None

    async def upload(self, picture: Any) -> Any:
        if self.meanwhile:
            await self.meanwhile()
        return await super().upload(picture)


async def test_nothing_is_paid_for_a_turn_that_was_cancelled_while_it_was_prepared(make_house: MakeHouse) -> None:
    images = Slow()
    house = await make_house(images=images).open(working=False)
    turn = await house.ask(house.turn(references=(house.chat.attach("fox.png", png("red")),)))

    async def cancel() -> None:
        await house.core.intake.cancel(turn.id, turn.author)

    images.meanwhile = cancel
    assert await walked(house, turn) == "cancelled"
    assert not images.sent
    assert await spent(house) == 0


async def test_what_is_being_prepared_is_not_worded_anew(make_house: MakeHouse) -> None:
    images = Slow()
    house = await make_house(images=images).open(working=False)
    turn = await house.ask(house.turn(references=(house.chat.attach("fox.png", png("red")),)))
    answers = []

    async def revise() -> None:
        answers.append(await house.core.intake.revise(replace(turn, prompt="a wolf")))

    images.meanwhile = revise
    assert await house.core.intake.revise(replace(turn, prompt="a bear"))
    assert await walked(house, turn) == "done"
    assert answers == [False]
    assert [job.prompt for job in images.sent] == ["a bear"]


async def test_an_answer_that_comes_while_its_sender_is_held_for_dead_is_kept(idle_house: House) -> None:
    house = idle_house
    house.images.held = True
    turn = await house.ask(house.turn())
    await house.core.line.run(turn.id)
    await wait_until(lambda: house.images.sent)
    real = house.core.line.crew.requests.sends.alive

    async def answered_meanwhile(attempt: str) -> bool:
        house.images.release.set()
        await wait_until(lambda: house.core.sender.under_way == 0)
        return await real(attempt)

    object.__setattr__(house.core.line.crew.requests.sends, "alive", answered_meanwhile)
    await house.core.line.run(turn.id)
    assert await walked(house, turn) == "done"
    assert house.images.lists == 0
    assert len(house.images.made) == 1


async def test_a_sending_without_a_sender_is_looked_for_and_never_sent_again(idle_house: House) -> None:
    house = idle_house
    house.images.held = True
    turn = await house.ask(house.turn())
    await house.core.line.run(turn.id)
    await wait_until(lambda: house.images.sent)
    for sender in await house.core.redis.keys(key("sender", "*")):
        await house.core.redis.delete(sender)
    assert await walked(house, turn) == "done"
    assert len(house.images.sent) == 1
    house.images.release.set()
    await wait_until(lambda: house.core.sender.under_way == 0)
    assert house.chat.posts[f"deliver {turn.id}"] == 1


async def test_a_lost_answer_that_is_nowhere_ends_honestly(idle_house: House) -> None:
    house = idle_house
    house.images.submits.append(AnswerLost())
    turn = await house.ask(house.turn())
    await house.core.line.run(turn.id)
    await wait_until(lambda: house.core.sender.under_way == 0)
    house.images.made.clear()
    await rewrite(house, turn, lost_at=time.time() - 1000)
    assert await walked(house, turn) == "failed"
    assert "may have been charged" in house.chat.last(turn.id).cause
    assert await spent(house) == 1000
    assert len(house.images.sent) == 1


async def test_while_an_equal_request_is_held_a_lost_one_takes_nothing_that_might_be_its(idle_house: House) -> None:
    house = idle_house
    house.images.submits.append(AnswerLost())
    lost = await house.ask(house.turn("a fox", user="ada"))
    house.images.held = True
    await house.core.line.run(lost.id)
    held = await house.ask(house.turn("a fox", user="bob"))
    while len(house.images.sent) != 2:
        await house.core.line.run(held.id)
        await house.core.redis.delete(*await house.core.redis.keys(key("sends", "*")))
        await asyncio.sleep(0.01)
    await rewrite(house, lost, lost_at=time.time() - 1000)
    assert await walked(house, lost) == "failed"
    house.images.release.set()
    assert await walked(house, held) == "done"


async def test_a_picture_that_cannot_be_fetched_for_a_while_is_fetched_later(idle_house: House) -> None:
    house = idle_house
    house.images.troubles["download"] = [Unavailable(GONE_FOR_NOW)] * 2
    turn = await house.ask(house.turn())
    assert await walked(house, turn) == "done"


async def test_a_picture_that_never_comes_whole_is_said_to_be_damaged(idle_house: House) -> None:
    house = idle_house
    house.images.troubles["download"] = [Unavailable(GONE_FOR_NOW)] * 50
    turn = await house.ask(house.turn())
    assert await walked(house, turn) == "failed"
    assert "damaged" in house.chat.last(turn.id).cause
    assert await spent(house) == 1000


UNFIT = [WorkshopUnavailable(), PictureRefused(PictureProblem.TOO_SLOW)]


async def test_a_picture_that_cannot_be_made_to_fit_for_a_while_is_posted_later(idle_house: House) -> None:
    house = idle_house
    house.chat.troubles["deliver"] = [*UNFIT]
    turn = await house.ask(house.turn())
    assert await walked(house, turn) == "done"
    assert house.chat.posts[f"deliver {turn.id}"] == 1


async def test_a_picture_that_never_fits_ends_in_a_sentence_and_the_way_to_the_original(idle_house: House) -> None:
    house = idle_house
    house.chat.troubles["deliver"] = [*UNFIT * 25]
    turn = await house.ask(house.turn(options=Options(count=2)))
    assert await walked(house, turn) == "failed"
    last = house.chat.last(turn.id)
    assert last.cause == say("en", "note.unfit")
    assert len(set(last.links)) == 2
    assert last.may_retry
    assert await spent(house) == 2000


class Forgetful(FakeChat):
    """Says on a repeated delivery that more stands there than it was given."""

    async def deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        delivered = await super().deliver(turn, announcement, result, repeated=repeated)
        return replace(delivered, images=delivered.images * 2) if repeated else delivered


async def test_a_delivery_that_differs_from_the_one_before_is_remembered_as_it_stands(make_house: MakeHouse) -> None:
    house = await make_house(chat=Forgetful()).open(working=False)
    house.chat.troubles["deliver!"] = [PlatformBusy(0.01)]
    turn = await house.ask(house.turn())
    assert await walked(house, turn) == "done"
    thread = house.chat.announcements[turn.id].thread
    node = await house.core.conversations.node(thread, turn.id)
    assert node is not None
    assert [image.history for image in node.images] == [None, None]


class Moving(FakeChat):
    """Answers an edit in another place than where it was asked for."""

    async def announce(self, turn: Turn, notice: Notice, *, repeated: bool) -> Announcement:
        announcement = await super().announce(turn, notice, repeated=repeated)
        elsewhere = replace(announcement.thread, channel="elsewhere")
        return replace(announcement, thread=elsewhere) if turn.parent else announcement


async def test_an_edit_that_is_answered_elsewhere_still_finds_its_picture(make_house: MakeHouse) -> None:
    house = await make_house(chat=Moving()).open()
    first = await house.done(house.turn())
    await house.done(house.edit(first))
    assert len(house.images.made[-1][1].history or []) == 2


class Talkative(FakeImages):
    """Adds a great many words to its history, once it is asked to edit."""

    def _success(self, job: Job) -> Succeeded:
        status = super()._success(job)
        words = {"role": "model", "parts": [{"note": "y" * MOST_HISTORY_BYTES}]}
        return replace(status, history=[*(status.history or []), words]) if job.history else status


async def test_an_edit_goes_on_from_the_picture_when_its_history_is_too_large(make_house: MakeHouse) -> None:
    house = await make_house(images=Talkative()).open()
    turns = [await house.done(house.turn())]
    for _ in range(3):
        turns.append(await house.done(house.edit(turns[-1])))
    jobs = [job for _, job in house.images.made]
    assert [job.history is None for job in jobs] == [True, False, True, False]
    assert [len(job.references) for job in jobs] == [0, 0, 2, 0]
    told = [house.chat.results[turn.id].notes for turn in turns]
    assert told == [(), (), (say("en", "note.shortened", model="m1"),), ()], "told once, when it is begun anew"


class Verbose(FakeImages):
    """Each of its answers is too large to be kept."""

    def _success(self, job: Job) -> Succeeded:
        words = {"role": "model", "parts": [{"note": "y" * MOST_HISTORY_BYTES}]}
        return replace(super()._success(job), history=[words])


async def test_nobody_is_told_that_one_turn_is_a_long_thread(make_house: MakeHouse) -> None:
    house = await make_house(images=Verbose()).open()
    turns = [await house.done(house.turn())]
    for _ in range(2):
        turns.append(await house.done(house.edit(turns[-1])))
    assert [house.chat.results[turn.id].notes for turn in turns] == [(), (), ()]


async def test_an_empty_history_is_none(house: House) -> None:
    first = await house.done(house.turn())
    thread = house.chat.announcements[first.id].thread
    node = await house.core.conversations.node(thread, first.id)
    assert node is not None
    bare = replace(node, images=(replace(node.images[0], history=[]),))
    await house.core.conversations.remember(thread, bare, messages=())
    await house.done(house.edit(first))
    assert len(house.images.made[-1][1].references) == 1


async def test_a_turn_of_a_platform_that_others_serve_is_left_to_them(idle_house: House) -> None:
    turn = idle_house.turn()
    turn = replace(turn, thread=replace(turn.thread, platform="elsewhere"))
    await idle_house.ask(turn)
    assert await idle_house.core.line.run(turn.id) == 2.0
    assert await idle_house.core.turns.silent() == []
    assert not idle_house.chat.posts


async def test_a_turn_in_other_hands_is_tried_again_soon(idle_house: House) -> None:
    turn = await idle_house.ask(idle_house.turn())
    async with idle_house.core.turns.hold(turn.id):
        assert await idle_house.core.line.run(turn.id) == 0.3


async def test_what_an_overtaken_run_left_in_the_line_is_cleared_away(make_house: MakeHouse) -> None:
    house = await make_house(settings=replace(SETTINGS, requests_in_flight=1)).open(working=False)
    ghost, waiting = house.turn(), await house.ask(house.turn(user="bob"))
    await house.core.queue.place("fake:m1", ghost.id, ghost.author, images=1)
    await house.core.redis.zadd(key("open"), {ghost.id: 0})
    assert (await house.core.queue.place("fake:m1", waiting.id, waiting.author, images=1)).position == 1
    assert await house.core.line.run(ghost.id) is None
    assert await house.core.turns.silent() == []
    assert await house.core.queue.position("fake:m1", waiting.id) == 0
    assert await walked(house, waiting) == "done"


async def test_how_long_a_held_answer_takes_is_learnt(idle_house: House) -> None:
    await idle_house.core.redis.delete(key("durations", "fake:m1"))
    turn = await idle_house.ask(idle_house.turn())
    assert await walked(idle_house, turn) == "done"
    assert await idle_house.core.redis.llen(key("durations", "fake:m1")) == 1


async def test_a_turn_that_has_ended_leaves_only_what_is_kept(house: House) -> None:
    picture = house.chat.attach("fox.png", png("red"))
    first = await house.done(house.turn(references=(picture,), options=Options(count=2)))
    house.images.submits.append(AnswerLost())
    await house.done(house.edit(first))
    house.images.submits.append(NotSent(Failed(FailureReason.NO_CREDIT)))
    failed = await house.ask(house.turn())
    assert await house.ended(failed) == "failed"
    await wait_until(lambda: left(house))
    assert await spent(house) == 3000


async def left(house: House) -> bool:
    """Whether nothing is left of turns but what is kept on purpose."""
    kept = (
        "turn:",
        "thread:",
        "nodes:",
        "tree:",
        "order",
        "messages:",
        "spend:",
        "copy:",
        "durations:",
        "upload:",
        "claimed:",
        "pace:",
        "breaker:",
    )
    standing = ("lanes", "watched", "watcher:", "queue:")
    names = [text(name) for name in await house.core.redis.keys(key("*"))]
    others = [name for name in names if not name.removeprefix(key("")).startswith((*kept, *standing))]
    ids = [name for name in names if name.startswith(key("turn:"))]
    ended = [await house.core.redis.hkeys(name) == [b"ended"] for name in ids]
    lengths = await house.core.queue.lengths("fake:m1")
    places = [name for name in names if name.startswith(key("queue")) and name.endswith((":tickets", ":busy"))]
    return not others and all(ended) and lengths == (0, 0) and not places


async def test_the_same_words_in_two_pictures_make_two_requests_and_one_post(house: House) -> None:
    house.images.submits += [AnswerLost(), AnswerLost()]
    turn = await house.ask(house.turn(options=Options(count=2)))
    assert await house.ended(turn, 20) == "done"
    links = {image.link for image in house.chat.results[turn.id].images}
    assert len(house.images.made) == len(links) == 2


async def test_again_makes_a_sibling(house: House) -> None:
    first = await house.done(house.turn())
    edit = await house.done(house.edit(first))
    again = await house.done(replace(house.edit(first), operation=Operation.AGAIN))
    thread = house.chat.announcements[first.id].thread
    nodes = [await house.core.conversations.node(thread, turn.id) for turn in (edit, again)]
    assert [node.parent for node in nodes if node] == [ImageRef(first.id)] * 2


async def rewrite(house: House, turn: Turn, **changes: Any) -> None:
    async with house.core.turns.hold(turn.id) as hold:
        assert hold is not None
        await hold.save_drawing(0, replace(hold.record.drawings[0], **changes))


async def walked(house: House, turn: Turn) -> str:
    """Run a turn's line again and again, without waiting as long as it asks, and tell how it ended."""
    for _ in range(200):
        if await house.core.line.run(turn.id) is None:
            return await house.ended(turn, 1)
        record = await house.core.turns.read(turn.id)
        if record and any(drawing.going for drawing in record.drawings):
            await settle_requests(house, turn, record.drawings)
        await asyncio.sleep(0.01)
    raise AssertionError("the turn does not end")


async def settle_requests(house: House, turn: Turn, drawings: tuple[Drawing, ...]) -> None:
    for index, drawing in enumerate(drawings):
        if drawing.going and drawing.request:
            status = await house.images.look(drawing.request)
            await house.core.turns.answer(turn.id, index, drawing, replace(drawing, status=status))
