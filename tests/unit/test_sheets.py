"""Sheets: pictures with words, drawn outside this process within its limits, whatever the words are."""

import io
import unicodedata
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.pictures.lettering import LONGEST, width, wrapped, writable
from core.pictures.picture import PictureLimits, PictureRefused
from core.pictures.sheet import Panel, Sheet, draw_sheet, packed, unpacked
from core.pictures.workshop import PictureWorkshop
from tests.fakes.provider import png

SIZE, ACROSS = 25, 400


@pytest.fixture
async def workshop() -> AsyncIterator[PictureWorkshop]:
    async with PictureWorkshop() as workshop:
        yield workshop


def sheet(*words: str, picture: bytes = b"", **changes: object) -> Sheet:
    panels = tuple(Panel(str(number), text, "Ada · m1", picture=picture) for number, text in enumerate(words, 1))
    return Sheet("How this picture came to be", panels, columns=2, side=200, absent="gone", **changes)  # type: ignore[arg-type]


def drawn(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def has_colour(image: Image.Image, box: tuple[int, int, int, int], colour: tuple[int, int, int]) -> bool:
    """Whether some pixel in the box is of about this colour."""
    found = image.crop(box).getcolors(1 << 20) or []
    return any(all(abs(a - b) < 24 for a, b in zip(seen, colour, strict=True)) for _, seen in found)  # type: ignore[arg-type]


async def test_a_sheet_shows_every_picture_in_its_place(workshop: PictureWorkshop) -> None:
    panels = [Panel(str(number), "words", "", picture=png(colour, (200, 200))) for number, colour in
              enumerate(("red", "blue", "lime"), 1)]  # fmt: skip
    picture = await workshop.sheet(Sheet("", tuple(panels), columns=2, side=200))
    image = drawn(picture.data)
    assert picture.media_type == "image/jpeg"
    assert image.size == (picture.width, picture.height) == (2 * 48 + 2 * 200 + 56, image.height)
    middle = [image.getpixel((48 + 100, 48 + 150)), image.getpixel((48 + 256 + 100, 48 + 150))]
    for seen, colour in zip(middle, ((255, 0, 0), (0, 0, 255)), strict=True):
        assert isinstance(seen, tuple)
        assert all(abs(a - b) < 24 for a, b in zip(seen, colour, strict=True))
    assert has_colour(image, (0, image.height // 2, 300, image.height), (0, 255, 0))


async def test_the_current_picture_is_marked_and_one_that_is_gone_leaves_its_place(workshop: PictureWorkshop) -> None:
    accent = (37, 99, 235)
    for mark, marked in (("", False), ("current", True)):
        panels = (Panel("1", "words", "", mark=mark, picture=png("white", (200, 200))), Panel("2", "words", ""))
        image = drawn((await workshop.sheet(Sheet("", panels, 2, 200, absent="no longer there"))).data)
        assert has_colour(image, (0, 0, image.width, image.height), accent) == marked
        assert has_colour(image, (48 + 256, 48, image.width, image.height), (226, 227, 230))


async def test_a_picture_that_is_none_is_refused(workshop: PictureWorkshop) -> None:
    with pytest.raises(PictureRefused):
        await workshop.sheet(sheet("words", picture=b"<svg>"))


def test_a_sheet_arrives_as_it_was_sent() -> None:
    sent = sheet("a fox", "ein Fuchs mit Ä und 雪", picture=png(), arrows=True, footer="left out")
    assert unpacked(packed(sent)) == sent


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=900))
def test_no_text_is_wider_than_its_place_or_has_more_lines(text: str) -> None:
    lines = wrapped(SIZE, text, ACROSS, 3)
    assert len(lines) <= 3
    assert all(width(SIZE, line) <= ACROSS for line in lines)
    written = writable(SIZE, text)
    if not lines or not lines[-1].endswith(("…", "...")):
        assert "".join(lines).replace(" ", "") == written.replace(" ", "")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_what_is_written_has_no_invisible_or_missing_letters(text: str) -> None:
    written = writable(SIZE, text)
    assert not {unicodedata.category(letter) for letter in written} & {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert written == writable(SIZE, written)


def test_accents_and_long_words_are_written_and_nothing_is_read_beyond_the_limit() -> None:
    assert writable(SIZE, "Café") in ("Café", "Cafe")
    assert writable(SIZE, "a\u202eb\x00c\ud83d") == "abc"
    assert "".join(wrapped(SIZE, "W" * 60, ACROSS, 9)) == "W" * 60
    assert len(writable(SIZE, "x" * 10_000)) == LONGEST


def test_letters_that_no_font_has_leave_no_boxes() -> None:
    plain = draw_sheet(packed(sheet("a fox")), PictureLimits())
    strange = draw_sheet(packed(sheet("a \U0001057d\U000e0041fox")), PictureLimits())
    assert strange.digest == plain.digest or writable(SIZE, "\U0001057d") == "\U0001057d"


async def test_a_sheet_of_twelve_large_pictures_is_drawn_in_its_time_and_size(workshop: PictureWorkshop) -> None:
    small = await workshop.thumbnail(png("teal", (4000, 3000)), 400)
    picture = await workshop.sheet(sheet(*["make it night " * 40] * 12, picture=small.data))
    assert len(picture.data) < 4_000_000
