"""The real size and shape of a picture against what was asked for: a mismatch is said, and nothing else is."""

from dataclasses import dataclass, replace

import pytest

from core.measures import mismatch
from core.pictures import Picture
from core.ports import Capabilities
from core.statuses import Output
from core.turns import NodeImage, Operation, Options, Person, Reference, ThreadKey, Turn, TurnId
from tests.fakes.provider import FakeImages, png
from tests.unit.conftest import House, MakeHouse

TURN = Turn(TurnId("f:w:1"), ThreadKey("f", "w", "c"), Person("f", "w", "ada"), "a fox", 0.0)


def said(got: tuple[int, int], options: Options, edited: tuple[int, int] | None = None) -> str:
    before = NodeImage(Reference("fox.png"), "", *edited) if edited else None
    return mismatch(replace(TURN, options=options), Picture(b"", "image/png", *got, digest=""), before)


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        ("512", (512, 512)), ("512", (688, 384)), ("1K", (1024, 1024)), ("1K", (1376, 768)), ("1K", (1408, 768)),
        ("1K", (1584, 672)), ("1K", (1024, 576)), ("1K", (512, 2048)), ("1K", (3072, 384)), ("2K", (2752, 1536)),
        ("2K", (2048, 2048)), ("4K", (4096, 4096)), ("4K", (5504, 3072)), ("4K", (12288, 1536)), ("4K", (4096, 2304)),
    ],
)  # fmt: skip
def test_a_size_is_taken_for_what_it_is_in_every_shape(size: str, sides: tuple[int, int]) -> None:
    assert said(sides, Options(size=size)) == ""


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        ("4K", (2048, 2048)), ("4K", (2752, 1536)), ("4K", (6336, 672)), ("4K", (4096, 1024)), ("2K", (1024, 1024)),
        ("2K", (1584, 672)), ("1K", (512, 512)), ("1K", (2048, 2048)), ("512", (1024, 1024)),
    ],
)  # fmt: skip
def test_a_picture_of_another_size_than_asked_for_is_said_to_be(size: str, sides: tuple[int, int]) -> None:
    assert said(sides, Options(size=size)) == f"Asked for {size}, got {sides[0]} × {sides[1]}."


def test_size_and_shape_are_said_in_one_sentence() -> None:
    assert said((512, 512), Options(aspect_ratio="16:9", size="2K")) == "Asked for 16:9 2K, got 512 × 512."


@pytest.mark.parametrize("size", ["large", "²", "K", "1k", ""])
def test_a_size_whose_name_says_nothing_is_not_measured(size: str) -> None:
    assert said((16, 16), Options(size=size)) == ""


@pytest.mark.parametrize("edited", [(1344, 768), (1408, 768), (0, 0)])
def test_an_edit_that_keeps_its_shape_is_not_remarked_on(edited: tuple[int, int]) -> None:
    assert said((1376, 768), Options(), edited) == ""


def test_an_edit_that_was_asked_for_another_shape_is_not_held_to_the_old_one() -> None:
    assert said((1024, 1024), Options(aspect_ratio="1:1"), (1376, 768)) == ""


@dataclass(slots=True)
class Willful(FakeImages):
    """A model that takes sizes and no ratios, and draws as it likes: the first is wide, the others are square."""

    async def capabilities(self, model: str) -> Capabilities:
        able = await FakeImages.capabilities(self, model)
        return replace(able, aspect_ratios=(), sizes=("1K", "4K"), prices={"4K": 9000})

    async def download(self, output: Output) -> bytes:
        return png(size=(96, 48)) if output.url.endswith("-1") else png()


async def willful(make_house: MakeHouse) -> House:
    house: House = await make_house(images=Willful()).open()
    return house


async def test_a_size_that_was_paid_for_and_did_not_come_is_said(make_house: MakeHouse) -> None:
    house = await willful(make_house)
    turn = await house.done(house.turn(options=Options(size="4K")))
    assert house.chat.results[turn.id].notes == ("Asked for 4K, got 96 × 48.",)


@pytest.mark.parametrize("operation", [Operation.EDIT, Operation.VARIATIONS])
async def test_an_edit_that_loses_its_shape_is_said_to(make_house: MakeHouse, operation: Operation) -> None:
    house = await willful(make_house)
    turn = await house.done(house.turn())
    edit = await house.done(replace(house.edit(turn), operation=operation))
    assert house.chat.results[edit.id].notes == (
        "Made from a picture of 96 × 48, got 48 × 48: the model chose another shape.",
    )
