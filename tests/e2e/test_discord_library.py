"""Named pictures and styles on Discord: saved from anywhere, used everywhere, removed by whose it is."""

from typing import Any

import pytest

from core.turns import Person as Author
from tests.conftest import wait_until
from tests.e2e.discord_server import Server
from tests.fakes.discord import Invocation, Person, Seen, Upload
from tests.fakes.provider import png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]
pytestmark = pytest.mark.lasting_keys(
    "imagine:1:discord:settings:", "imagine:1:choices:", "imagine:1:library:", "imagine:1:saved:", "imagine:1:style"
)
MENU = "Save as reference…"
ONLY = "only moderators, and whoever they have chosen"
MASCOT = Upload("mascot.png", png("red"))


async def told(asked: Invocation) -> str:
    await asked.answered()
    assert asked.private
    await asked._fake.until(lambda: asked.original and not asked.original.loading)  # noqa: SLF001 - put off, then told
    assert asked.original is not None
    return asked.original.content


async def library(server: Server, who: Person, verb: str, **options: Any) -> str:
    return await told(await who.slash(server.channel, f"imagine-library {verb}", options))


async def styles(server: Server, who: Person, verb: str, **options: Any) -> str:
    return await told(await who.slash(server.channel, f"imagine-styles {verb}", options))


def manager(server: Server) -> Person:
    role = server.fake.role(server.guild, "managers", manage_guild=True)
    return server.fake.person("boss", server.guild, roles=[role])


async def rules_for(server: Server, who: Person) -> Seen:
    shown = (await (await who.slash(server.channel, "imagine-settings")).answered()).original
    assert shown is not None
    return shown


async def forget_rules(server: Server) -> None:
    await server.quiet()
    server.bot.gateway._router.desk.settings._cache.clear()  # noqa: SLF001 - as after three seconds


async def moderator(server: Server) -> Person:
    role = server.fake.role(server.guild, "moderators", manage_messages=True)
    return server.fake.person("mo", server.guild, roles=[role])


def prompts(server: Server) -> list[str]:
    return [job.prompt for job in server.bot.images.sent]


async def test_a_picture_is_saved_used_listed_and_removed(server: Server) -> None:
    bob, mo = server.fake.person("bob", server.guild), await moderator(server)
    assert "@mascot" in await library(server, server.alice, "save", name="mascot", picture=MASCOT)
    assert "• @mascot – saved by alice" in await library(server, bob, "list")
    picture = await server.first_picture("@mascot on a mug, says @everyone", by=bob)
    assert prompts(server) == ["mascot (image 1) on a mug, says @everyone"]
    assert "@mascot on a mug" in picture.content
    assert "Using: @mascot." in picture.content
    assert server.fake.pings == []
    bob.send(server.thread(), "add @Mascot again")
    await server.pictures(server.thread(), 2)
    assert prompts(server)[-1].startswith("add mascot (image 1) again")
    offered = await (await bob.autocomplete(server.channel, "imagine-library remove", "name", "mas")).answered()
    assert [choice["value"] for choice in offered.choices or ()] == ["mascot"]
    assert "was saved by alice" in await library(server, bob, "remove", name="mascot")
    assert "was saved by alice" in await library(server, bob, "save", name="MASCOT", picture=MASCOT)
    assert "removed" in await library(server, mo, "remove", name="mascot")
    assert "Nothing is saved as @mascot" in await library(server, mo, "remove", name="mascot")
    await server.quiet()


async def test_any_message_can_be_saved_from_its_menu_and_works_when_it_is_gone(server: Server) -> None:
    posted = server.alice.send(server.channel, "our logo", files=[Upload("a.png", png("red")), Upload("b.png", png())])
    opened = await (await server.alice.message_menu(posted, MENU)).answered()
    assert "@Logo" in await told(await server.alice.submit(opened, {"name": "@Logo", "which": "2"}))
    server.alice.delete(posted)
    await server.bot.close()
    server.bot = await type(server.bot)(server.fake, server.bot.redis_url, server.bot.images).open()
    called = f"<@{server.fake.bot.id}> @logo on a flag"
    server.alice.send(server.channel, called)
    await server.fake.until(lambda: prompts(server))
    assert prompts(server) == ["Logo (image 1) on a flag"]
    await server.quiet()


async def test_a_picture_of_ours_is_saved_too_and_none_is_refused(server: Server) -> None:
    picture = await server.first_picture()
    await server.quiet()
    opened = await (await server.alice.message_menu(picture, MENU)).answered()
    assert "a letter or a digit" in await told(await server.alice.submit(opened, {"name": "@everyone"}))
    assert "@fox" in await told(await server.alice.submit(opened, {"name": "fox"}))
    words = server.alice.send(server.channel, "only words")
    assert "no picture" in await told(await server.alice.message_menu(words, MENU))
    notes = Upload("notes.png", b"<svg/>")
    assert "cannot be saved" in await library(server, server.alice, "save", name="notes", picture=notes)


async def test_who_may_save_is_the_servers_rule(server: Server) -> None:
    role = server.fake.role(server.guild, "managers", manage_guild=True)
    boss = server.fake.person("boss", server.guild, roles=[role])
    await told(await boss.slash(server.channel, "imagine-settings", {"who_may_save": "moderators"}))
    server.bot.gateway._router.desk.settings._cache.clear()  # noqa: SLF001 - as after three seconds
    assert "only moderators" in await library(server, server.alice, "save", name="mascot", picture=MASCOT)
    assert "@mascot" in await library(server, await moderator(server), "save", name="mascot", picture=MASCOT)


async def test_roles_are_chosen_whose_members_keep_the_library(server: Server) -> None:
    boss = manager(server)
    brand, other = server.fake.role(server.guild, "brand"), server.fake.role(server.guild, "other")
    bob = server.fake.person("bob", server.guild, roles=[brand])
    await library(server, server.alice, "save", name="mascot", picture=MASCOT)
    rules = await rules_for(server, boss)
    chosen = await boss.choose_roles(rules, "saver_roles", brand, other)
    assert f"members of chosen roles, and moderators <@&{brand.id}>, <@&{other.id}>" in await told(chosen)
    chosen.redeliver()
    await forget_rules(server)
    assert ONLY in await library(server, server.alice, "remove", name="mascot")
    assert "@mascot" in await library(server, bob, "save", name="mascot", picture=MASCOT)
    assert "saved by bob" in await library(server, server.alice, "list")
    server.guild.members[bob.id].role_ids.clear()
    assert ONLY in await library(server, bob, "save", name="mascot", picture=MASCOT)
    assert ONLY in await library(server, bob, "remove", name="mascot")
    posted = bob.send(server.channel, "our logo", files=[MASCOT])
    assert ONLY in await told(await bob.message_menu(posted, MENU))
    everyone = server.guild.roles[server.guild.id]
    assert "under a name:** anyone" in await told(await boss.choose_roles(rules, "saver_roles", everyone))
    await forget_rules(server)
    assert "@other" in await library(server, bob, "save", name="other", picture=MASCOT)


async def test_the_menu_of_roles_begins_with_those_that_were_chosen_and_are_still_there(server: Server) -> None:
    def preset(rules: Seen) -> object:
        return rules.control("saver_roles").wire.get("default_values")

    boss = manager(server)
    brand, gone = server.fake.role(server.guild, "brand"), server.fake.role(server.guild, "gone")
    rules = await rules_for(server, boss)
    assert preset(rules) is None
    await told(await boss.choose_roles(rules, "saver_roles", brand, gone))
    await forget_rules(server)
    del server.guild.roles[gone.id]
    assert preset(await rules_for(server, boss)) == [{"id": str(brand.id), "type": "role"}]
    server.fake.faults.fail("GET", "/guilds/{guild_id}", 403, code=50001)
    assert preset(await rules_for(server, boss)) is None
    assert server.fake.violations == []


async def test_the_menu_of_roles_is_for_who_manages_the_server(server: Server) -> None:
    boss = manager(server)
    rules = await rules_for(server, boss)
    server.guild.members[boss.id].role_ids.clear()
    refused = await told(await boss.choose_roles(rules, "saver_roles", server.fake.role(server.guild, "brand")))
    assert "Manage Server" in refused
    assert "@mascot" in await library(server, server.alice, "save", name="mascot", picture=MASCOT)


async def test_a_redelivered_save_makes_one(server: Server) -> None:
    asked = await server.alice.slash(server.channel, "imagine-library save", {"name": "mascot", "picture": MASCOT})
    await told(asked)
    asked.redeliver()
    await server.quiet()
    assert (await library(server, server.alice, "list")).count("•") == 1
    assert len(await server.bot.core.redis.keys("imagine:1:saved:*")) == 1


async def test_styles_of_other_channels_are_listed_with_where_they_hold(server: Server) -> None:
    mo, other = await moderator(server), server.fake.channel(server.guild, "design")
    await told(await mo.slash(other, "imagine-styles save", {"name": "noir", "words": "dark", "here": True}))
    await told(await mo.slash(other, "imagine-styles usual", {"name": "noir"}))
    listed = await styles(server, server.alice, "list")
    assert f"noir (in <#{other.id}> only)" in listed
    assert f"elsewhere: <#{other.id}> – noir" in listed
    assert "dark" not in listed


async def test_more_than_the_model_takes_is_named(server: Server) -> None:
    for name in ("one", "two"):
        await library(server, server.alice, "save", name=name, picture=MASCOT)
    own = {"reference1": Upload("a.png", png("red")), "reference2": Upload("b.png", png("blue"))}
    picture = await server.first_picture("@one and @two", **own)
    assert "m1 takes 3 pictures; used a.png, b.png, @one, left out @two." in picture.content


async def test_a_style_is_chosen_shown_and_read(server: Server) -> None:
    mo = await moderator(server)
    hostile = "dark <@1> @everyone **bold**"
    assert "Only moderators" in await styles(server, server.alice, "save", name="noir", words="dark")
    assert "noir is saved" in await styles(server, mo, "save", name="noir", words=hostile)
    read = await styles(server, server.alice, "list")
    assert "@everyone" not in read
    assert "\\<@1\\>" in read
    assert "dark" in await styles(server, server.alice, "show", name="noir")
    offered = await (await server.alice.autocomplete(server.channel, "imagine", "style", "")).answered()
    assert [choice["value"] for choice in offered.choices or ()] == ["noir", "none"]
    picture = await server.first_picture("a fox", style="noir")
    assert "a fox · style: noir" in picture.content
    assert prompts(server) == [f"a fox\n\n{hostile}"]
    assert picture.files[0].alt == "a fox"
    refused = await server.imagine("a fox", style="pop")
    assert refused.original is not None
    assert "no style pop here. There are: noir, none." in refused.original.content


async def test_again_keeps_a_style_that_was_removed(server: Server) -> None:
    mo = await moderator(server)
    await styles(server, mo, "save", name="noir", words="dark")
    picture = await server.first_picture("a fox", style="noir")
    await styles(server, mo, "remove", name="noir")
    await (await server.alice.press(picture, "Again")).answered()
    again = (await server.pictures(server.thread(), 2))[-1]
    assert prompts(server) == ["a fox\n\ndark"] * 2
    assert "a fox · style: noir" in again.content


async def test_a_channels_usual_style_is_for_new_pictures(server: Server) -> None:
    mo = await moderator(server)
    await styles(server, mo, "save", name="noir", words="dark", here=True)
    assert "from now on" in await styles(server, mo, "usual", name="noir")
    await server.first_picture("a fox")
    server.alice.send(server.thread(), "make it night")
    await server.pictures(server.thread(), 2)
    await server.first_picture("a wolf", style="none")
    assert prompts(server) == ["a fox\n\ndark", "make it night", "a wolf"]
    await styles(server, mo, "usual", name="none")
    assert "removed" in await styles(server, mo, "remove", name="noir")
    assert "no styles" in await styles(server, mo, "list")
    await server.quiet()


async def test_what_is_private_in_a_thread_is_in_its_channels_style(server: Server) -> None:
    mo = await moderator(server)
    await styles(server, mo, "save", name="noir", words="dark", here=True)
    await server.first_picture("a fox")
    await styles(server, mo, "usual", name="noir")
    asked = await server.alice.slash(server.thread(), "imagine", {"prompt": "a wolf", "private": True})
    await server.fake.until(lambda: asked.original and asked.original.files)
    await server.quiet()
    assert prompts(server) == ["a fox", "a wolf\n\ndark"]
    assert asked.original is not None
    assert "a wolf · style: noir" in asked.original.content


async def test_in_direct_messages_everybody_has_a_library_of_their_own(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    for who in (server.alice, bob):
        channel = server.fake.dm(who)
        asked = await who.slash(channel, "imagine-library save", {"name": "me", "picture": MASCOT})
        assert "@me" in await told(asked)
    alone = await told(await bob.slash(server.fake.dm(bob), "imagine-library list"))
    assert alone.count("•") == 1


async def test_nothing_is_kept_for_a_server_that_we_are_not_on(server: Server) -> None:
    elsewhere = server.fake.guild("Elsewhere", bot=False)
    channel, dave = server.fake.channel(elsewhere, "general"), server.fake.person("dave", elsewhere)
    dave.install()
    asked = await dave.slash(channel, "imagine-library save", {"name": "mascot", "picture": MASCOT})
    assert "keep nothing for this server" in await told(asked)


async def test_a_server_that_removes_us_leaves_nothing(server: Server) -> None:
    await library(server, server.alice, "save", name="mascot", picture=MASCOT)
    server.fake.remove_bot(server.guild)
    author = Author("discord", str(server.guild.id), "1")

    async def empty() -> bool:
        return not await server.bot.core.intake.wording.library.listed(author)

    await wait_until(empty)
    assert await server.bot.core.redis.keys("imagine:1:saved:*") == []
