"""The whole line, over fakes at its borders."""

import asyncio
from dataclasses import replace

import pytest

from core.errors import AnswerLost, Declined, NotSent, PlatformBusy
from core.histories import pictures
from core.ports import Stage
from core.replies import say
from core.statuses import Failed, FailureReason, RefusalReason, Refused, Running
from core.turns import ImageRef, Options
from tests.conftest import wait_until
from tests.fakes.provider import png
from tests.unit.conftest import SETTINGS, House, MakeHouse


async def test_a_turn_ends_in_its_picture(house: House) -> None:
    turn = await house.done(house.turn("a fox in the snow"))
    image = house.chat.results[turn.id].images[0]
    assert image.picture.data == png()
    assert image.file_name == "a-fox-in-the-snow.png"
    assert image.alt_text == "a fox in the snow"
    assert house.chat.last(turn.id).stage is Stage.DONE
    assert len(house.images.made) == 1


async def test_a_redelivered_command_makes_one_turn(house: House) -> None:
    turn = await house.done(house.turn())
    assert not await house.core.intake.accept(turn)
    assert not await house.core.intake.accept(replace(turn, prompt="another"))
    assert len(house.images.made) == 1


async def test_commands_sent_at_the_same_moment_make_one_turn(house: House) -> None:
    turn = house.turn()
    taken = await asyncio.gather(*(house.core.intake.accept(turn) for _ in range(20)))
    assert sum(taken) == 1
    await house.ended(turn)
    assert len(house.images.made) == 1


async def test_an_edit_sends_the_history_back_untouched(house: House) -> None:
    first = await house.done(house.turn())
    edit = await house.done(house.edit(first))
    job = house.images.made[-1][1]
    assert job.history == [
        {"role": "user", "parts": [{"text": "a fox"}]},
        {"role": "model", "parts": [{"fileData": {"fileUri": "https://store/result-1"}, "signature": "s1"}]},
    ]
    assert house.chat.results[edit.id].images[0].alt_text == "make it night ← a fox"


async def test_twenty_edits_each_keep_their_own_part_of_the_history_alone(house: House) -> None:
    turn = await house.done(house.turn())
    sizes = []
    for number in range(20):
        turn = await house.done(house.edit(turn, f"edit {number:02}"))
        thread = house.chat.announcements[turn.id].thread
        node = await house.core.redis.hget(f"imagine:1:nodes:{thread}", turn.id)
        sizes.append(len(node or b""))
    assert len(house.images.made[-1][1].history or []) == 40
    assert max(sizes) - min(sizes) < 20


async def test_a_reply_to_an_older_picture_branches_from_it(house: House) -> None:
    first = await house.done(house.turn())
    await house.done(house.edit(first, "make it night"))
    branch = await house.done(house.edit(first, "make it snow"))
    assert len(house.images.made[-1][1].history or []) == 2
    thread = house.chat.announcements[first.id].thread
    assert await house.core.conversations.head(thread) == ImageRef(branch.id)
    assert await house.core.conversations.find(thread, f"p-{first.id}") == ImageRef(first.id)


async def test_an_edit_goes_on_from_the_picture_when_one_of_its_history_is_nowhere_to_be_had(house: House) -> None:
    first = await house.done(house.turn())
    edit = await house.done(house.edit(first))
    house.images.unreadable.add("https://store/result-1")
    del house.chat.files[f"p-{first.id}/0"]
    last = await house.done(house.edit(edit))
    job = house.images.made[-1][1]
    assert job.history is None
    assert len(job.references) == 1
    assert house.chat.results[last.id].notes == (say("en", "note.rebuilt"),)


async def test_healing_that_is_interrupted_goes_on_where_it_was_stopped(house: House) -> None:
    turn = await house.done(house.turn())
    for number in range(3):
        turn = await house.done(house.edit(turn, f"edit {number}"))
    house.images.expire_links()
    house.chat.troubles["fetch"] = [PlatformBusy(0.01), PlatformBusy(0.01)]
    last = await house.done(house.edit(turn))
    history = house.images.made[-1][1].history or []
    assert len(history) == 8
    assert not set(pictures(history)) & house.images.unreadable
    assert house.chat.results[last.id].notes == ()


async def test_two_edits_at_once_of_a_picture_whose_links_have_died_both_go_on_from_all(house: House) -> None:
    first = await house.done(house.turn())
    second = await house.done(house.edit(first))
    house.images.expire_links()
    edits = [await house.ask(house.edit(second, words)) for words in ("make it snow", "make it rain")]
    assert [await house.ended(edit) for edit in edits] == ["done", "done"]
    assert [len(job.history or []) for _, job in house.images.made[-2:]] == [4, 4]


async def test_an_edit_goes_on_from_the_picture_when_the_service_gave_no_history(house: House) -> None:
    house.images.history = False
    first = await house.done(house.turn())
    edit = await house.done(house.edit(first))
    again = await house.done(house.edit(edit))
    assert [len(job.references) for _, job in house.images.made] == [0, 1, 2]
    assert house.chat.posts[f"deliver {again.id}"] == 1


async def test_an_edit_keeps_the_shape_of_its_picture(house: House) -> None:
    first = await house.done(house.turn(options=Options(aspect_ratio="16:9")))
    await house.done(house.edit(first))
    assert house.images.made[-1][1].aspect_ratio == "16:9"


async def test_progress_is_shown_as_it_happens(house: House) -> None:
    house.images.finish_at_once = False
    turn = await house.ask(house.turn())
    await wait_until(lambda: house.images.made)
    house.images.finish(Running())
    await wait_until(lambda: house.chat.last(turn.id).stage is Stage.DRAWING)
    house.images.finish()
    assert await house.ended(turn) == "done"


async def test_a_notice_that_has_stood_for_long_is_shown_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.notices.SHOWN_SECONDS", 0.2)
    monkeypatch.setattr("core.steps.LONGEST_PAUSE", 0.1)
    house.images.finish_at_once = False
    turn = await house.ask(house.turn())
    await wait_until(lambda: house.images.made)
    house.images.finish(Running())
    await wait_until(lambda: [n.stage for n in house.chat.notices[turn.id]].count(Stage.DRAWING) >= 3)
    house.images.finish()
    assert await house.ended(turn) == "done"


async def test_a_person_is_spoken_to_in_the_language_that_the_platform_learns(house: House) -> None:
    house.chat.learns = "de"
    house.images.finish_at_once = False
    turn = await house.ask(house.turn())
    await wait_until(lambda: house.images.made)
    house.images.finish(Failed(FailureReason.STUCK))
    assert await house.ended(turn) == "failed"
    assert house.chat.last(turn.id).cause == say("de", "failed.stuck", model="m1", minutes=10)


async def test_a_held_answer_is_delivered_when_it_comes(house: House) -> None:
    house.images.held = True
    turn = await house.ask(house.turn())
    await wait_until(lambda: house.images.sent)
    assert turn.id not in house.chat.results
    house.images.release.set()
    assert await house.ended(turn) == "done"


async def test_a_lost_answer_is_found_in_the_list_and_never_sent_again(house: House) -> None:
    house.images.submits.append(AnswerLost())
    turn = await house.done(house.turn())
    assert len(house.images.sent) == 1
    assert house.chat.posts[f"deliver {turn.id}"] == 1


async def test_a_refusal_before_anything_was_made_is_tried_again(house: House) -> None:
    house.images.submits.append(NotSent(Failed(FailureReason.RATE_LIMITED, 0.2), limit=(10, 1.0)))
    await house.done(house.turn())
    assert len(house.images.made) == 1
    assert len(house.images.sent) == 2


async def test_a_request_that_failed_for_the_services_own_limits_is_made_again(house: House) -> None:
    house.images.finish_at_once = False
    await house.ask(house.turn())
    await wait_until(lambda: house.images.made)
    house.images.finish_at_once = True
    house.images.finish(Failed(FailureReason.RATE_LIMITED, retry_after=0.1))
    await wait_until(lambda: len(house.images.made) == 2)


@pytest.mark.parametrize("reason", [FailureReason.UNREACHABLE, FailureReason.OVERLOADED])
async def test_a_service_that_cannot_do_it_now_is_tried_again_before_anything_is_said(
    house: House, reason: FailureReason
) -> None:
    house.images.submits += [NotSent(Failed(reason, 0.05))] * 5
    await house.done(house.turn())
    assert len(house.images.made) == 1


async def test_a_refusal_of_the_service_is_said_in_words_and_costs_nothing(house: House) -> None:
    house.images.finish_at_once = False
    turn = await house.ask(house.turn())
    await wait_until(lambda: house.images.made)
    house.images.finish(Refused(RefusalReason.MODERATION))
    assert await house.ended(turn) == "failed"
    last = house.chat.last(turn.id)
    assert last.stage is Stage.FAILED
    assert "content" in last.cause
    assert await spent(house) == 0


async def test_where_some_images_arrive_they_are_posted_with_the_reason_for_the_others(house: House) -> None:
    house.images.finish_at_once = False
    turn = await house.ask(house.turn(options=Options(count=3)))
    await wait_until(lambda: len(house.images.made) == 3)
    house.images.finish(request="r1")
    house.images.finish(Refused(RefusalReason.MODERATION), request="r2")
    house.images.finish(request="r3")
    assert await house.ended(turn) == "done"
    result = house.chat.results[turn.id]
    assert len(result.images) == 2
    assert result.notes[0].startswith("2 of 3 pictures came.")
    assert house.chat.posts[f"deliver {turn.id}"] == 1
    assert await spent(house) == 2000


async def test_a_cancelled_turn_ends_on_its_announcement_and_frees_its_place(make_house: MakeHouse) -> None:
    house = await make_house(settings=replace(SETTINGS, requests_in_flight=1)).open()
    house.images.finish_at_once = False
    first = await house.ask(house.turn())
    await wait_until(lambda: house.images.made)
    second = await house.ask(house.turn(user="bob"))
    await wait_until(lambda: second.id in house.chat.notices)
    assert house.chat.last(second.id).stage is Stage.WAITING
    await house.core.intake.cancel(first.id, first.author)
    assert await house.ended(first) == "cancelled"
    assert "may still charge" in house.chat.last(first.id).cause
    await wait_until(lambda: len(house.images.made) == 2)
    house.images.finish()
    assert await house.ended(second) == "done"
    assert first.id not in house.chat.results


async def test_nobody_else_cancels_a_turn(house: House) -> None:
    house.images.finish_at_once = False
    turn = await house.ask(house.turn())
    stranger = replace(turn.author, user="eve")
    with pytest.raises(Declined) as declined:
        await house.core.intake.cancel(turn.id, stranger)
    assert declined.value.reply == "declined.not_yours"
    await house.core.intake.cancel(turn.id, stranger, moderator=True)
    assert await house.ended(turn) == "cancelled"


async def test_a_bad_reference_is_left_out_and_named(house: House) -> None:
    good, bad = house.chat.attach("fox.png", png("red")), house.chat.attach("notes.txt", b"hello")
    turn = await house.done(house.turn(references=(good, bad)))
    assert len(house.images.made[0][1].references) == 1
    assert house.chat.results[turn.id].notes == ("Left out notes.txt: it is not a picture.",)


async def test_a_turn_without_one_good_reference_asks_for_another_and_costs_nothing(house: House) -> None:
    turn = await house.ask(house.turn(references=(house.chat.attach("notes.txt", b"hello"),)))
    assert await house.ended(turn) == "failed"
    assert "notes.txt" in house.chat.last(turn.id).cause
    assert not house.images.sent
    assert await spent(house) == 0


async def test_the_same_picture_is_uploaded_once(house: House) -> None:
    picture = house.chat.attach("fox.png", png("red"))
    await house.done(house.turn(references=(picture,)))
    await house.done(house.turn(references=(picture,)))
    assert len(house.images.uploads) == 1


async def test_too_many_references_are_said_by_name(house: House) -> None:
    pictures = tuple(house.chat.attach(f"{colour}.png", png(colour)) for colour in ("red", "blue", "green", "white"))
    turn = await house.done(house.turn(references=pictures))
    assert house.chat.results[turn.id].notes == (
        "m1 takes 3 pictures; used red.png, blue.png, green.png, left out white.png.",
    )


@pytest.mark.parametrize("verb", ["announce", "announce!", "deliver", "deliver!", "update"])
async def test_a_busy_platform_is_asked_again_and_shows_everything_once(house: House, verb: str) -> None:
    house.chat.troubles[verb] = [PlatformBusy(0.05)]
    turn = await house.done(house.turn())
    assert house.chat.posts[f"announce {turn.id}"] == 1
    assert house.chat.posts[f"deliver {turn.id}"] == 1


async def test_a_stuck_request_is_given_up_after_its_deadline(make_house: MakeHouse) -> None:
    house = await make_house(settings=replace(SETTINGS, request_deadline=1.0)).open()
    house.images.finish_at_once = False
    turn = await house.ask(house.turn())
    assert await house.ended(turn) == "failed"
    assert "may have been charged" in house.chat.last(turn.id).cause
    assert await spent(house) == 1000


async def test_an_empty_account_stops_the_queue_and_tells_the_person(house: House) -> None:
    house.images.submits.append(NotSent(Failed(FailureReason.NO_CREDIT)))
    turn = await house.ask(house.turn())
    assert await house.ended(turn) == "failed"
    assert "empty" in house.chat.last(turn.id).cause
    with pytest.raises(Declined) as declined:
        await house.core.intake.accept(house.turn())
    assert declined.value.reply == "declined.service_stopped"
    assert len(house.images.sent) == 1


async def test_a_second_worker_takes_over_what_the_first_has_left(make_house: MakeHouse) -> None:
    first = await make_house().open()
    first.images.finish_at_once = False
    turn = await first.ask(first.turn())
    await wait_until(lambda: first.images.made)
    await first.close()
    second = await make_house(chat=first.chat, images=first.images).open()
    second.images.finish()
    assert await second.ended(turn, 15) == "done"
    assert len(second.images.made) == 1
    assert second.chat.posts[f"deliver {turn.id}"] == 1


async def test_a_turn_whose_job_was_lost_is_fetched(idle_house: House) -> None:
    turn = await idle_house.ask(idle_house.turn())

    async def jobs() -> list[bytes]:
        return [key async for key in idle_house.core.redis.scan_iter("imagine:*runs*")]

    await idle_house.core.redis.delete(*await wait_until(jobs))
    await idle_house.core.engine.docket.cancel(turn.id)
    await idle_house.core.redis.zadd("imagine:1:open", {turn.id: 0})
    async with idle_house.core.working():
        await idle_house.core.engine.sweep(idle_house.core.turns)
        assert await idle_house.ended(turn) == "done"


async def spent(house: House) -> int:
    keys = [key async for key in house.core.redis.scan_iter("imagine:1:spend:*")]
    return sum([int(await house.core.redis.get(key) or 0) for key in keys])
