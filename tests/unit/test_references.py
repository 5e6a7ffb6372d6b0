"""Pictures that people point at: used, or left out by name and with the reason."""

from dataclasses import replace

import pytest

from core.errors import Declined, PlatformBusy, PlatformGone
from core.histories import tokens, words
from core.ports import Capabilities
from core.records import Prepared
from core.replies import say
from core.turns import ImageRef, Operation, Options, Reference, Turn
from core.wording import PARAGRAPH
from tests.fakes.chat import FakeChat
from tests.fakes.provider import RATIOS, png
from tests.unit.conftest import House

ABLE = Capabilities("m1", RATIOS, max_references=3)


async def reason(house: House, turn: Turn, able: Capabilities = ABLE) -> str:
    with pytest.raises(Declined) as refusal:
        await house.core.line.crew.references.prepare(turn, turn.thread, house.chat, house.images, able)
    return f"{refusal.value.reply} {refusal.value.details.get('reasons', '')}"


async def test_a_link_off_the_list_is_not_fetched(idle_house: House) -> None:
    turn = idle_house.turn(references=(Reference("x.png", url="https://127.0.0.1/x.png"),))
    assert "not fetched here" in await reason(idle_house, turn)


async def test_a_file_that_is_too_large_is_not_opened(idle_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_house.core.line.crew.references.uploads, "max_bytes", 10)
    turn = idle_house.turn(references=(idle_house.chat.attach("fox.png", png()),))
    assert "larger than" in await reason(idle_house, turn)


async def test_a_picture_that_is_no_longer_there_is_named(idle_house: House) -> None:
    turn = idle_house.turn(references=(Reference("fox.png", message="gone", attachment="1"),))
    assert "fox.png: it is no longer there" in await reason(idle_house, turn)


async def test_a_platform_says_why_a_picture_is_not_to_be_had(idle_house: House) -> None:
    idle_house.chat.troubles["fetch"] = [PlatformGone("scope", "login_page")]
    turn = idle_house.turn(references=(idle_house.chat.attach("fox.png", png()),))
    assert "permission to read files" in await reason(idle_house, turn)


async def test_a_model_that_takes_no_pictures_says_so(idle_house: House) -> None:
    turn = idle_house.turn(references=(idle_house.chat.attach("fox.png", png()),))
    assert "takes 0 pictures" in await reason(idle_house, turn, replace(ABLE, max_references=0))


async def test_an_uploaded_picture_that_has_gone_is_uploaded_again(idle_house: House) -> None:
    turn = idle_house.turn(references=(idle_house.chat.attach("fox.png", png()),))
    prepare = idle_house.core.line.crew.references.prepare
    (first,) = (await prepare(turn, turn.thread, idle_house.chat, idle_house.images, ABLE)).uploads
    idle_house.images.unreadable.add(first.url)
    await prepare(turn, turn.thread, idle_house.chat, idle_house.images, ABLE)
    assert len(idle_house.images.uploads) == 2


async def test_an_edit_of_a_picture_that_was_deleted_is_declined_in_words(house: House) -> None:
    house.images.history = False
    first = await house.done(house.turn())
    house.chat.files.clear()
    edit = await house.ask(house.edit(first))
    assert await house.ended(edit) == "failed"
    assert "no longer kept" in house.chat.last(edit.id).cause
    assert len(house.images.sent) == 1


async def test_an_edit_whose_thread_has_expired_is_declined_in_words(idle_house: House) -> None:
    turn = idle_house.turn(parent=ImageRef(idle_house.turn().id), operation=Operation.EDIT)
    assert "parent_gone" in await reason(idle_house, turn)


@pytest.mark.parametrize("changes", [{"operation": Operation.VARIATIONS}, {"options": Options(model="m2")}])
async def test_another_model_and_variations_go_on_from_the_picture_itself(
    house: House, changes: dict[str, object]
) -> None:
    first = await house.done(house.turn())
    await house.done(replace(house.edit(first), **changes))  # type: ignore[arg-type]
    job = house.images.made[-1][1]
    assert (job.history, len(job.references)) == (None, 1)


async def test_a_platform_that_is_busy_is_asked_again_for_a_picture(house: House) -> None:
    house.chat.troubles["fetch"] = [PlatformBusy(0.01)]
    turn = await house.done(house.turn(references=(house.chat.attach("fox.png", png("red")),)))
    assert len(house.images.made[0][1].references) == 1
    assert isinstance(house.chat, FakeChat)
    assert house.chat.results[turn.id].notes == ()


async def test_what_the_model_is_told_of_its_pictures_counts_towards_its_limit(house: House) -> None:
    first = await house.done(house.turn())
    logos = tuple(
        house.chat.attach(f"a-rather-long-name-for-a-logo-{colour}.png", png(colour)) for colour in ("red", "blue")
    )
    edit = house.edit(first, references=logos)
    history = await house.core.conversations.history(edit.thread, ImageRef(first.id))
    bare = tokens(history, ABLE) + words(edit.prompt) + len(logos) * ABLE.image_tokens
    prepare = house.core.line.crew.references.prepare

    async def prepared(limit: int) -> Prepared:
        able = replace(ABLE, max_input_tokens=limit)
        return await prepare(edit, edit.thread, house.chat, house.images, able)

    whole = await prepared(bare + 100)
    needed = bare - words(edit.prompt) + words(f"{edit.prompt}{PARAGRAPH}{whole.legend}")
    assert (await prepared(needed)).basis is None
    restarted = await prepared(needed - 1)
    assert restarted.basis is not None
    assert restarted.notes == (say("en", "note.shortened", model="m1"),)
