"""Names of buttons and forms that were never offered to who sends them: nothing happens, and nothing is shown."""

from itertools import product
from typing import Any

import pytest
from simcord.backend.models import Channel

from adapters.discord.components import Action
from adapters.discord.history import HANDLERS
from adapters.discord.posts import short_key
from tests.e2e.discord_server import Server
from tests.fakes.discord import Invocation, Person, Upload, interactions
from tests.fakes.provider import png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]

COMPONENT, FORM = 3, 5
ACTIONS = ("again", "variations", "ratio", "edit", "undo", "cancel", "more")


async def pressed(server: Server, by: Person, channel: Channel, custom_id: str) -> str:
    data = {"custom_id": custom_id, "component_type": 2, "id": 1, "values": ["restore"]}
    return words(await (await interactions.send(server.fake, COMPONENT, by.user, channel, data)).answered())


async def submitted(server: Server, by: Person, channel: Channel, custom_id: str) -> str:
    field: dict[str, Any] = {"type": 4, "custom_id": "prompt", "value": "make it night"}
    data = {"custom_id": custom_id, "components": [{"type": 18, "component": field}]}
    return words(await (await interactions.send(server.fake, FORM, by.user, channel, data)).answered())


def words(asked: Invocation) -> str:
    return asked.original.content if asked.original else ""


MADE_UP = ("", "restore:x", "sharpen:0", "0", "x:0", "restore:99", "99")
OFFERED = (Action.PATH, "0")
"""A sheet of the one picture that there is, to be seen by who asks for it."""


@pytest.mark.parametrize(("action", "made_up"), sorted({*product(HANDLERS, MADE_UP)} - {OFFERED}))
async def test_what_a_menu_did_not_offer_is_not_done(server: Server, action: str, made_up: str) -> None:
    first = await server.first_picture()
    await server.quiet()
    name = short_key((await server.node_of(first)).id)
    before, shown = await server.bot.core.conversations.head(server.key()), len(server.fake.messages(server.thread()))
    data = {"custom_id": f"{action}:{name}", "component_type": 3, "id": 1, "values": [made_up]}
    asked = await interactions.send(server.fake, COMPONENT, server.alice.user, server.thread(), data)
    said = words(await asked.answered())
    assert said
    assert "went wrong" not in said
    assert await server.bot.core.conversations.head(server.key()) == before
    assert (len(server.fake.messages(server.thread())), len(server.bot.images.made)) == (shown, 1)
    assert server.has_threads(1)


async def test_a_picture_of_another_server_is_out_of_reach(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    name = short_key((await server.node_of(first)).id)
    elsewhere = server.fake.guild("Elsewhere")
    channel = server.fake.channel(elsewhere, "general")
    mallory = server.fake.person("mallory", elsewhere)
    said = [await pressed(server, mallory, channel, f"{action}:{name}") for action in ACTIONS]
    said.append(await submitted(server, mallory, channel, f"edit:{name}"))
    assert all("no longer kept here" in one for one in said), said
    assert len(server.bot.images.made) == 1


async def test_a_picture_of_somebody_elses_direct_messages_is_out_of_reach(server: Server) -> None:
    direct = server.fake.dm(server.alice)
    server.alice.send(direct, "a secret fox")
    await server.pictures(direct)
    await server.quiet()
    (name,) = {
        str(button.custom_id).partition(":")[2] for seen in server.fake.messages(direct) for button in seen.controls
    }
    bob = server.fake.person("bob", server.guild)
    assert "no longer kept here" in await pressed(server, bob, server.fake.dm(bob), f"again:{name}")
    assert "no longer kept here" in await submitted(server, bob, server.fake.dm(bob), f"edit:{name}")
    assert len(server.bot.images.made) == 1


@pytest.mark.parametrize("action", ["again", "edit", "more"])
async def test_a_private_picture_is_nobody_elses(server: Server, action: str) -> None:
    asked = await server.imagine("a secret fox", private=True)
    await server.fake.until(lambda: asked.original and asked.original.files)
    await server.quiet()
    assert asked.original is not None
    name = str(asked.original.controls[0].custom_id).partition(":")[2]
    bob = server.fake.person("bob", server.guild)
    assert "Only alice" in await pressed(server, bob, server.channel, f"{action}:{name}")
    assert "Only alice" in await submitted(server, bob, server.channel, f"edit:{name}")
    assert len(server.bot.images.made) == 1


@pytest.mark.parametrize(("menu", "kind"), [("Use as reference", "ask"), ("Save as reference…", "save")])
async def test_a_form_is_sent_by_nobody_but_who_opened_it(server: Server, menu: str, kind: str) -> None:
    posted = server.alice.send(server.channel, "my cat", files=[Upload("cat.png", png("red"))])
    opened = await (await server.alice.message_menu(posted, menu)).answered()
    bob = server.fake.person("bob", server.guild)
    assert "open for too long" in await submitted(server, bob, server.channel, f"{kind}:{opened.record.id}")
    await server.quiet()
    assert server.bot.images.made == []
