"""One process hears each shard; another takes over, and nothing that was said in between is missed."""

import asyncio
from dataclasses import replace

import pytest

from adapters.discord.gateway import GatewayStopped
from adapters.discord.lease import LEASE_SECONDS, Lease, Session
from adapters.discord.start import make_gateway
from core.background import stop
from core.turns import Person
from tests.e2e.discord_server import Bot, Server, open_server
from tests.fakes.discord import FakeDiscord
from tests.fakes.provider import FakeImages

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]


async def asked_by_mention(server: Server, words: str) -> None:
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> {words}")


async def test_what_is_said_while_the_line_is_cut_is_heard_after(server: Server) -> None:
    async with server.fake.gateway.outage():
        await asked_by_mention(server, "a fox")
    await server.fake.until(lambda: server.bot.images.made, timeout=20)
    await server.quiet()
    assert len(server.fake.gateway.identifies) == 1
    assert len(server.bot.images.made) == 1


@pytest.mark.parametrize("trouble", ["reconnect", "invalidate", "forget"])
async def test_the_gateways_own_wishes_are_followed(server: Server, trouble: str) -> None:
    gateway = server.fake.gateway
    match trouble:
        case "reconnect":
            gateway.reconnect()
        case "invalidate":
            gateway.invalidate(resumable=False)
        case _:
            gateway.forget()
            gateway.drop()
    await server.fake.until(lambda: len(gateway.identifies) + len(gateway.resumes) >= 2, timeout=20)
    await server.fake.until(lambda: server.bot.gateway.ready, timeout=20)
    await server.imagine("a fox")
    await server.quiet()
    assert len(server.bot.images.made) == 1


async def test_a_successor_resumes_the_session_and_hears_what_was_said_in_between(server: Server) -> None:
    await server.bot.deafen()
    await asked_by_mention(server, "a fox")
    bot = server.bot
    bot.gateway = make_gateway(bot.chat, bot.core.intake, bot.core.conversations)
    await bot.hear()
    await server.fake.until(lambda: server.bot.images.made, timeout=20)
    await server.quiet()
    assert len(server.fake.gateway.identifies) == 1
    assert len(server.fake.gateway.resumes) == 1
    assert len(server.fake.syncs) == 1, "unchanged commands are not registered again"


async def test_a_shard_that_is_let_go_of_does_not_come_back_while_it_finishes_its_work(server: Server) -> None:
    hold = server.fake.faults.hold("GET", "/channels/{channel_id}")
    await asked_by_mention(server, "a fox")
    await hold.arrived()
    leaving = asyncio.create_task(server.bot.deafen())
    await server.fake.until(lambda: not server.fake.gateway.connections)
    await asyncio.sleep(1.3)
    assert not server.fake.gateway.connections
    hold.release()
    await leaving
    assert not server.fake.gateway.resumes
    await server.fake.until(lambda: server.bot.images.made)
    await server.quiet()


async def test_a_session_whose_own_address_has_gone_is_resumed_at_the_usual_one(server: Server) -> None:
    bot = server.bot
    await bot.deafen()
    lease = Lease(bot.core.redis, 0, 1)
    assert await lease.take()
    left = await lease.session()
    assert left is not None
    await lease.save(replace(left, gateway="ws://127.0.0.1:9/"))
    await lease.release()
    await asked_by_mention(server, "a fox")
    bot.gateway = make_gateway(bot.chat, bot.core.intake, bot.core.conversations)
    await bot.hear()
    await server.fake.until(lambda: bot.images.made, timeout=20)
    await server.quiet()
    assert (len(server.fake.gateway.identifies), len(server.fake.gateway.resumes)) == (1, 1)


async def test_a_successor_knows_the_servers_it_was_never_told_of(fake_discord: FakeDiscord, redis_url: str) -> None:
    """Discord tells of servers to who identifies, and not to who resumes."""
    guild = fake_discord.guild("Atelier", locale="de", tier=2)
    channel = fake_discord.channel(guild, "bilder")
    greta = fake_discord.person("greta", guild)
    server = await open_server(fake_discord, redis_url)
    bot = server.bot
    try:
        greta.send(channel, f"<@{fake_discord.bot.id}> ein Hase")
        await fake_discord.until(lambda: bot.images.made)
        await server.quiet()
        await bot.deafen()
        bot.gateway = make_gateway(bot.chat, bot.core.intake, bot.core.conversations)
        await bot.hear()
        bot.images.held = True
        greta.send(channel, f"<@{fake_discord.bot.id}> ein Fuchs")
        announced = await server.message(channel, lambda m: bool(m.labels))
        assert announced.labels == ("Abbrechen",)
        (turn,) = await bot.core.intake.open_turns(Person("discord", str(guild.id), str(greta.id), ""))
        assert turn.turn.address["limit"] == str(50 * 1024 * 1024)
        greta.send(channel, f"<@{fake_discord.bot.id}> eine Eule")
        await fake_discord.until(lambda: len(bot.images.sent) == 3)
        bot.images.release.set()
        await server.quiet()
        asked = fake_discord.calls_to("GET", "/guilds/{guild_id}")
        assert len(asked) == 1, "it is asked for once"
    finally:
        await bot.close()


async def test_a_server_that_cannot_be_asked_about_is_taken_as_the_usual_one(server: Server) -> None:
    bot = server.bot
    await bot.deafen()
    server.fake.faults.fail("GET", "/guilds/{guild_id}", 403, code=50001)
    bot.gateway = make_gateway(bot.chat, bot.core.intake, bot.core.conversations)
    await bot.hear()
    await asked_by_mention(server, "a fox")
    await server.fake.until(lambda: bot.images.made)
    await server.quiet()


async def test_a_server_that_changes_its_language_is_spoken_to_in_the_new_one(server: Server) -> None:
    server.guild.preferred_locale = "fr"
    server.fake.world.emit("GUILD_UPDATE", server.fake.world.guild_payload(server.guild))
    await asked_by_mention(server, "")
    (answer,) = await server.fake.until(
        lambda: [m for m in server.fake.messages(server.channel) if m.author_id == server.fake.bot.id]
    )
    assert answer.content.startswith("Dis-moi")


async def test_a_process_that_dies_without_a_word_is_replaced_within_ten_seconds(server: Server) -> None:
    second = await Bot(server.fake, server.bot.redis_url, server.bot.images).open(hearing=False)
    waiting = asyncio.create_task(second.gateway.run())
    held = server.bot.gateway._held[0]  # noqa: SLF001 - what kill -9 takes with it
    try:
        assert server.bot.hearing
        # As kill -9 would: nothing is saved or released on the way out.
        held.running.cancel()
        server.bot.gateway._held.clear()  # noqa: SLF001
        server.bot.hearing.cancel()
        server.fake.gateway.drop()
        began = asyncio.get_running_loop().time()
        await server.fake.until(lambda: second.gateway.shards and second.gateway.ready, timeout=15)
        assert asyncio.get_running_loop().time() - began < 10
        await server.imagine("a fox")
        await server.quiet()
    finally:
        if held.shard.socket:
            await held.shard.socket.close()
        await stop(waiting)
        await second.close()


async def test_a_process_that_lost_its_shard_lets_go_of_the_line_and_leaves_the_session_alone(server: Server) -> None:
    redis, later = server.bot.core.redis, Session("of the next one", 7, server.fake.gateway_url)
    next_one = Lease(redis, 0, 1)
    await redis.delete("imagine:1:discord:lease:{0-of-1}")
    assert await next_one.take()
    assert await next_one.save(later)
    await server.fake.until(lambda: not server.bot.gateway.shards, LEASE_SECONDS)
    await server.fake.until(lambda: not server.fake.gateway.connections)
    assert await next_one.session() == later
    await asked_by_mention(server, "a fox")
    assert await next_one.renew()
    assert await server.bot.core.turns.count_open() == 0
    await next_one.release()
    await server.fake.until(lambda: server.bot.gateway.shards and server.bot.gateway.ready, LEASE_SECONDS * 2)


async def test_two_processes_never_act_on_one_event(server: Server) -> None:
    second = await Bot(server.fake, server.bot.redis_url, server.bot.images).open(hearing=False)
    waiting = asyncio.create_task(second.gateway.run())
    try:
        await asyncio.sleep(1.5)
        assert second.gateway.shards == ()
        for _ in range(5):
            await server.imagine("a fox")
        await server.quiet()
        callback = "/interactions/{interaction_id}/{interaction_token}/callback"
        assert [call.status for call in server.fake.calls_to("POST", callback)] == [204] * 5
        assert len(server.bot.images.made) == 5
    finally:
        await stop(waiting)
        await second.close()


async def test_shards_are_split_over_processes(fake_discord: FakeDiscord, redis_url: str) -> None:
    fake_discord.gateway.max_concurrency = 4
    images = FakeImages()
    first = await Bot(fake_discord, redis_url, images, shards=4).open()
    await fake_discord.until(lambda: first.gateway.shards == (0, 1, 2, 3) and first.gateway.ready, timeout=20)
    second = await Bot(fake_discord, redis_url, images, shards=4).open(hearing=False)
    waiting = asyncio.create_task(second.gateway.run())
    try:
        await fake_discord.until(
            lambda: len(first.gateway.shards) == len(second.gateway.shards) == 2 and second.gateway.ready, timeout=20
        )
        assert set(first.gateway.shards) | set(second.gateway.shards) == {0, 1, 2, 3}
        assert len(fake_discord.gateway.identifies) == 4, "a shard that moves keeps its session"
    finally:
        await stop(waiting)
        await second.close()
        await first.close()


@pytest.mark.parametrize(("code", "switch"), [(4014, "Message Content Intent"), (4004, "DISCORD_TOKEN")])
async def test_a_close_code_for_good_says_which_switch_to_turn(
    fake_discord: FakeDiscord, redis_url: str, code: int, switch: str
) -> None:
    fake_discord.gateway.refuse(code)
    bot = await Bot(fake_discord, redis_url, FakeImages()).open(hearing=False)
    try:
        with pytest.raises(GatewayStopped, match=switch):
            await asyncio.wait_for(bot.gateway.run(), LEASE_SECONDS * 2)
    finally:
        await bot.close()


async def test_a_new_server_is_greeted_once(server: Server) -> None:
    guild = server.fake.guild("New", bot=False)
    channel = server.fake.channel(guild, "general")
    guild.system_channel_id = channel.id
    server.fake.add_bot(guild)
    (greeting,) = await server.fake.until(lambda: server.fake.messages(channel), timeout=5)
    assert greeting.content.startswith("Hello!")
