"""Avatars of people whom a prompt mentions: only where operator, server and they themselves let them along."""

import pytest
from redis.asyncio import Redis

from adapters.discord.settings import ServerSettings, Settings
from adapters.discord.start import make_gateway
from tests.e2e.discord_server import Server
from tests.fakes.discord import Person, Seen
from tests.fakes.provider import png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]
pytestmark = pytest.mark.lasting_keys("imagine:1:discord:settings:", "imagine:1:avatars:")


@pytest.fixture
async def bob(server: Server) -> Person:
    return server.fake.person("bob", server.guild, avatar=png("red"))


@pytest.fixture
async def open_to_avatars(server: Server) -> Server:
    """A server that lets avatars along, and so does the operator."""
    await server.bot.deafen()
    bot = server.bot
    bot.gateway = make_gateway(
        bot.chat, bot.core.intake, bot.core.conversations, cdn=server.fake.cdn_base, avatars=True
    )
    await bot.hear()
    await switch(server, on=True)
    return server


async def switch(server: Server, *, on: bool) -> None:
    redis: Redis = server.bot.core.redis
    await Settings(redis).change(str(server.guild.id), ServerSettings(avatars=on))


def knight(server: Server, bob: Person) -> None:
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> {bob.mention} as a knight")


async def made(server: Server) -> Seen:
    (picture,) = await server.pictures(await server.opened())
    await server.quiet()
    return picture


async def test_somebody_who_is_mentioned_brings_their_avatar(open_to_avatars: Server, bob: Person) -> None:
    server = open_to_avatars
    knight(server, bob)
    assert f"Using: avatar of {bob.name}." in (await made(server)).content
    assert [upload.data for upload in server.bot.images.uploads] == [png("red")]
    assert server.bot.images.made[0][1].prompt == f"{bob.name} as a knight"


async def test_a_mention_in_a_command_does_so_too(open_to_avatars: Server, bob: Person) -> None:
    server = open_to_avatars
    await server.imagine(f"{bob.mention} as a knight")
    assert f"Using: avatar of {bob.name}." in (await made(server)).content


@pytest.mark.parametrize("off", ["operator", "server"])
async def test_a_mention_is_a_name_where_avatars_are_off(server: Server, bob: Person, off: str) -> None:
    if off == "operator":
        await switch(server, on=True)
    knight(server, bob)
    picture = await made(server)
    assert "avatar" not in picture.content
    assert bob.name in picture.content
    assert server.bot.images.uploads == []
    assert server.bot.images.made[0][1].prompt == f"{bob.name} as a knight"


async def test_nobody_works_from_the_avatar_of_somebody_who_refuses(open_to_avatars: Server, bob: Person) -> None:
    server = open_to_avatars
    said = await (await bob.slash(server.channel, "imagine-avatar", {"allow": False})).answered()
    assert said.original is not None
    assert "Nobody here" in said.original.content
    knight(server, bob)
    assert f"Left out avatar of {bob.name}: they do not want it" in (await made(server)).content
    assert server.bot.images.uploads == []
    menu = await (await server.alice.user_menu(server.channel, bob, "Use avatar as reference")).answered()
    assert menu.original is not None
    assert "does not want" in menu.original.content
    await (await bob.slash(server.channel, "imagine-avatar", {"allow": True})).answered()
    menu = await (await server.alice.user_menu(server.channel, bob, "Use avatar as reference")).answered()
    await (await server.alice.submit(menu, {"prompt": "as a knight"})).answered()
    await server.fake.until(lambda: len(server.bot.images.uploads) == 1)
    await server.quiet()


async def test_somebody_without_an_avatar_is_said_to_have_none(open_to_avatars: Server) -> None:
    server = open_to_avatars
    knight(server, eve := server.fake.person("eve", server.guild))
    assert f"Left out avatar of {eve.name}: there is none." in (await made(server)).content
