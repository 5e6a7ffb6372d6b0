"""A number means the same picture to the person, to the announcement and to the model."""

from dataclasses import replace
from hashlib import sha256

import pytest

from core.numbering import Edited, in_order, legend, one_line, using
from core.ports import Capabilities
from core.restart import retold
from core.turns import Reference, Source
from core.wording import PARAGRAPH
from tests.conftest import wait_until
from tests.fakes.provider import RATIOS, png
from tests.unit.conftest import House

PHOTO, LOGO = Reference("photo.jpg"), Reference("logo.png")


def test_numbers_follow_the_message_and_then_where_a_picture_is_from() -> None:
    others = [Reference(source.value, source=source) for source in reversed(Source)]
    ordered = in_order([*others, PHOTO, LOGO])
    assert [reference.name for reference in ordered] == [
        "given",
        "photo.jpg",
        "logo.png",
        *("replied", "newest", "avatar", "link", "saved"),
    ]


def test_one_picture_alone_needs_no_number() -> None:
    assert legend([(1, PHOTO)], Edited.NOTHING, 1000) == ""
    assert using([(1, PHOTO)], "en", numbered=False) == "Using: photo.jpg."
    assert using([], "en", numbered=True) == ""


def test_pictures_of_others_are_named_with_their_owners() -> None:
    numbers = [
        (1, PHOTO),
        (2, replace(LOGO, source=Source.NEWEST, owner="Bob")),
        (3, Reference("a.png", source=Source.AVATAR, owner="Eve")),
    ]
    assert using(numbers, "en", numbered=True) == (
        "Using: photo.jpg (1), logo.png by Bob, the newest here (2), avatar of Eve (3)."
    )


def test_the_legend_gives_up_names_before_numbers_and_itself_before_the_prompt() -> None:
    numbers = [(1, PHOTO), (3, LOGO)]
    whole = legend(numbers, Edited.NOTHING, 1000)
    assert whole == "The attached pictures, in their order: image 1 is “photo.jpg”; image 3 is “logo.png”."
    short = legend(numbers, Edited.NOTHING, len(whole) - 1)
    assert short == "The attached pictures, in their order: image 1; image 3."
    assert legend(numbers, Edited.NOTHING, len(short) - 1) == ""


@pytest.mark.parametrize("name", ["a\nb", "a\u202eb", "a\x00b", "a\u2028b", "  a  b  "])
def test_a_name_is_one_line_of_signs_that_are_seen(name: str) -> None:
    assert one_line(name) == "a b"


def test_a_long_or_empty_name_is_cut_or_replaced() -> None:
    assert len(one_line("x" * 500)) == 60
    assert one_line("\u200b") == "?"


async def test_the_picture_that_is_left_out_takes_no_number_from_the_others(house: House) -> None:
    files = [("notes.txt", b"hello"), ("mug.png", png("red")), ("logo.png", png("blue"))]
    pictures = tuple(house.chat.attach(name, data) for name, data in files)
    turn = await house.done(house.turn("the logo from image 3 on the mug in image 2", references=pictures))
    job = house.images.made[0][1]
    assert job.prompt.startswith(turn.prompt)
    assert job.prompt.endswith("image 2 is “mug.png”; image 3 is “logo.png”.")
    assert [one.url for one in job.references] == [_stored(png("red")), _stored(png("blue"))]
    assert house.chat.results[turn.id].using == "Using: mug.png (2), logo.png (3)."
    assert turn.prompt == "the logo from image 3 on the mug in image 2"


def _stored(data: bytes) -> str:
    return f"https://store/{sha256(data).hexdigest()[:8]}"


async def test_the_announcement_names_what_is_used(house: House) -> None:
    house.images.finish_at_once = False
    turn = await house.ask(house.turn(references=(house.chat.attach("fox.png", png("red")),)))
    await wait_until(lambda: any(notice.using for notice in house.chat.notices.get(turn.id, ())))
    assert house.chat.last(turn.id).using == "Using: fox.png."
    house.images.finish()
    assert await house.ended(turn) == "done"


@pytest.mark.parametrize("history", [True, False], ids=["conversation", "picture itself"])
async def test_the_edited_picture_shifts_no_number(house: House, *, history: bool) -> None:
    house.images.history = history
    first = await house.done(house.turn())
    edit = house.edit(first, "put image 1 on it", references=(house.chat.attach("logo.png", png("blue")),))
    await house.done(edit)
    job = house.images.made[-1][1]
    assert len(job.references) == (1 if history else 2)
    before = "" if history else "the picture to change; "
    after = " The picture to change is the one from before." if history else f"{PARAGRAPH}{retold(['a fox'], 200)}"
    assert job.prompt == (
        f"put image 1 on it\n\nThe attached pictures, in their order: {before}image 1 is “logo.png”.{after}"
    )
    assert house.chat.results[edit.id].using == "Using: logo.png (1)."


async def test_the_legend_never_makes_a_prompt_too_long(idle_house: House) -> None:
    pictures = tuple(idle_house.chat.attach(f"{colour}.png", png(colour)) for colour in ("red", "blue"))
    turn = idle_house.turn("x" * 100, references=pictures)
    able = Capabilities("m1", RATIOS, max_references=3, max_prompt=110)
    references, chat, images = idle_house.core.line.crew.references, idle_house.chat, idle_house.images
    prepared = await references.prepare(turn, turn.thread, chat, images, able)
    assert prepared.legend == ""
    assert len(prepared.uploads) == 2
