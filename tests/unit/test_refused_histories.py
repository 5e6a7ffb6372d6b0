"""A service that does not go on from its own history is asked once more without it, and the person gets the picture."""

import pytest

from core.ports import Job, Submission
from core.replies import say
from core.state import Hold
from core.statuses import OF_HISTORY, RefusalReason, Refused, Request
from core.turns import Options, Turn
from tests.conftest import wait_until
from tests.fakes.google import GoogleDouble
from tests.fakes.provider import FakeImages, png
from tests.unit.conftest import House, MakeHouse
from tests.unit.test_google_line import at_work
from tests.unit.test_line import spent

SHORTENED = say("en", "note.shortened", model="m1")


def notes(house: House, turn: Turn) -> tuple[str, ...]:
    return house.chat.results[turn.id].notes


@pytest.mark.parametrize("reason", sorted(OF_HISTORY))
async def test_an_edit_whose_history_is_refused_is_drawn_from_its_picture(house: House, reason: RefusalReason) -> None:
    first = await house.done(house.turn())
    house.images.refusals.append(reason)
    edit = await house.done(house.edit(first, options=Options()))
    refused, drawn = house.images.sent[1:]
    assert (bool(refused.history), drawn.history, len(drawn.references)) == (True, None, 1)
    assert "“a fox”" in drawn.prompt
    assert notes(house, edit) == ((SHORTENED,) if reason is RefusalReason.TOO_LONG else ())
    assert await spent(house) == 2000, "what was refused costs nothing"
    after = await house.done(house.edit(edit))
    assert house.images.sent[-1].history, "the new conversation goes on"
    assert notes(house, after) == ()


async def test_what_the_turn_brings_goes_along_again(house: House) -> None:
    first = await house.done(house.turn())
    house.images.refusals += [RefusalReason.HISTORY] * 2
    logo = house.chat.attach("logo.png", png("blue"))
    await house.done(house.edit(first, references=(logo,), options=Options(count=2)))
    assert [len(job.references) for job in house.images.sent[1:]] == [1, 1, 2, 2]
    assert len(house.images.made) == 3


class Blind(FakeImages):
    """Reads nothing that an edit brings."""

    async def submit(self, job: Job) -> Submission:
        if not (job.history or job.references):
            return await super().submit(job)
        self.sent.append(job)
        return Submission(Request(self.name, job.model, "", 0.0), Refused(RefusalReason.REFERENCE_UNREADABLE))


async def test_a_turn_begins_anew_only_once(make_house: MakeHouse) -> None:
    house = await make_house(images=Blind()).open()
    first = await house.done(house.turn())
    edit = await house.ask(house.edit(first))
    assert await house.ended(edit) == "failed"
    assert "could not read" in house.chat.last(edit.id).cause
    assert [bool(job.history) for job in house.images.sent] == [False, True, False]
    assert await house.core.queue.lengths("fake:m1") == (0, 0)


async def test_a_new_picture_has_nothing_to_begin_anew_without(make_house: MakeHouse) -> None:
    house = await make_house(images=Blind()).open()
    turn = await house.ask(house.turn(references=(house.chat.attach("logo.png", png("blue")),)))
    assert await house.ended(turn) == "failed"
    assert len(house.images.sent) == 1


async def test_where_some_were_drawn_or_refused_for_themselves_nothing_is_asked_again(house: House) -> None:
    first = await house.done(house.turn())
    house.images.refusals.append(RefusalReason.HISTORY)
    edit = await house.done(house.edit(first, options=Options(count=2)))
    assert len(house.chat.results[edit.id].images) == 1
    house.images.refusals += [RefusalReason.HISTORY, RefusalReason.MODERATION]
    other = await house.ask(house.edit(first, options=Options(count=2)))
    assert await house.ended(other) == "failed"
    assert len(house.images.made) == 2


class Killed(Exception):
    """Stands for a process that is no more."""


@pytest.mark.parametrize("written", [False, True])
async def test_a_kill_while_it_begins_anew_changes_nothing(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch, *, written: bool
) -> None:
    house = await make_house().open()
    first = await house.done(house.turn())
    await house.close()
    await house.open(working=False)
    house.images.refusals.append(RefusalReason.HISTORY)
    edit = await house.ask(house.edit(first))
    begin_anew = Hold.begin_anew

    async def over() -> bool:
        return await house.core.line.run(edit.id) is None

    async def dies(hold: Hold, reason: RefusalReason) -> None:
        if written:
            await begin_anew(hold, reason)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Hold, "begin_anew", dies)
        with pytest.raises(Killed):
            await wait_until(over)
    async with house.core.working():
        assert await house.ended(edit) == "done"
    assert (len(house.images.sent), len(house.images.made)) == (3, 2)
    assert house.chat.posts[f"deliver {edit.id}"] == 1


async def test_google_forgetting_its_signatures_is_noticed_by_nobody(redis_url: str) -> None:
    async with GoogleDouble() as double, at_work(double, redis_url) as house:
        turn = await house.done(house.turn("a fox"))
        double.signatures.clear()
        edit = await house.done(house.edit(turn))
        assert notes(house, edit) == ()
        assert len(double.refused) == 1
        await house.done(house.edit(edit))
        assert len(double.made) == 3
