"""The contract of the fake Discord, held by unmodified discord.py: the gateway's sessions and what befalls them."""

import asyncio

import aiohttp
import discord
import pytest

from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.client import Listener, connected

pytest_plugins = ["tests.fakes.discord.fixtures"]

CONTENT = discord.Intents(guilds=True, messages=True, message_content=True)


def listener() -> Listener:
    return Listener(intents=CONTENT)


async def test_a_message_in_the_gap_is_replayed_on_resume(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    async with connected(fake_discord, listener()) as client:
        async with fake_discord.gateway.outage():
            alice.send(channel, "in the gap")
        await fake_discord.until(lambda: "RESUMED" in client.events)
        alice.send(channel, "afterwards")
        await fake_discord.until(lambda: client.texts == ["in the gap", "afterwards"])
        assert len(fake_discord.gateway.identifies) == 1
        assert [went_well for _, _, went_well in fake_discord.gateway.resumes] == [True]


async def test_op_7_makes_the_client_come_again_and_resume(fake_discord: FakeDiscord) -> None:
    async with connected(fake_discord) as client:
        fake_discord.gateway.reconnect()
        await fake_discord.until(lambda: "RESUMED" in client.events)
        assert len(fake_discord.gateway.identifies) == 1


async def test_op_9_true_is_resumed_and_a_forgotten_session_starts_anew(fake_discord: FakeDiscord) -> None:
    async with connected(fake_discord) as client:
        fake_discord.gateway.invalidate(resumable=True)
        await fake_discord.until(lambda: "RESUMED" in client.events)
        fake_discord.gateway.forget()
        await fake_discord.until(lambda: len(fake_discord.gateway.identifies) == 2, timeout=20)
        assert [went_well for _, _, went_well in fake_discord.gateway.resumes] == [True, False]


@pytest.mark.parametrize(("code", "left"), [(1000, 0), (1001, 0), (4000, 1)])
async def test_a_session_ends_with_a_proper_goodbye_only(fake_discord: FakeDiscord, code: int, left: int) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(fake_discord.gateway_url) as socket:
        assert (await socket.receive_json())["op"] == 10
        await socket.send_json({"op": 2, "d": {"token": fake_discord.token, "intents": 0}})
        assert (await socket.receive_json())["t"] == "READY"
        await socket.close(code=code)
        await fake_discord.until(lambda: not fake_discord.gateway.connections)
        assert len(fake_discord.gateway.sessions) == left


@pytest.mark.parametrize("code", [4004, 4013, 4014])
async def test_an_identify_can_be_refused_for_good(fake_discord: FakeDiscord, code: int) -> None:
    fake_discord.gateway.refuse(code)
    with pytest.raises((discord.ConnectionClosed, discord.PrivilegedIntentsRequired)) as refused:
        async with connected(fake_discord):
            pass
    if isinstance(refused.value, discord.ConnectionClosed):
        assert refused.value.code == code


async def test_an_intent_that_the_portal_does_not_grant_closes_with_4014(fake_discord: FakeDiscord) -> None:
    fake_discord.message_content = False
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with connected(fake_discord, listener()):
            pass
    assert fake_discord.gateway.identifies[0].refused_with == 4014


async def test_every_session_of_a_shard_gets_every_event(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    async with connected(fake_discord, listener()) as one, connected(fake_discord, listener()) as two:
        alice.send(channel, "a fox")
        await fake_discord.until(lambda: one.texts == two.texts == ["a fox"])


async def test_guilds_belong_to_shards_and_direct_messages_to_the_first(fake_discord: FakeDiscord) -> None:
    guilds = [fake_discord.guild(f"Studio {shard}", shard=(shard, 2)) for shard in range(2)]
    alice = fake_discord.person("alice", *guilds)
    first, second = (
        Listener(intents=CONTENT | discord.Intents(dm_messages=True), shard_id=s, shard_count=2) for s in (0, 1)
    )
    async with connected(fake_discord, first), connected(fake_discord, second):
        assert [[guild.id for guild in client.guilds] for client in (first, second)] == [[one.id] for one in guilds]
        alice.send(fake_discord.dm(alice), "direct")
        alice.send(fake_discord.channel(guilds[1], "pictures"), "on the second")
        await fake_discord.until(lambda: (first.texts, second.texts) == (["direct"], ["on the second"]))


async def test_identifying_too_fast_is_an_invalid_session(fake_discord: FakeDiscord) -> None:
    fake_discord.gateway.identify_window = 5.0
    async with connected(fake_discord), aiohttp.ClientSession() as http:
        for expected in (9, 0):
            async with http.ws_connect(fake_discord.gateway_url) as socket:
                await socket.receive_json()
                await socket.send_json({"op": 2, "d": {"token": fake_discord.token, "intents": 0}})
                assert (await socket.receive_json())["op"] == expected
            fake_discord.advance(5)


async def test_a_zombie_line_is_left_and_the_missed_messages_come_on_resume(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    fake_discord.gateway.heartbeat_interval = 0.2
    client = Listener(intents=CONTENT, heartbeat_timeout=1.0)
    async with connected(fake_discord, client):
        await fake_discord.until(lambda: fake_discord.gateway.heartbeats > 2)
        fake_discord.gateway.zombie()
        alice.send(channel, "unheard")
        fake_discord.gateway.zombie(on=False)
        await fake_discord.until(lambda: client.texts == ["unheard"])
        assert fake_discord.gateway.resumes


async def test_presence_is_recorded(fake_discord: FakeDiscord) -> None:
    async with connected(fake_discord) as client:
        await client.change_presence(activity=discord.CustomActivity("drawing"))
        await fake_discord.until(lambda: fake_discord.gateway.presences)
        assert fake_discord.gateway.presences[-1]["activities"][0]["state"] == "drawing"


async def test_members_can_be_asked_for(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    alice = fake_discord.person("alice", guild)
    fake_discord.person("bob", guild)
    async with connected(fake_discord) as client:
        known = client.get_guild(guild.id)
        assert known is not None
        assert [member.id for member in await known.query_members("ali", limit=5)] == [alice.id]


@pytest.mark.parametrize("frame", ["{bad", "[]", "{}", '{"op":2,"d":{"token":"fake-token","shard":"x"}}'])
async def test_rubbish_closes_the_line_with_4002(fake_discord: FakeDiscord, frame: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(fake_discord.gateway_url) as socket:
        await socket.receive_json()
        await socket.send_str(frame)
        await socket.receive()
        assert socket.close_code == 4002


async def test_joining_and_leaving_a_guild_is_announced(fake_discord: FakeDiscord) -> None:
    async with connected(fake_discord) as client:
        guild = fake_discord.guild("Studio")
        await fake_discord.until(lambda: [known.id for known in client.guilds] == [guild.id])
        fake_discord.remove_bot(guild)
        await fake_discord.until(lambda: not client.guilds)
        fake_discord.add_bot(guild)
        await fake_discord.until(lambda: [known.id for known in client.guilds] == [guild.id])


async def test_a_channel_the_bot_cannot_see_is_silent(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    hidden, seen = fake_discord.channel(guild, "hidden"), fake_discord.channel(guild, "seen")
    fake_discord.deny(hidden, "view_channel")
    alice = fake_discord.person("alice", guild)
    async with connected(fake_discord, listener()) as client:
        alice.send(hidden, "hush")
        alice.send(seen, "hello")
        await fake_discord.until(lambda: client.texts)
        assert client.texts == ["hello"]


async def test_auto_sharding_takes_the_recommended_shards(fake_discord: FakeDiscord) -> None:
    fake_discord.gateway.recommended_shards = 2
    fake_discord.gateway.max_concurrency = 2

    class Impatient(discord.AutoShardedClient):
        async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
            """Does not wait its usual five seconds."""

    async with Impatient(intents=discord.Intents.default(), guild_ready_timeout=0.05) as client:
        running = asyncio.create_task(client.start(fake_discord.token))
        await fake_discord.until(lambda: len(fake_discord.gateway.identifies) == 2)
        assert {identify.shard for identify in fake_discord.gateway.identifies} == {0, 1}
        await client.close()
        await asyncio.gather(running, return_exceptions=True)
