"""The pictures on their way to people: named, described and counted."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.delivery import ALT_TEXT_CHARACTERS, NAME_CHARACTERS, file_stem
from core.statuses import Output, Succeeded
from core.turns import ImageRef, Operation, Options
from tests.conftest import wait_until
from tests.fakes.provider import png
from tests.unit.conftest import House


@given(st.text())
def test_a_file_name_is_plain_short_and_never_empty(prompt: str) -> None:
    stem = file_stem(prompt)
    assert 0 < len(stem) <= NAME_CHARACTERS
    assert stem.isascii()
    assert stem.replace("-", "").isalnum()


@pytest.mark.parametrize(
    ("prompt", "stem"), [("Ein Füchslein!", "ein-fuchslein"), ("狐", "picture"), ("../etc", "etc")]
)
def test_a_file_is_named_after_its_prompt(prompt: str, stem: str) -> None:
    assert file_stem(prompt) == stem


async def test_the_description_of_a_picture_says_where_it_comes_from_and_fits(house: House) -> None:
    turn = await house.done(house.turn("a fox " * 40))
    for number in range(6):
        turn = await house.done(house.edit(turn, f"edit {number} " + "x" * 200))
    text = house.chat.results[turn.id].images[0].alt_text
    assert text.startswith("edit 5")
    assert len(text) == ALT_TEXT_CHARACTERS
    assert text.endswith("…")


async def test_several_pictures_have_names_of_their_own(house: House) -> None:
    turn = await house.done(house.turn(options=Options(count=2)))
    assert [image.file_name for image in house.chat.results[turn.id].images] == ["a-fox-1.png", "a-fox-2.png"]


async def test_a_picture_of_another_shape_than_asked_for_is_said_to_be(house: House) -> None:
    turn = await house.done(house.turn(options=Options(aspect_ratio="16:9")))
    assert house.chat.results[turn.id].notes == ("Asked for 16:9, got 48 × 48.",)


async def test_more_pictures_than_were_asked_for_are_said_to_be_there(house: House) -> None:
    house.images.finish_at_once = False
    turn = await house.ask(house.turn())
    await wait_until(lambda: house.images.made)
    request = house.images.made[0][0]
    house.images.statuses[request.id] = Succeeded((Output(data=png()), Output(data=png("red"))))
    assert await house.ended(turn) == "done"
    [note] = house.chat.results[turn.id].notes
    assert "2 pictures in one answer" in note


async def test_a_picture_that_came_in_bytes_is_asked_for_again(house: House) -> None:
    house.images.finish_at_once = False
    turn = await house.ask(house.turn())
    await wait_until(lambda: house.images.made)
    request = house.images.made[0][0]
    house.images.statuses[request.id] = Succeeded((Output(data=png()),))
    assert await house.ended(turn) == "done"


async def test_an_edit_names_the_picture_that_it_is_of(house: House) -> None:
    first = await house.done(house.turn(options=Options(count=2)))
    await house.done(replace(house.edit(first), parent=ImageRef(first.id, 1), operation=Operation.EDIT))
    history = house.images.made[-1][1].history or []
    assert history[1]["parts"][0]["signature"] == "s2"
