"""What a prompt points at: "this" only where it is plainly meant, and addresses with nothing of the sentence around."""

import pytest

from core.errors import Declined
from core.fetching import Fetcher
from core.pointing import links_in, points
from core.turns import Reference, Source
from tests.fakes.provider import png
from tests.unit.conftest import House


@pytest.mark.parametrize(
    "prompt",
    [
        "this as a watercolour",
        "This picture, but at night",
        "please make that photo darker",
        "turn this into a poster",
        "make this a winter scene",
        "that drawing with a hat",
        "this",
        "dieses Bild als Aquarell",
        "mach das Foto heller",
        "das als Aquarell",
        "cette image en aquarelle",
        "ça en aquarelle",
        "convierte esta foto en acuarela",
        "esto como acuarela",
        "transforme essa imagem em aquarela",
        "isso em aquarela",
        "この画像を水彩画に",
        "これを水彩画にして",
    ],
)
def test_a_prompt_that_begins_by_pointing_points(prompt: str) -> None:
    assert points(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "a fox",
        "this is a test of the emergency fox",
        "that one time in Paris",
        "this picture shows a fox",
        "in this image a fox jumps",
        "a man who holds this picture",
        "turn that frown upside down",
        "thistle in the snow",
        "das Haus am See",
        "dieses Bild soll einen Fuchs zeigen",
        "das in Paris stehende Haus",
        "cette image doit montrer un renard",
        "esta imagen muestra un zorro",
        "esta imagem mostra uma raposa",
        "これは猫です",
        "",
    ],
)
def test_a_word_is_only_a_word_anywhere_else(prompt: str) -> None:
    assert not points(prompt)


@pytest.mark.parametrize(
    ("prompt", "urls"),
    [
        ("like https://a.example/x.png, but blue", ["https://a.example/x.png"]),
        ("(see https://a.example/x.png).", ["https://a.example/x.png"]),
        ("https://a.example/fox_(2).png!", ["https://a.example/fox_(2).png"]),
        ("<https://a.example/x.png?s=1&t=2>", ["https://a.example/x.png?s=1&t=2"]),
        ("https://a.example/x https://a.example/x HTTP://b.example/y", ["https://a.example/x", "HTTP://b.example/y"]),
        ("ftp://a.example/x file:///etc/passwd https://", []),
        ("https://a.example/x。を使って", ["https://a.example/x"]),
    ],
)
def test_addresses_are_found_without_the_sentence_around_them(prompt: str, urls: list[str]) -> None:
    assert [reference.url for reference in links_in(prompt)] == urls


def test_an_address_is_named_without_what_may_be_its_signature() -> None:
    (found,) = links_in("https://user:secret@a.example:8443/deep/fox.png?sig=secret#secret")
    assert (found.name, found.source) == ("a.example/fox.png", Source.LINK)
    (broken,) = links_in("https://a℀b.example/x?secret")
    assert "secret" not in broken.name


def test_an_address_that_is_known_is_not_found_again() -> None:
    assert links_in("https://a.example/x", (Reference("x", "https://a.example/x"),)) == ()


def test_no_more_than_so_many_addresses_count_with_those_that_are_known() -> None:
    words = " ".join(f"https://a.example/{number}.png" for number in range(13))
    first = links_in(words)
    assert [bool(link.refused) for link in first] == [False] * 10 + [True] * 3
    assert links_in(words, first) == ()
    assert [bool(link.refused) for link in links_in(words, first[:4])] == [False] * 6 + [True] * 3


async def test_addresses_past_the_most_are_named(house: House) -> None:
    words = " ".join(f"https://a.example/{number}.png" for number in range(13))
    turn = await house.done(house.turn(words))
    *_, last = house.chat.results[turn.id].notes
    assert last == (
        "Only the first 10 links of a prompt are looked at; "
        "left out a.example/10.png, a.example/11.png, a.example/12.png."
    )


async def test_an_address_off_the_list_is_named_and_the_turn_goes_on(house: House) -> None:
    turn = await house.done(house.turn("a poster for https://shop.example/fox.png"))
    assert house.images.made[0][1].prompt == turn.prompt
    assert house.chat.results[turn.id].notes == (
        "Left out shop.example/fox.png: pictures from that address are not fetched here; attach it instead.",
    )


async def test_addresses_off_the_list_take_no_place_from_pictures(house: House) -> None:
    words = "like https://a.example/1.png https://b.example/2.png https://c.example/3.png"
    pictures = tuple(house.chat.attach(f"{colour}.png", png(colour)) for colour in ("red", "blue", "green"))
    turn = await house.done(house.turn(words, references=pictures))
    assert len(house.images.made[0][1].references) == 3
    assert house.chat.results[turn.id].using == "Using: red.png (1), blue.png (2), green.png (3)."
    assert len(house.chat.results[turn.id].notes) == 3


async def test_an_address_on_the_list_that_has_nothing_declines_in_words(idle_house: House) -> None:
    async def nowhere(_: str) -> list[str]:
        raise OSError

    references = idle_house.core.line.crew.references
    turn = idle_house.turn(references=links_in("https://a.example/fox.png"))
    async with Fetcher(["a.example"], resolve=nowhere) as fetcher:
        references.uploads.fetcher = fetcher
        able = await idle_house.images.capabilities("m1")
        with pytest.raises(Declined) as refusal:
            await references.prepare(turn, turn.thread, idle_house.chat, idle_house.images, able)
    assert "a.example/fox.png: it could not be fetched" in str(refusal.value.details["reasons"])
