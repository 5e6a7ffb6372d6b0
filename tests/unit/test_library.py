"""Named pictures and styles: saved, used in any prompt, removed; bounded, and kept from who has no right to them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from core.errors import Declined, PlatformGone
from core.librarian import Access, Librarian, Savers, Visitor, access
from core.library import LONGEST_SIDE, MOST_BYTES, MOST_OWN, MOST_SAVED, NOBODYS, Library
from core.styles import MOST_STYLES, WORDS_CHARACTERS, Styles
from core.turns import Operation, Options, Person, Turn
from tests.fakes.picture_files import noise, packed
from tests.fakes.provider import png
from tests.unit.conftest import House, MakeHouse

pytestmark = pytest.mark.lasting_keys("imagine:1:library:", "imagine:1:saved:", "imagine:1:style")

ADA, BOB = Person("fake", "w", "ada", "Ada"), Person("fake", "w", "bob", "Bob")
AT_ADA = Visitor(ADA, "c", "en", moderator=True)
AT_BOB = Visitor(BOB, "c", "en")


def librarian(house: House) -> Librarian:
    wording = house.core.intake.wording
    return Librarian(wording.library, wording.styles)


def again(house: House, turn: Turn) -> Turn:
    """What the button Again asks for: the turn as it was settled."""
    return replace(house.chat.announced[turn.id], id=house.turn().id, operation=Operation.AGAIN)


def library(house: House) -> Library:
    return house.core.intake.wording.library


def styles(house: House) -> Styles:
    return house.core.intake.wording.styles


async def declined(work: Awaitable[object]) -> str:
    with pytest.raises(Declined) as refusal:
        await work
    return refusal.value.reply


def sends(data: bytes) -> Callable[[], Awaitable[bytes]]:
    async def fetch() -> bytes:
        return data

    return fetch


async def test_a_saved_picture_goes_along_with_every_prompt_that_names_it(house: House) -> None:
    await library(house).save(ADA, "Mascot", png("red"))
    turn = await house.done(house.turn("@mascot on a mug", user="bob"))
    job = house.images.made[0][1]
    assert (job.prompt, len(job.references)) == ("Mascot (image 1) on a mug", 1)
    node = await house.core.conversations.node(house.chat.announcements[turn.id].thread, turn.id)
    assert node is not None
    assert (node.prompt, [reference.name for reference in node.references]) == ("@mascot on a mug", ["@Mascot"])


async def test_own_pictures_come_first_and_too_many_are_named(house: House) -> None:
    for name in ("one", "two"):
        await library(house).save(ADA, name, png(("red", "blue")[name == "two"]))
    own = tuple(house.chat.attach(f"own{number}.png", png("green", (number + 8, 8))) for number in (1, 2))
    turn = await house.done(house.turn("@one beside @two", references=own))
    assert house.images.made[0][1].prompt.splitlines() == [
        "one (image 3) beside two",
        "",
        "The attached pictures, in their order: image 1 is “own1.png”; image 2 is “own2.png”; image 3 is “@one”.",
    ]
    assert house.chat.results[turn.id].using == "Using: own1.png (1), own2.png (2), @one (3)."
    assert house.chat.results[turn.id].notes[-1:] == (
        "m1 takes 3 pictures; used own1.png, own2.png, @one, left out @two.",
    )


async def test_a_name_works_in_an_edit_and_after_the_message_it_came_from_is_gone(house: House) -> None:
    source = house.chat.attach("logo.png", png("red"))
    await library(house).save(ADA, "logo", await house.chat.fetch(source, house.turn().thread))
    house.chat.files.clear()
    first = await house.done(house.turn())
    await house.done(house.edit(first, "add @logo"))
    assert house.images.made[-1][1].prompt.splitlines()[0] == "add logo (image 1)"


async def test_an_unknown_name_is_text(house: House) -> None:
    await house.done(house.turn("@nobody and bob@example.org"))
    job = house.images.made[0][1]
    assert (job.prompt, job.references) == ("@nobody and bob@example.org", ())


async def test_a_name_that_nothing_is_saved_under_is_said_to_be_unknown_where_there_are_names(house: House) -> None:
    await library(house).save(ADA, "Mascot", png("red"))
    first = await house.done(house.turn("@mascot and @mascott and @MASCOTT beside @zebra, by bob@example.org"))
    assert house.chat.results[first.id].notes == (
        "No saved picture is called @mascott. Did you mean @Mascot?",
        "No saved picture is called @zebra.",
    )
    assert "@mascott" in house.images.made[0][1].prompt
    other = await house.done(house.turn("@mascott", author=replace(ADA, workspace="other")))
    assert house.chat.results[other.id].notes == ()


async def test_a_workspace_has_its_own_names(house: House) -> None:
    await library(house).save(replace(ADA, workspace="other"), "mascot", png("red"))
    await house.done(house.turn("@mascot"))
    assert house.images.made[0][1].references == ()


async def test_in_no_workspace_everybody_has_their_own_names(idle_house: House) -> None:
    ada, bob = replace(ADA, workspace=NOBODYS), replace(BOB, workspace=NOBODYS)
    await library(idle_house).save(ada, "mascot", png("red"))
    assert [saved.name for saved in await library(idle_house).listed(ada)] == ["mascot"]
    assert await library(idle_house).listed(bob) == []


async def test_a_turn_whose_saved_picture_is_removed_before_it_is_prepared_says_so(idle_house: House) -> None:
    await library(idle_house).save(ADA, "mascot", png("red"))
    own = idle_house.chat.attach("own.png", png("green"))
    turn = await idle_house.ask(idle_house.turn("@mascot", references=(own,)))
    await library(idle_house).remove(ADA, "mascot")
    while await idle_house.core.line.run(turn.id) is not None:
        pass
    assert idle_house.chat.results[turn.id].notes == (
        "Left out @mascot: it has been removed from the saved pictures, or replaced.",
    )
    assert idle_house.images.made[0][1].prompt == "mascot"


async def test_again_says_when_a_name_has_another_picture_now_or_none(house: House) -> None:
    await library(house).save(ADA, "mascot", png("red"))
    first = await house.done(house.turn("@mascot"))
    kept = (await house.core.conversations.node(house.chat.announcements[first.id].thread, first.id)) or None
    assert kept is not None
    await library(house).save(ADA, "mascot", png("blue"))
    second = await house.done(house.turn("@mascot", operation=Operation.AGAIN, references=kept.references))
    assert house.chat.results[second.id].notes == (
        "@mascot is another picture than the first time: it has been replaced since.",
    )
    one, other = (job.references for _, job in house.images.made)
    assert len(other) == 1
    assert one != other
    await library(house).remove(ADA, "mascot")
    last = await house.ask(house.turn("@mascot", operation=Operation.AGAIN, references=kept.references))
    assert await house.ended(last) == "failed"
    assert "@mascot: it has been removed" in house.chat.last(last.id).cause


async def test_a_name_whose_picture_was_removed_is_named_in_new_turns_too(house: House) -> None:
    await library(house).save(ADA, "mascot", png("red"))
    await styles(house).save(ADA, "ours", "as in @mascot, by @nobody")
    await library(house).remove(ADA, "mascot")
    for turn in (house.turn("@mascot on a mug"), house.turn("a fox", options=Options(style="ours"))):
        await house.done(turn)
        assert house.chat.results[turn.id].notes == (
            "Left out @mascot: it has been removed from the saved pictures, or replaced.",
        )
    assert [job.prompt for _, job in house.images.made] == ["mascot on a mug", "a fox\n\nas in mascot, by @nobody"]
    await library(house).save(ADA, "mascot", png("blue"))
    last = await house.done(house.turn("@mascot"))
    assert house.chat.results[last.id].notes == ()


async def test_so_many_removed_names_are_remembered(idle_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.library.MOST_UNSAVED", 2)
    books = library(idle_house)
    for name in ("one", "two", "three"):
        await books.save(ADA, name, png("red"))
        await books.remove(ADA, name)
    assert len(await books.removed(ADA, ("one", "two", "three"))) == 2


async def test_names_are_read_anew_while_a_turn_waits(idle_house: House) -> None:
    await library(idle_house).save(ADA, "mascot", png("red"))
    turn = await idle_house.ask(idle_house.turn("a fox"))
    assert await idle_house.core.intake.revise(replace(turn, prompt="@mascot"))
    record = await idle_house.core.turns.read(turn.id)
    assert record is not None
    assert [reference.name for reference in record.turn.references] == ["@mascot"]


async def test_only_who_saved_it_and_moderators_replace_and_remove(idle_house: House) -> None:
    books = library(idle_house)
    assert not await books.save(ADA, "mascot", png("red"))
    assert await declined(books.save(BOB, "MASCOT", png("blue"))) == "library.taken"
    assert await declined(books.remove(BOB, "mascot")) == "library.taken"
    assert await books.save(ADA, "mascot", png("blue"))
    assert await books.save(BOB, "mascot", png("blue"), all_access=True)
    assert await declined(books.remove(ADA, "mascot")) == "library.taken"
    await books.remove(ADA, "mascot", all_access=True)
    assert await declined(books.remove(ADA, "mascot")) == "library.unknown"


async def test_what_is_kept_is_small_and_goes_when_it_is_removed_or_replaced(idle_house: House) -> None:
    books, redis = library(idle_house), idle_house.core.redis
    await books.save(ADA, "noise", packed(noise(1800, 1200), "JPEG"))
    (name,) = await redis.keys("imagine:1:saved:*")
    data = await redis.get(name)
    assert isinstance(data, bytes)
    kept = await idle_house.core.workshop.inspect_result(data)
    assert len(kept.data) <= MOST_BYTES
    assert max(kept.width, kept.height) == LONGEST_SIDE
    await books.save(ADA, "noise", png("red"))
    assert len(await redis.keys("imagine:1:saved:*")) == 1
    await books.remove(ADA, "noise")
    assert await redis.keys("imagine:1:saved:*") == []


async def test_a_workspace_saves_so_many_and_no_more(idle_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.library.MOST_SAVED", 2)
    monkeypatch.setattr("core.library.MOST_OWN", 1)
    assert MOST_SAVED > MOST_OWN > 2
    books, alone = library(idle_house), replace(ADA, workspace=NOBODYS)
    await books.save(alone, "one", png("red"))
    assert await declined(books.save(alone, "two", png("red"))) == "library.full"
    for name in ("one", "two"):
        await books.save(ADA, name, png("red"))
    assert await declined(books.save(ADA, "three", png("red"))) == "library.full"
    assert await books.save(ADA, "two", png("blue")), "one that is there may be replaced"


async def test_a_workspace_that_removes_us_leaves_nothing(idle_house: House) -> None:
    await library(idle_house).save(ADA, "mascot", png("red"))
    await styles(idle_house).save(ADA, "noir", "dark")
    await styles(idle_house).set_default(ADA, "c", "noir")
    await library(idle_house).forget("fake", "w")
    await styles(idle_house).forget("fake", "w")
    assert await idle_house.core.redis.keys("imagine:1:[ls][iat][bvy]*") == []


async def test_everything_is_there_after_a_restart(make_house: MakeHouse) -> None:
    house = await make_house().open()
    await library(house).save(ADA, "mascot", png("red"))
    await styles(house).save(ADA, "noir", "dark")
    await house.close()
    again = await make_house().open()
    await again.done(again.turn("@mascot", options=Options(style="noir")))
    job = again.images.made[0][1]
    assert (job.prompt, len(job.references)) == ("mascot (image 1)\n\ndark", 1)


# -- styles


async def test_a_style_adds_its_words_and_pictures_for_the_service_alone(house: House) -> None:
    await library(house).save(ADA, "grain", png("red"))
    await styles(house).save(ADA, "Noir", "dark,\n as in @grain")
    turn = await house.done(house.turn("a fox", options=Options(style="noir")))
    job = house.images.made[0][1]
    assert (job.prompt, len(job.references)) == ("a fox\n\ndark, as in grain (image 1)", 1)
    node = await house.core.conversations.node(house.chat.announcements[turn.id].thread, turn.id)
    assert node is not None
    assert (node.prompt, node.options.style) == ("a fox", "Noir")
    assert house.chat.results[turn.id].images[0].alt_text == "a fox"


async def test_again_keeps_the_styles_words_whatever_became_of_it(house: House) -> None:
    await library(house).save(ADA, "grain", png("red"))
    await styles(house).save(ADA, "noir", "dark, as in @grain")
    first = await house.done(house.turn("a fox", options=Options(style="noir")))
    await styles(house).save(ADA, "noir", "bright")
    second = await house.done(again(house, first))
    await styles(house).remove(ADA, "noir", channel="c")
    third = await house.done(again(house, second))
    assert [(job.prompt, len(job.references)) for _, job in house.images.made] == [
        ("a fox\n\ndark, as in grain (image 1)", 1)
    ] * 3
    assert house.chat.announced[third.id].options.style == "noir"
    assert house.chat.results[third.id].notes == ()
    await library(house).remove(ADA, "grain")
    last = await house.ask(again(house, third))
    assert await house.ended(last) == "failed"
    assert "@grain: it has been removed" in house.chat.last(last.id).cause


async def test_a_channels_usual_style_is_for_new_pictures_and_can_be_done_without(house: House) -> None:
    await styles(house).save(ADA, "noir", "dark")
    await styles(house).set_default(ADA, "c", "noir")
    first = await house.done(house.turn("a fox"))
    await house.done(house.turn("a wolf", options=Options(style="None")))
    await house.done(house.edit(first, "at night"))
    await house.done(house.edit(first, "at noon", options=Options(style="noir")))
    elsewhere = house.turn("a bear")
    await house.done(replace(elsewhere, thread=replace(elsewhere.thread, channel="d")))
    prompts = [job.prompt for _, job in house.images.made]
    assert prompts == ["a fox\n\ndark", "a wolf", "at night", "at noon\n\ndark", "a bear"]


async def test_a_channels_own_style_comes_before_the_workspaces(idle_house: House) -> None:
    books = styles(idle_house)
    await books.save(ADA, "noir", "dark")
    await books.save(ADA, "NOIR", "darker", channel="c")
    assert (await books.named(ADA, "noir", channel="c")).words == "darker"
    assert (await books.named(ADA, "noir", channel="d")).words == "dark"
    assert [style.words for style in await books.listed(ADA, channel="c")] == ["darker"]
    await books.remove(ADA, "noir", channel="c")
    assert (await books.named(ADA, "noir", channel="c")).words == "dark"


async def test_a_style_of_a_channel_that_is_no_more_can_be_removed(idle_house: House) -> None:
    books = styles(idle_house)
    for channel in ("gone", "d"):
        await books.save(ADA, "noir", "dark", channel=channel)
    assert await declined(books.remove(ADA, "noir", channel="c")) == "library.which_style"
    await books.remove(ADA, "noir", channel="d")
    await books.remove(ADA, "NOIR", channel="c")
    assert await books.everywhere(ADA) == []


async def test_of_styles_of_one_name_in_channels_that_are_no_more_each_can_be_removed(idle_house: House) -> None:
    books = styles(idle_house)
    for channel in ("gone", "lost"):
        await books.save(ADA, "Noir", "dark", channel=channel)
    desk, at_c = Librarian(library(idle_house), books), replace(AT_ADA, moderator=True)
    with pytest.raises(Declined) as refusal:
        await desk.answer(at_c, "library remove style noir", None)
    assert (refusal.value.reply, refusal.value.details["known"]) == ("library.which_style", "Noir:gone, Noir:lost")
    assert await declined(books.remove(ADA, "noir:nowhere", channel="c")) == "library.unknown_style"
    await desk.answer(at_c, "library remove style noir:lost", None)
    assert [style.channel for style in await books.everywhere(ADA)] == ["gone"]
    await desk.answer(at_c, "library remove style noir", None)
    assert await books.everywhere(ADA) == []
    await books.save(ADA, "noir", "dark")
    assert await declined(books.remove(ADA, "noir:lost", channel="c")) == "library.unknown_style"


async def test_a_style_that_is_not_there_is_declined_with_those_that_are(idle_house: House) -> None:
    await styles(idle_house).save(ADA, "noir", "dark")
    with pytest.raises(Declined) as refusal:
        await idle_house.core.intake.accept(idle_house.turn(options=Options(style="nior")))
    assert (refusal.value.reply, refusal.value.details["known"]) == ("library.unknown_style", "noir, none")


async def test_a_usual_style_that_was_removed_is_no_more(house: House) -> None:
    await styles(house).save(ADA, "noir", "dark")
    await styles(house).set_default(ADA, "c", "noir")
    await styles(house).remove(ADA, "noir", channel="c")
    await house.done(house.turn("a fox"))
    assert house.images.made[0][1].prompt == "a fox"


async def test_styles_are_bounded(idle_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.styles.MOST_STYLES", 1)
    assert MOST_STYLES > 1
    books = styles(idle_house)
    await books.save(ADA, "noir", "x" * WORDS_CHARACTERS)
    assert await declined(books.save(ADA, "noir", "x" * (WORDS_CHARACTERS + 1))) == "library.style_words"
    assert await declined(books.save(ADA, "noir", " \n ")) == "library.style_words"
    assert await declined(books.save(ADA, "pop", "bright")) == "library.styles_full"
    assert await declined(books.save(ADA, "no ne", "bright")) == "library.bad_name"


async def test_what_a_style_adds_counts_as_length(idle_house: House) -> None:
    await styles(idle_house).save(ADA, "long", "x" * 390)
    asked = idle_house.turn("a fox in the snow", options=Options(style="long"))
    assert await declined(idle_house.core.intake.accept(asked)) == "declined.prompt_too_long"


# -- the librarian


async def test_typed_words_save_list_and_remove(idle_house: House) -> None:
    desk = librarian(idle_house)
    assert "No picture" in str(await desk.answer(AT_BOB, "library", None))
    assert "@Mascot" in str(await desk.answer(AT_BOB, "library save Mascot", sends(png("red"))))
    assert "noir" in str(await desk.answer(AT_ADA, "Library style noir: dark, grainy", None))
    assert "pop" in str(await desk.answer(AT_ADA, "library style pop here: bright", None))
    assert "from now on" in str(await desk.answer(AT_ADA, "library default noir", None))
    assert str(await desk.answer(AT_BOB, "library list", None)).splitlines() == [
        "Saved pictures, to be used in any prompt:",
        "• @Mascot – saved by Bob",
        "Styles, and the words that each adds to a prompt:",
        "• noir: dark, grainy",
        "• pop (in this channel only): bright",
        "New pictures in this channel are made in the style noir. --style none does without it.",
    ]
    assert "no style is added" in str(await desk.answer(AT_ADA, "library default none", None))
    assert "removed" in str(await desk.answer(AT_ADA, "library remove style pop", None))
    assert "@mascot is removed" in str(await desk.answer(AT_BOB, "library remove @mascot", None))


@pytest.mark.parametrize(
    "typed", ["a library at night", "library of Babel", "save the whales", "library save two words"]
)
async def test_prompts_are_no_commands(idle_house: House, typed: str) -> None:
    assert await librarian(idle_house).answer(AT_BOB, typed, None) is None


async def test_who_has_no_right_is_told(idle_house: House) -> None:
    desk, barred = librarian(idle_house), replace(AT_BOB, rule=Access.NONE)
    assert await declined(desk.save(barred, "mascot", sends(png("red")))) == "library.savers_only"
    assert await declined(desk.save(AT_BOB, "mascot", None)) == "library.picture_needed"
    for forbidden in ("library style noir: dark", "library remove style noir", "library default noir"):
        assert await declined(desk.answer(AT_BOB, forbidden, None)) == "library.moderators_only"


@pytest.mark.parametrize(
    ("savers", "chosen", "borne", "given"),
    [
        (Savers.ANYONE, (), (), Access.OWN),
        (Savers.ANYONE, ("7",), (), Access.OWN),
        (Savers.MODERATORS, ("7",), ("7",), Access.NONE),
        (Savers.CHOSEN, ("7", "8"), ("1", "8"), Access.ALL),
        (Savers.CHOSEN, ("7",), ("1",), Access.NONE),
        (Savers.CHOSEN, ("7",), (), Access.NONE),
        (Savers.CHOSEN, (), ("1",), Access.NONE),
        (Savers.CHOSEN, (), (), Access.NONE),
    ],
)
def test_a_mark_that_nobody_bears_opens_nothing(
    savers: Savers, chosen: tuple[str, ...], borne: tuple[str, ...], given: Access
) -> None:
    assert access(savers, chosen, borne) is given


async def test_the_rule_is_for_saving_replacing_and_removing(idle_house: House) -> None:
    desk = librarian(idle_house)
    barred, chosen = replace(AT_BOB, rule=Access.NONE), replace(AT_BOB, rule=Access.ALL)
    await desk.save(AT_BOB, "mine", sends(png("red")))
    await desk.save(AT_ADA, "mascot", sends(png("red")))
    assert await declined(desk.remove(barred, "mine")) == "library.savers_only"
    assert await declined(desk.remove(AT_BOB, "mascot")) == "library.taken"
    assert "@mascot" in await desk.save(chosen, "mascot", sends(png("blue")))
    assert "removed" in await desk.remove(replace(AT_BOB, rule=Access.NONE, moderator=True), "mascot")
    await desk.save(AT_ADA, "mascot", sends(png("red")))
    mascot, mine = await library(idle_house).listed(ADA)
    assert [who.may_remove(mascot) for who in (AT_BOB, barred, chosen, AT_ADA)] == [False, False, True, True]
    assert [who.may_remove(mine) for who in (AT_BOB, barred, chosen, AT_ADA)] == [True, False, True, True]


async def test_styles_of_other_channels_are_listed_with_where_they_hold_and_without_their_words(
    idle_house: House,
) -> None:
    desk, books = librarian(idle_house), styles(idle_house)
    for channel, name, words in (
        ("", "noir", "dark"),
        ("d", "pop", "secret"),
        ("c", "soft", "pale"),
        ("f", "gone", "x"),
    ):
        await books.save(ADA, name, words, channel=channel)
    for channel, name in (("c", "soft"), ("d", "pop"), ("e", "noir"), ("hidden", "noir"), ("f", "gone")):
        await books.set_default(ADA, channel, name)
    await books.remove(ADA, "gone", channel="f")
    somebody = replace(AT_BOB, place=lambda channel: "" if channel == "hidden" else f"#{channel}")
    assert (await desk.list_styles(somebody)).splitlines() == [
        "Styles, and the words that each adds to a prompt:",
        "• noir: dark",
        "• soft (in this channel only): pale",
        "• pop (in #d only)",
        "New pictures in this channel are made in the style soft. --style none does without it.",
        "Usual styles elsewhere: #d – pop, #e – noir.",
    ]
    assert "pop" not in await desk.list_styles(AT_BOB)


async def test_a_list_has_room_whatever_is_in_it(idle_house: House) -> None:
    desk, books = librarian(idle_house), styles(idle_house)
    for number in range(MOST_STYLES):
        await books.save(ADA, f"style{number}", "x" * WORDS_CHARACTERS, channel="" if number % 2 else f"c{number}")
        await books.set_default(ADA, f"c{number}", f"style{number}")
    said = await desk.list_styles(replace(AT_BOB, place=lambda channel: f"#{channel}"))
    assert len(said) <= 1400
    assert said.endswith(" ….")


@pytest.mark.parametrize("room", [500, 1400])
async def test_a_list_that_is_cut_ends_at_a_whole_name_and_says_how_many_more(idle_house: House, room: int) -> None:
    def written(text: str) -> str:
        return text.replace("_", r"\_")

    desk, books = librarian(idle_house), styles(idle_house)
    names = [f"a_rather_long_name_of_a_sty_{number:02}" for number in range(MOST_STYLES)]
    for name in names:
        await books.save(ADA, name, "x", channel="far-away" if name != names[0] else "")
    await books.set_default(ADA, "c", names[0])
    somebody = replace(AT_BOB, place=lambda channel: f"<#{channel}>")
    said = await desk.list_styles(somebody, room=room, size=lambda text: len(written(text)))
    _, listed, usual = said.splitlines()
    shown, _, more = listed.partition(" … and ")
    assert shown.split(", ") == names[: len(shown.split(", "))]
    assert int(more.removesuffix(" more.")) == len(names) - len(shown.split(", "))
    assert usual.startswith("New pictures in this channel")
    assert room - 80 < len(written(said)) <= room


async def test_a_list_of_pictures_is_cut_at_a_whole_name(idle_house: House) -> None:
    for number in range(MOST_OWN):
        await library(idle_house).save(ADA, f"picture-{number}", png("red"))
    said = await librarian(idle_house).list_pictures(AT_BOB, room=110)
    assert said.splitlines()[1].endswith(f"@picture-3 … and {MOST_OWN - 4} more.")


async def test_what_is_no_picture_or_cannot_be_had_is_refused_with_the_reason(idle_house: House) -> None:
    async def gone() -> bytes:
        raise PlatformGone("deleted", reason="gone")

    desk = librarian(idle_house)
    for fetch, reason in ((sends(b"<svg/>"), "picture"), (gone, "no longer there")):
        with pytest.raises(Declined) as refusal:
            await desk.save(AT_BOB, "mascot", fetch)
        assert reason in str(refusal.value.details["reason"])
    assert await idle_house.core.redis.keys("imagine:1:library:*") == []
