"""What people and their phones type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.commands import check, nearest_ratio, parse
from core.errors import Declined
from core.ports import Capabilities
from core.turns import Options

RATIOS = ("1:1", "3:2", "2:3", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
ABLE = Capabilities("m1", RATIOS, max_references=3, max_prompt=50)


@pytest.mark.parametrize(
    ("typed", "prompt", "options"),
    [
        ("a fox", "a fox", Options()),
        ("a fox --ar 16:9 --n 2", "a fox", Options("16:9", 2)),
        ("a fox --ar=16:9 --n=2", "a fox", Options("16:9", 2)),
        ("--n 3 a fox --private", "a fox", Options(count=3, private=True)),
        ("a fox —ar 16:9 –n 2", "a fox", Options("16:9", 2)),
        ("a fox --ar “16:9”", "a fox", Options("16:9")),
        ("a fox --ar 16x9", "a fox", Options("16:9")),
        ("a fox --AR 16:9", "a fox", Options("16:9")),
        ("a fox --model m2 --size 2K", "a fox", Options(model="m2", size="2K")),
        ("a fox — really red", "a fox — really red", Options()),
        ("a well--known fox -- here", "a well--known fox -- here", Options()),
        ("two\nlines --n 2", "two\nlines", Options(count=2)),
        ("--private a fox", "a fox", Options(private=True)),
        ("a fox --aspect-ratio 1:1", "a fox", Options("1:1")),
    ],
)
def test_options_are_read_as_people_type_them(typed: str, prompt: str, options: Options) -> None:
    assert parse(typed) == (prompt, options)


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("a fox --hue 3", "declined.unknown_option"),
        ("a fox --ar", "declined.option_without_value"),
        ("a fox --ar --n 2", "declined.option_without_value"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(typed: str, reply: str) -> None:
    with pytest.raises(Declined) as declined:
        parse(typed)
    assert declined.value.reply == reply


@given(st.text())
def test_no_text_whatsoever_breaks_the_reading(text: str) -> None:
    try:
        parse(text)
    except Declined as declined:
        assert declined.reply.startswith("declined.")  # noqa: PT017 - either way out is right


@pytest.mark.parametrize(
    ("prompt", "options", "reply"),
    [
        ("", Options(), "declined.empty_prompt"),
        ("   ", Options(), "declined.empty_prompt"),
        ("x" * 51, Options(), "declined.prompt_too_long"),
        ("a fox", Options("17:9"), "declined.unknown_ratio"),
        ("a fox", Options(count=5), "declined.bad_count"),
        ("a fox", Options(count=0), "declined.bad_count"),
        ("a fox", Options(size="2K"), "declined.no_sizes"),
    ],
)
def test_what_the_model_will_not_take_is_said_before_anything_is_spent(
    prompt: str, options: Options, reply: str
) -> None:
    with pytest.raises(Declined) as declined:
        check(prompt, options, ABLE, most_images=4)
    assert declined.value.reply == reply


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("17:9", "16:9"),
        ("16.9", "16:9"),
        ("1920x1080", "16:9"),
        ("9:15", "9:16"),
        ("2:1", "16:9"),
        ("wide", "16:9"),
        ("nonsense", "1:1"),
        ("1:0", "1:1"),
    ],
)
def test_a_shape_that_is_not_known_is_answered_with_the_nearest(asked: str, meant: str) -> None:
    assert nearest_ratio(asked, RATIOS) == meant
