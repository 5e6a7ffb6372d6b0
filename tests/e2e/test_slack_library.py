"""Named pictures and styles on Slack: typed, from any message, in App Home; used everywhere, removed by whose it is."""

import pytest

from core.library import MOST_SAVED
from core.turns import Person
from tests.e2e.slack_world import Bot, World
from tests.e2e.test_slack_home import boss_of, home
from tests.fakes.provider import png
from tests.fakes.slack import Upload, User
from tests.fakes.slack.text import readable

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]
pytestmark = pytest.mark.lasting_keys(
    "imagine:1:slack:settings:", "imagine:1:choices:", "imagine:1:library:", "imagine:1:saved:", "imagine:1:style"
)
MASCOT = Upload("mascot.png", png("red"))
SHORTCUT = "save_as_reference"


def heard(world: World, who: User) -> list[str]:
    """What only this person was told."""
    return [shown.text for shown in world.fake.everything(who, world.channel) if shown.private]


async def typed(world: World, who: User, words: str) -> str:
    """What a slash command is answered with."""
    before = len(heard(world, who))
    await world.imagine(words, by=who)
    await world.until(lambda: len(heard(world, who)) > before, words)
    return heard(world, who)[-1]


async def save(world: World, name: str) -> None:
    await world.fake.mention(world.alice, world.channel, f"library save {name}", files=[MASCOT])
    await world.until(lambda: any(f"@{name}" in words for words in heard(world, world.alice)), name)


async def told_of_saving(world: World, name: str) -> str:
    before = len(heard(world, world.alice))
    await world.fake.mention(world.alice, world.channel, f"library save {name}", files=[MASCOT])
    await world.until(lambda: len(heard(world, world.alice)) > before)
    return heard(world, world.alice)[-1]


def bob_of(world: World) -> User:
    bob = world.fake.person(world.team, "bob")
    world.fake.invite(world.channel, bob)
    return bob


def prompts(world: World) -> list[str]:
    return [job.prompt for job in world.bot.images.sent]


async def test_a_picture_is_saved_used_listed_and_removed(world: World) -> None:
    bob = bob_of(world)
    await save(world, "mascot")
    await world.quiet()
    assert len(heard(world, world.alice)) == 1, "a mention and its message are answered once"
    assert "• @mascot – saved by alice" in await typed(world, bob, "library")
    await world.imagine("@mascot on a mug, says <!everyone> @everyone", by=bob)
    (picture,) = await world.pictures()
    assert prompts(world)[0].startswith("mascot (image 1) on a mug")
    assert "Using: @mascot." in picture.text
    assert world.fake.pings == []
    await world.reply("add @Mascot again", picture)
    await world.pictures(2)
    assert prompts(world)[-1].startswith("add mascot (image 1) again")
    assert "was saved by alice" in await typed(world, bob, "library remove mascot")
    assert "removed" in await typed(world, boss_of(world), "library remove @mascot")
    assert "Nothing is saved as @mascot" in await typed(world, world.alice, "library remove mascot")


async def test_any_message_is_saved_from_its_menu_and_works_when_it_is_gone(world: World) -> None:
    posted = await world.fake.message(
        world.alice, world.channel, "our logo", files=[Upload("a.png", png("red")), Upload("b.png", png("blue"))]
    )
    await world.fake.message_shortcut(world.alice, posted, SHORTCUT)
    await world.fake.submit(world.alice, {"name": "here", "which": "2"})
    view = world.fake.modal(world.alice)
    assert view is not None
    assert "are not for giving" in view.errors["name"]
    await world.fake.submit(world.alice, {"name": "@Logo", "which": "2"})
    await world.until(lambda: any("@Logo" in words for words in heard(world, world.alice)))
    await world.fake.delete(posted)
    await world.quiet()
    await world.bot.close()
    world.bot = await Bot(world.fake, world.bot.redis_url, world.bot.images, token=world.team.bot_token).open()
    await world.fake.message(world.alice, world.fake.dm(world.alice), "@logo on a flag")
    await world.pictures(1, world.fake.dm(world.alice))
    assert prompts(world) == ["Logo (image 1) on a flag"]


async def test_a_command_without_a_picture_says_how(world: World) -> None:
    assert "There is no picture with that." in await typed(world, world.alice, "library save mascot")


async def test_home_lists_what_is_saved_and_removes_it_for_who_may(world: World) -> None:
    bob = bob_of(world)
    await save(world, "mascot")
    assert "home_unsave" not in str((await home(world, bob)).blocks)
    view = await home(world, world.alice)
    assert "@mascot – saved by alice" in readable(view.blocks)
    await world.fake.press(world.alice, view, "home_unsave")
    await world.until(lambda: "@mascot –" not in readable(world.fake.home(world.alice).blocks))  # type: ignore[union-attr]


async def test_who_may_save_is_the_workspaces_rule(world: World) -> None:
    boss = boss_of(world)
    await world.fake.press(boss, await home(world, boss), "home_settings")
    await world.fake.submit(boss, {"savers": "moderators"})
    await world.fake.mention(world.alice, world.channel, "library save mascot", files=[MASCOT])
    await world.until(lambda: heard(world, world.alice))
    assert "only moderators" in heard(world, world.alice)[0]


async def test_people_are_chosen_who_keep_the_library(world: World) -> None:
    boss, bob = boss_of(world), bob_of(world)
    await save(world, "mascot")
    await world.fake.press(boss, await home(world, boss), "home_settings")
    await world.fake.submit(boss, {"savers": "chosen", "saver_people": [bob.id]})
    await world.fake.press(boss, await home(world, boss), "home_settings")
    view = world.fake.modal(boss)
    assert view is not None
    (field,) = [block["element"] for block in view.blocks if block["block_id"] == "saver_people"]
    assert field["initial_users"] == [bob.id]
    only = "only moderators, and whoever they have chosen"
    assert only in await typed(world, world.alice, "library remove mascot")
    assert "home_unsave" not in str((await home(world, world.alice)).blocks)
    assert "home_unsave" in str((await home(world, bob)).blocks)
    posted = await world.fake.message(world.alice, world.channel, "our logo", files=[MASCOT])
    await world.fake.message_shortcut(world.alice, posted, SHORTCUT)
    await world.until(lambda: sum(only in words for words in heard(world, world.alice)) > 1)
    assert world.fake.modal(world.alice) is None
    await world.fake.submit(boss, {"saver_people": []})
    assert only in await typed(world, bob, "library remove mascot")
    assert "removed" in await typed(world, boss, "library remove mascot")


async def test_home_lists_every_style_with_where_it_holds(world: World) -> None:
    boss = boss_of(world)
    await typed(world, boss, "library style noir: dark")
    await typed(world, boss, "library style pop here: bright")
    await typed(world, boss, "library default pop")
    words = str((await home(world, world.alice)).blocks)
    assert "noir: dark" in words
    assert "bright" not in words
    channel = {"type": "channel", "channel_id": world.channel.id}
    assert words.count(str(channel)) == 2
    assert world.fake.violations == []


async def test_more_than_the_model_takes_is_named(world: World) -> None:
    for name in ("one", "two"):
        await save(world, name)
    files = [Upload("a.png", png("red")), Upload("b.png", png("blue"))]
    await world.fake.mention(world.alice, world.channel, "@one and @two", files=files)
    shown = (await world.pictures())[-1]
    assert "m1 takes 3 pictures; used a.png, b.png, @one, left out @two." in shown.text


async def test_a_style_is_chosen_shown_and_read(world: World) -> None:
    boss, hostile = boss_of(world), "dark *bold* @here"
    assert "Only moderators" in await typed(world, world.alice, "library style noir: dark")
    assert "noir is saved" in await typed(world, boss, f"library style noir: {hostile}")
    assert hostile in await typed(world, world.alice, "library style noir")
    await world.imagine("")
    await world.fake.submit(world.alice, {"prompt": "a fox", "style": "noir"})
    (picture,) = await world.pictures()
    assert "a fox · style: noir" in picture.text
    assert picture.files[0].alt == "a fox"
    assert "from now on" in await typed(world, boss, "library default noir")
    await world.imagine("a wolf")
    await world.pictures(2)
    await world.imagine("a bear --style none")
    await world.pictures(3)
    await world.fake.mention(world.alice, world.channel, "at night", thread=picture.message)
    await world.pictures(4)
    added = f"\n\n{hostile}"
    assert prompts(world) == [f"a fox{added}", f"a wolf{added}", "a bear", "at night"]
    assert "no style pop here. There are: noir, none." in await typed(world, world.alice, "a fox --style pop")


async def test_a_style_of_any_name_is_chosen_in_the_form(world: World) -> None:
    boss = boss_of(world)
    for name in ("same", "usual", "straße_2"):
        await typed(world, boss, f"library style {name}: {name}!")
        await world.imagine("")
        await world.fake.submit(world.alice, {"prompt": "a fox", "style": name})
    await world.until(lambda: len(prompts(world)) == 3)
    await world.quiet()
    assert prompts(world) == ["a fox\n\nsame!", "a fox\n\nusual!", "a fox\n\nstraße_2!"]


async def test_home_has_room_for_all_that_can_be_saved(world: World) -> None:
    library = world.bot.core.intake.wording.library
    for number in range(MOST_SAVED):
        await library.save(Person("slack", world.team.id, world.alice.id, "alice"), f"picture{number}", png("red"))
    assert f"{MOST_SAVED} pictures are saved here" in await told_of_saving(world, "more")
    view = await home(world, world.alice)
    assert readable(view.blocks).count("saved by alice") == MOST_SAVED
    assert world.fake.violations == []


async def test_again_keeps_a_style_that_was_removed(world: World) -> None:
    boss = boss_of(world)
    await typed(world, boss, "library style noir: dark")
    picture = await world.first_picture("a fox --style noir")
    await typed(world, boss, "library remove style noir")
    await world.fake.press(world.alice, picture.button("Again"))
    again = (await world.pictures(2))[-1]
    assert prompts(world) == ["a fox\n\ndark"] * 2
    assert "a fox · style: noir" in again.text


async def test_a_workspace_that_removes_us_leaves_nothing(world: World) -> None:
    await save(world, "mascot")
    world.fake.uninstall(world.team)
    somebody = Person("slack", world.team.id, "U1")

    async def empty() -> bool:
        return not await world.bot.core.intake.wording.library.listed(somebody)

    await world.until(lambda: all(delivery.settled.is_set() for delivery in world.fake.outbox.sent))
    assert await empty()
    assert await world.bot.core.redis.keys("imagine:1:saved:*") == []
