"""Which of several pictures is meant: by its number, in words where nothing else could be meant, and never silently."""

from dataclasses import replace

import pytest

from core.errors import Declined
from core.picking import picked, which_of
from core.replies import particulars
from core.turns import ImageRef, Operation, Options, ThreadKey, Turn
from tests.unit.conftest import House


@pytest.mark.parametrize(
    ("words", "index", "rest"),
    [
        ("#2 at night", 1, "at night"),
        ("#3, at night", 2, "at night"),
        ("#4", 3, ""),
        ("the second one at night", 1, "the second one at night"),
        ("Make the third picture darker", 2, "Make the third picture darker"),
        ("image 2 without the hat", 1, "image 2 without the hat"),
        ("mach das vierte Bild heller", 3, "mach das vierte Bild heller"),
        ("la deuxième image de nuit", 1, "la deuxième image de nuit"),
        ("la tercera, de noche", 2, "la tercera, de noche"),
        ("a segunda imagem à noite", 1, "a segunda imagem à noite"),
        ("2枚目を夜に", 1, "2枚目を夜に"),
        ("画像3を夜に", 2, "画像3を夜に"),
        ("at night", None, "at night"),
        ("#winter", None, "#winter"),
        ("add a second one", None, "add a second one"),
        ("the second dog is to be black", None, "the second dog is to be black"),
        ("la deuxième tour plus haute", None, "la deuxième tour plus haute"),
        ("picture 4 people on a beach", None, "picture 4 people on a beach"),
        ("Bild 2", 1, "Bild 2"),
        ("image 2, at night", 1, "image 2, at night"),
        ("image 2: at night", 1, "image 2: at night"),
        ("写真3の背景を夜に", 2, "写真3の背景を夜に"),
        ("画像2枚目を夜に", 1, "画像2枚目を夜に"),
        *(
            (words, None, words)
            for words in (
                "photo 4k, sharper",
                "Image 3D look",
                "Bild 3D",
                "foto 2x größer",
                "foto 1,5-mal so hell",
                "photo 35mm film look",
                "image 16:9 please",
                "image 4:3 please",
                "画像4Kで",
                "画像4:3で",
                "写真2枚を並べて",
                "画像2倍に",
                "image 9 at night",
                "画像9を夜に",
            )
        ),
    ],
)
def test_a_picture_is_named_at_the_beginning(words: str, index: int | None, rest: str) -> None:
    assert which_of(4, words, alone=True) == (index, rest)


def test_image_two_is_what_the_message_brings_where_it_brings_any() -> None:
    assert which_of(4, "image 2 on the mug", alone=False) == (None, "image 2 on the mug")
    assert which_of(4, "#2 with the hat of image 1", alone=False) == (1, "with the hat of image 1")


def test_an_ordinal_past_the_last_is_a_word() -> None:
    assert which_of(3, "the fourth one at night", alone=True) == (None, "the fourth one at night")


def test_a_number_is_a_word_where_there_is_only_one_picture() -> None:
    assert which_of(1, "#1 fan, on the mug", alone=True) == (None, "#1 fan, on the mug")


@pytest.mark.parametrize("words", ["#5 at night", "#0 at night"])
def test_a_number_that_there_is_not_is_said_with_those_there_are(words: str) -> None:
    with pytest.raises(Declined) as refusal:
        which_of(4, words, alone=True)
    assert (refusal.value.reply, refusal.value.details["count"]) == ("declined.no_such_picture", 4)


async def several(house: House) -> tuple[Turn, ThreadKey]:
    turn = await house.done(house.turn("foxes", options=Options(count=4)))
    return turn, house.chat.announcements[turn.id].thread


async def test_an_edit_of_several_says_which_and_how_to_take_another(house: House) -> None:
    first, _ = await several(house)
    turn = await house.done(house.edit(first, "at night"))
    assert particulars(house.chat.announced[turn.id]) == "picture 1 of 4 (for another, begin with #2)"
    named = await house.done(replace(house.edit(first, "at noon"), parent=ImageRef(first.id, 2)))
    assert particulars(house.chat.announced[named.id]) == "picture 3 of 4"
    some = replace(house.edit(first, "…"), operation=Operation.VARIATIONS)
    assert particulars(house.chat.announced[(await house.done(some)).id]) == (
        "picture 1 of 4 (for another, choose “Go on from this one” first)"
    )
    alone = await house.done(house.edit(turn, "let it snow"))
    assert particulars(house.chat.announced[alone.id]) == ""


async def test_of_several_that_nobody_names_it_is_the_one_that_was_gone_back_to(house: House) -> None:
    first, thread = await several(house)
    conversations = house.core.conversations
    assert await picked(conversations, thread, ImageRef(first.id), "at night", alone=True) == (
        ImageRef(first.id),
        "at night",
    )
    await conversations.make_current(thread, ImageRef(first.id, 2), event="press")
    again, _ = await picked(conversations, thread, ImageRef(first.id), "at night", alone=True)
    assert again == ImageRef(first.id, 2)
    named, words = await picked(conversations, thread, ImageRef(first.id), "#2 at night", alone=True)
    assert (named, words) == (ImageRef(first.id, 1), "at night")


@pytest.mark.parametrize(
    "words", ["image 2 worn by @mascot and @rival", "image 2 with the hat of https://pictures.example/a.png"]
)
async def test_image_two_may_be_one_that_the_words_themselves_bring(house: House, words: str) -> None:
    first, thread = await several(house)
    found = picked(house.core.conversations, thread, ImageRef(first.id), words, alone=True)
    assert await found == (ImageRef(first.id), words)


async def test_a_mark_after_an_edit_still_means_one_of_those_that_it_was_made_from(house: House) -> None:
    first, thread = await several(house)
    edit = await house.done(house.edit(first, "at night"))
    found = picked(house.core.conversations, thread, ImageRef(edit.id), "#2 at night", alone=True)
    assert await found == (ImageRef(first.id, 1), "at night")
    found = picked(house.core.conversations, thread, ImageRef(edit.id), "the second one", alone=True)
    assert await found == (ImageRef(edit.id), "the second one")
    with pytest.raises(Declined):
        await picked(house.core.conversations, thread, ImageRef(edit.id), "#9 at night", alone=True)
    alone = await house.done(house.turn("a mug"))
    where = house.chat.announcements[alone.id].thread
    found = picked(house.core.conversations, where, ImageRef(alone.id), "#1 fan on it", alone=True)
    assert await found == (ImageRef(alone.id), "#1 fan on it")


async def test_a_message_that_is_changed_while_it_waits_may_name_another_of_the_pictures(idle_house: House) -> None:
    house = idle_house
    first = house.turn("foxes", options=Options(count=4))
    await house.ask(first)
    while await house.core.turns.read(first.id):
        await house.core.line.run(first.id)
    thread = house.chat.announcements[first.id].thread
    edit = replace(house.turn("at night", thread=thread), operation=Operation.EDIT, parent=ImageRef(first.id))
    await house.core.intake.accept(edit)
    assert await house.core.intake.revise(replace(edit, parent=ImageRef(first.id, 3)))
    record = await house.core.turns.read(edit.id)
    assert record
    assert (record.turn.parent, record.turn.among) == (ImageRef(first.id, 3), 4)
    # What is about another picture was not written for this one.
    assert not await house.core.intake.revise(replace(edit, prompt="at noon", parent=ImageRef(edit.id)))
    record = await house.core.turns.read(edit.id)
    assert record
    assert (record.turn.parent, record.turn.prompt) == (ImageRef(first.id, 3), "at night")


async def test_a_message_that_is_changed_while_it_waits_may_name_a_picture_before_its_own(idle_house: House) -> None:
    house = idle_house

    async def drawn(turn: Turn) -> Turn:
        await house.ask(turn)
        while await house.core.turns.read(turn.id):
            await house.core.line.run(turn.id)
        return turn

    first = await drawn(house.turn("foxes", options=Options(count=4)))
    edit = await drawn(house.edit(first, "at night"))
    other = await drawn(house.edit(first, "at noon"))
    waiting = house.edit(edit, "let it snow")
    await house.core.intake.accept(waiting)
    for meant, taken, parent in (
        (ImageRef(first.id, 1), True, ImageRef(first.id, 1)),
        (ImageRef(edit.id), True, ImageRef(edit.id)),
        (ImageRef(other.id), False, ImageRef(edit.id)),
    ):
        assert await house.core.intake.revise(replace(waiting, parent=meant)) is taken
        record = await house.core.turns.read(waiting.id)
        assert record
        assert record.turn.parent == parent
