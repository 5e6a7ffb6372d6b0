"""What is pressed, written or deleted at the wrong moment, or by who does not know how: one effect, a clear answer."""

from typing import Any

import pytest

from adapters.discord import gateway as gateway_module
from adapters.discord import messages as messages_module
from adapters.discord import outgoing as outgoing_module
from adapters.discord import posting as posting_module
from adapters.discord.start import make_gateway
from core.errors import ProviderError
from core.statuses import RefusalReason, Refused
from tests.conftest import wait_until
from tests.e2e.discord_server import Bot, Server
from tests.fakes.discord import FakeDiscord, Invocation, NotAllowed, Seen, Upload, interactions
from tests.fakes.picture_files import noise, packed
from tests.fakes.provider import FakeImages, png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]

COMMAND, COMPONENT = 2, 3
MESSAGE = "/channels/{channel_id}/messages/{message_id}"
MESSAGES = "/channels/{channel_id}/messages"


def words(asked: Invocation) -> str:
    return asked.original.content if asked.original else ""


async def sent(server: Server, kind: int, data: dict[str, Any], source: Seen | None = None) -> Invocation:
    """An interaction that today's commands and messages would not offer."""
    stored = server.fake.stored(source) if source else None
    channel = server.fake.world.get_channel(source.channel_id) if source else server.channel
    asked = await interactions.send(server.fake, kind, server.alice.user, channel, data, source=stored)
    return await asked.answered()


async def keyed(server: Server, pattern: str) -> list[bytes]:
    return [name async for name in server.bot.core.redis.scan_iter(f"imagine:1:discord:{pattern}")]


# -- commands, buttons and forms of another day


@pytest.mark.parametrize("kind", [1, 2, 3])
async def test_a_command_that_there_is_no_more_is_told_from_a_new_one(server: Server, kind: int) -> None:
    asked = await sent(server, COMMAND, {"id": "1", "name": "draw", "type": kind, "target_id": "1"})
    assert words(asked).startswith("I do not know that command")
    assert asked.private


async def test_a_button_of_another_version_says_that_it_works_no_more(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    asked = await sent(server, COMPONENT, {"custom_id": "sharpen:1234", "component_type": 2, "id": 1}, first)
    assert "no longer kept here" in words(asked)


async def test_a_form_that_was_open_for_too_long_says_so(server: Server) -> None:
    posted = server.alice.send(server.channel, "my cat", files=[Upload("cat.png", png("red"))])
    asking = await (await server.alice.message_menu(posted, "Use as reference")).answered()
    first = await server.first_picture()
    await server.quiet()
    editing = await (await server.alice.press(first, "Edit")).answered()
    for name in (*await keyed(server, "form:*"), *await keyed(server, "turn:*")):
        await server.bot.core.redis.delete(name)
    assert "open for too long" in words(await (await server.alice.submit(asking, {"prompt": "blue"})).answered())
    assert "no longer kept" in words(await (await server.alice.submit(editing, {"prompt": "blue"})).answered())
    assert len(server.bot.images.made) == 1


async def test_a_parent_that_is_kept_no_more_cannot_be_gone_back_to(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    parent = await server.node_of(first)
    server.alice.send(server.thread(), "make it night")
    second = (await server.pictures(server.thread(), 2))[-1]
    await server.quiet()
    before = await server.bot.chat.posts.by_turn(parent.id)
    assert before is not None
    for name in await keyed(server, "turn:*"):
        found = await server.bot.core.redis.get(name)
        if found and b"a fox in the snow" in found and b"make it night" not in found:
            await server.bot.core.redis.delete(name)
    assert "no longer kept" in words(await (await server.alice.press(second, "Undo")).answered())


async def test_a_kept_picture_whose_week_is_over_says_so(server: Server) -> None:
    server.fake.deny(server.channel, "attach_files")
    server.fake.close_dms(server.alice)
    await server.imagine("a fox")
    waiting = await server.message(server.channel, lambda m: "Show" in m.labels)
    await server.quiet()
    for name in await keyed(server, "kept:*"):
        await server.bot.core.redis.delete(name)
    shown = await (await server.alice.press(waiting, "Show")).answered()
    await server.fake.until(lambda: "no longer kept" in words(shown))


async def test_a_private_picture_that_is_kept_no_more_cannot_be_published(server: Server) -> None:
    asked = await server.imagine("a secret", private=True)
    await server.fake.until(lambda: asked.original and asked.original.files)
    await server.quiet()
    assert asked.original is not None
    async for name in server.bot.core.redis.scan_iter("imagine:1:thread:*"):
        await server.bot.core.redis.delete(name)
    async for name in server.bot.core.redis.scan_iter("imagine:1:node*"):
        await server.bot.core.redis.delete(name)
    pressed = await (await server.alice.press(asked.original, "Publish")).answered()
    await server.fake.until(lambda: "no longer kept" in words(pressed))
    assert server.fake.messages(server.channel) == []


# -- deleting


async def test_a_result_that_somebody_deleted_a_moment_before_is_removed_all_the_same(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    node = await server.node_of(first)
    server.fake.faults.fail("DELETE", MESSAGE, 404, code=10008)
    pressed = await (await server.alice.press(first, "Delete")).answered()
    await server.fake.until(lambda: words(pressed).startswith("Deleted"))
    kept = await server.bot.core.conversations.node(server.key(), node.id)
    assert kept is not None
    assert kept.removed


@pytest.mark.parametrize(("status", "said"), [(403, "did not let me"), (503, "did not let me")])
async def test_a_delete_that_discord_refuses_says_so(server: Server, status: int, said: str) -> None:
    first = await server.first_picture()
    await server.quiet()
    node = await server.node_of(first)
    server.fake.faults.fail("DELETE", MESSAGE, status, code=50013 if status == 403 else 0, times=None)
    pressed = await (await server.alice.press(first, "Delete")).answered()
    await server.fake.until(lambda: said in words(pressed))
    kept = await server.bot.core.conversations.node(server.key(), node.id)
    assert kept is not None
    assert not kept.removed


async def test_pictures_that_a_moderator_deletes_many_at_a_time_are_shown_as_removed(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    node = await server.node_of(first)
    chat = server.alice.send(server.thread(), f"<@{server.fake.bot.id}>")
    payload = {
        "ids": [str(first.id), str(chat.id)],
        "channel_id": str(first.channel_id),
        "guild_id": str(server.guild.id),
    }
    server.fake.world.emit("MESSAGE_DELETE_BULK", payload)

    async def removed() -> bool:
        kept = await server.bot.core.conversations.node(server.key(), node.id)
        return kept is not None and kept.removed

    await wait_until(removed)


async def test_a_message_that_is_deleted_after_its_picture_came_changes_nothing(server: Server) -> None:
    said = server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox")
    (picture,) = await server.pictures(await server.opened())
    await server.quiet()
    server.alice.delete(said)
    server.alice.send(server.thread(), "make it night", reply_to=picture)
    await server.pictures(server.thread(), 2)
    await server.quiet()


async def test_a_message_that_is_deleted_while_its_picture_is_posted_is_too_late(server: Server) -> None:
    server.bot.images.held = True
    said = server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox")
    await server.fake.until(lambda: server.bot.images.sent)
    posting = server.fake.faults.hold("POST", MESSAGES)
    server.bot.images.release.set()
    await posting.arrived()
    server.alice.delete(said)
    posting.release()
    await server.pictures(server.thread())
    await server.quiet()


# -- too early


async def test_words_for_a_picture_that_is_not_there_yet_are_asked_for_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages_module, "MOMENT_SECONDS", 0.01)
    server.bot.images.held = True
    await server.imagine("a fox")
    thread = await server.opened()
    announced = await server.message(server.channel, lambda m: "Cancel" in m.labels)
    plain = server.alice.send(thread, "make it night")
    reply = server.alice.send(server.channel, "make it night", reply_to=announced)
    told = await server.message(thread, lambda m: m.reply_to == plain.id)
    assert "still on its way" in told.content
    told = await server.message(server.channel, lambda m: m.reply_to == reply.id)
    assert "still on its way" in told.content
    server.bot.images.release.set()
    await server.quiet()
    assert len(server.bot.images.sent) == 1


async def test_the_second_picture_of_a_message_is_called_by_its_number(server: Server) -> None:
    first = await server.first_picture("foxes", count=2)
    await server.quiet()
    server.alice.send(server.thread(), "#2 at night", reply_to=first)
    second = (await server.pictures(server.thread(), 2))[-1]
    await server.quiet()
    node = await server.node_of(second)
    assert node.prompt == "at night"
    assert node.parent is not None
    assert node.parent.index == 1


async def test_words_that_cannot_be_taken_on_are_answered_where_that_is_allowed(server: Server) -> None:
    said = server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox --private")
    answer = await server.message(server.channel, lambda m: m.reply_to == said.id)
    assert "seen by everybody" in answer.content
    server.fake.deny(server.channel, "send_messages")
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox --private")
    await server.fake.until(lambda: [c for c in server.fake.calls_to("POST", MESSAGES) if c.status == 403])
    server.fake.allow(server.channel, "send_messages")
    await server.first_picture()
    await server.quiet()


async def test_a_channel_that_discord_does_not_tell_of_is_passed_over(server: Server) -> None:
    server.fake.faults.fail("GET", "/channels/{channel_id}", 403, code=50001)
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox")
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> an owl")
    await server.fake.until(lambda: server.bot.images.made)
    await server.quiet()
    assert len(server.bot.images.made) == 1


# -- what goes wrong inside


async def test_a_defect_of_ours_is_admitted_and_the_next_command_works(server: Server) -> None:
    defects: list[Any] = [RuntimeError("a defect")]
    server.bot.images.troubles["capabilities"] = defects
    asked = await server.imagine("a fox")
    assert words(asked).startswith("Something went wrong on our side")
    await server.first_picture()
    await server.quiet()


async def test_a_message_that_breaks_something_holds_nothing_up(server: Server) -> None:
    defects: list[Any] = [RuntimeError("a defect"), ProviderError()]
    server.bot.images.troubles["capabilities"] = defects
    for _ in defects[:]:
        server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox")
    await server.fake.until(lambda: not server.bot.images.troubles["capabilities"])
    await server.first_picture("an owl")
    await server.quiet()
    shard = server.bot.gateway._held[0].shard  # noqa: SLF001 - what a successor would go on from
    await server.fake.until(lambda: not shard.progress.under_way)


async def test_commands_that_could_not_be_registered_are_tried_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "SYNC_RETRY_SECONDS", 0.01)
    for name in await keyed(server, "commands:*"):
        await server.bot.core.redis.delete(name)
    await server.bot.deafen()
    server.fake.faults.fail("PUT", "/applications/{application_id}/commands", 400)
    bot = server.bot
    bot.gateway = make_gateway(bot.chat, bot.core.intake, bot.core.conversations)
    await bot.hear()
    await server.fake.until(lambda: len(server.fake.syncs) == 2)


# -- posts


async def test_a_file_that_discord_finds_too_large_is_made_smaller(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = packed(noise(1300, 1300), "PNG")
    monkeypatch.setattr(outgoing_module, "SMALLER", (1024 * 1024, 512 * 1024))

    async def download(images: FakeImages, output: object) -> bytes:
        return big

    monkeypatch.setattr(FakeImages, "download", download)
    server.bot.images.held = True
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.sent)
    server.fake.faults.fail("POST", MESSAGES, 413, code=40005)
    server.bot.images.release.set()
    (picture,) = await server.pictures(server.thread())
    await server.quiet()
    assert picture.files[0].size <= 1024 * 1024
    assert picture.files[0].name == "a-fox.jpg"


async def test_a_post_is_found_behind_what_many_people_wrote_since(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting_module, "PAGE", 2)
    server.bot.images.held = True
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.sent)
    robot = server.fake.person("robot", server.guild, bot=True)
    for number in range(5):
        robot.send(server.thread(), f"weather report {number}")
    server.fake.faults.drop("POST", MESSAGES, after_effect=True)
    server.fake.faults.fail("POST", MESSAGES, 503, times=None)
    server.bot.images.release.set()
    await server.pictures(server.thread())
    refused = len(server.fake.calls_to("POST", MESSAGES))
    await server.fake.until(lambda: len(server.fake.calls_to("POST", MESSAGES)) >= refused + 2)
    server.fake.advance(3600)
    server.fake.faults.clear()
    await server.quiet()
    assert len(await server.pictures(server.thread())) == 1


async def test_a_mention_in_a_channel_whose_history_is_hidden_is_announced_without_quoting_it(server: Server) -> None:
    server.fake.deny(server.channel, "read_message_history")
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox")
    (picture,) = await server.pictures(server.channel)
    await server.quiet()
    assert picture.reply_to is None


async def test_where_nothing_can_be_said_at_all_the_turn_ends_and_its_picture_is_kept(server: Server) -> None:
    server.bot.images.held = True
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.sent)
    server.fake.close_dms(server.alice)
    server.fake.delete_channel(server.channel)
    server.bot.images.release.set()
    await server.quiet()
    assert await server.bot.chat.private.vault.shelf(str(server.alice.id), 5)


async def test_a_failure_that_can_be_said_nowhere_ends_its_turn(server: Server) -> None:
    server.bot.images.finish_at_once = False
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.made)
    server.fake.close_dms(server.alice)
    server.fake.delete_channel(server.channel)
    server.bot.images.finish(Refused(RefusalReason.MODERATION))
    await server.quiet()


async def test_nothing_is_drawn_for_who_could_be_shown_nothing(server: Server) -> None:
    server.fake.close_dms(server.alice)
    server.fake.deny(server.channel, "send_messages")
    asked = await server.imagine("a fox")
    await server.quiet()
    assert "if you take mine" in words(asked)
    assert server.bot.images.sent == []


# -- servers


@pytest.mark.lasting_keys("imagine:1:discord:settings:")
async def test_a_server_that_throws_the_bot_out_and_asks_it_back_begins_anew(server: Server) -> None:
    role = server.fake.role(server.guild, "managers", manage_guild=True)
    manuela = server.fake.person("manuela", server.guild, roles=[role])
    changed = {"who_may_edit": "moderators", "every_message": False, "age_restricted": "never", "model": "-"}
    told = words(await (await manuela.slash(server.channel, "imagine-settings", changed)).answered())
    assert "moderators" in told
    assert "no" in told
    server.fake.world.emit("GUILD_DELETE", {"id": str(server.guild.id), "unavailable": True})
    server.fake.remove_bot(server.guild)
    await wait_until(lambda: _none(server, "settings:*"))
    server.fake.add_bot(server.guild)
    shown = words(await (await manuela.slash(server.channel, "imagine-settings")).answered())
    assert "anyone" in shown


async def _none(server: Server, pattern: str) -> bool:
    return not await keyed(server, pattern)


async def test_settings_and_switches_say_where_they_work(server: Server) -> None:
    listening = await (await server.alice.slash(server.channel, "imagine-listen", {"on": False})).answered()
    assert words(listening) == "That works in threads that I opened."
    helped = await (await server.alice.slash(server.channel, "imagine-help")).answered()
    assert "/imagine with a prompt" in words(helped)
    assert helped.private
    data = {"id": "1", "name": "imagine-settings", "type": 1}
    assert "Manage Server" in words(await sent(server, COMMAND, data))
    direct = server.fake.dm(server.alice)
    asked = await interactions.send(server.fake, COMMAND, server.alice.user, direct, data)
    assert words(await asked.answered()) == "That works on servers."


@pytest.mark.lasting_keys("imagine:1:discord:settings:", "imagine:1:choices:")
async def test_only_some_channels_can_be_switched_on_and_not_without_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.discord.server_rules.MOST_CHANNELS", 1)
    role = server.fake.role(server.guild, "managers", manage_guild=True)
    manuela = server.fake.person("manuela", server.guild, roles=[role])
    other = server.fake.channel(server.guild, "other")
    only = {"channel": other, "channel_use": "only"}
    await (await manuela.slash(server.channel, "imagine-settings", only)).answered()
    refused = await manuela.slash(server.channel, "imagine-settings", {"channel": server.channel})
    assert "1 channels is the most" in words(await refused.answered())
    server.bot.gateway._router.desk.settings._cache.clear()  # noqa: SLF001 - as after three seconds
    assert "switched off in this channel" in words(await server.imagine("a fox"))


async def test_somebody_without_an_avatar_cannot_be_drawn_by_it(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    asked = await (await server.alice.user_menu(server.channel, bob, "Use avatar as reference")).answered()
    assert words(asked) == "bob has no avatar of their own."


async def test_a_server_without_a_place_for_greetings_or_where_they_are_forbidden_is_not_greeted(
    server: Server,
) -> None:
    quiet = server.fake.guild("Quiet", bot=False)
    server.fake.add_bot(quiet)
    strict = server.fake.guild("Strict", bot=False)
    channel = server.fake.channel(strict, "general")
    strict.system_channel_id = channel.id
    server.fake.faults.fail("POST", MESSAGES, 403, code=50013)
    server.fake.add_bot(strict)
    await server.fake.until(lambda: [c for c in server.fake.calls_to("POST", MESSAGES) if c.status == 403])
    server.fake.world.emit("GUILD_CREATE", server.fake.world.guild_payload(strict))
    await server.first_picture()
    await server.quiet()
    assert server.fake.messages(channel) == []


async def test_plain_messages_do_not_work_without_the_intent_and_the_switch_says_so(blind_server: Server) -> None:
    server = blind_server
    await server.first_picture()
    await server.quiet()
    asked = await (await server.alice.slash(server.thread(), "imagine-listen", {"on": True})).answered()
    assert "does not show me plain messages" in words(asked)
    helped = await (await server.alice.slash(server.channel, "imagine-help")).answered()
    assert "Leave the @ on" in words(helped)


async def test_the_bot_shows_that_it_listens(server: Server) -> None:
    (presence,) = server.fake.gateway.presences
    assert presence["game"]["name"] == "/imagine"
    assert not presence["afk"]


async def test_a_gateway_that_cannot_be_reached_is_tried_until_it_can(
    fake_discord: FakeDiscord, redis_url: str
) -> None:
    fake_discord.faults.fail("GET", "/users/@me", 503)
    bot = Bot(fake_discord, redis_url, FakeImages())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adapters.discord.rest.LOGIN_PAUSES", (0.01, 0.01))
        await bot.open(hearing=False)
    try:
        fake_discord.gateway.refuse(4000)
        await bot.hear()
        assert len(fake_discord.gateway.identifies) >= 1
    finally:
        await bot.close()


async def test_nobody_else_is_offered_the_commands_of_managers(server: Server) -> None:
    with pytest.raises(NotAllowed):
        await server.alice.slash(server.channel, "imagine-settings")
