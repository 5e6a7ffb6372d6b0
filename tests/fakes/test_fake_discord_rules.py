"""The contract of the fake Discord, held by unmodified discord.py: what REST permits, refuses and forgets."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
import pytest

from tests.fakes.discord import FakeDiscord, Invocation, Person
from tests.fakes.discord import schema as api_document
from tests.fakes.discord.client import Listener, connected, logged_in

pytest_plugins = ["tests.fakes.discord.fixtures"]

MESSAGES = "/channels/{channel_id}/messages"
MIB = 1024 * 1024


@dataclass
class Room:
    """A guild, a channel, a person, and the bot's view of the channel over REST alone."""

    fake: FakeDiscord
    guild: Any
    channel: Any
    alice: Person
    client: discord.Client

    @property
    def place(self) -> discord.PartialMessageable:
        return self.client.get_partial_messageable(self.channel.id, guild_id=self.guild.id)


@pytest.fixture
async def room(fake_discord: FakeDiscord) -> Any:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    async with logged_in(fake_discord) as client:
        yield Room(fake_discord, guild, channel, alice, client)


async def refusal(attempt: Awaitable[Any]) -> tuple[int, int]:
    """Status and code of the error that the attempt ends in."""
    with pytest.raises(discord.HTTPException) as refused:
        await attempt
    return refused.value.status, refused.value.code


def file(size: int = 10, name: str = "a.png") -> discord.File:
    return discord.File(io.BytesIO(b"x" * size), name)


# -- sending


async def test_the_same_nonce_is_posted_once(room: Room) -> None:
    first = await room.place.send("a fox", nonce="turn-1")
    again = await room.place.send("a fox", nonce="turn-1")
    other = await room.place.send("a fox", nonce="turn-2")
    assert first.id == again.id != other.id
    assert first.nonce == "turn-1"
    room.fake.advance(room.fake.nonces.window + 1)
    assert (await room.place.send("a fox", nonce="turn-1")).id != first.id
    assert len(room.fake.messages(room.channel)) == 3


async def test_a_nonce_is_lost_when_the_message_is_fetched_again(room: Room) -> None:
    sent = await room.place.send("a fox", nonce="turn-1")
    assert (await room.place.fetch_message(sent.id)).nonce is None


@pytest.mark.parametrize(
    ("permission", "send", "expected"),
    [
        ("view_channel", lambda place: place.send("a"), (403, 50001)),
        ("send_messages", lambda place: place.send("a"), (403, 50013)),
        ("attach_files", lambda place: place.send(file=file()), (403, 50013)),
        ("embed_links", lambda place: place.send(embed=discord.Embed(title="a")), (403, 50013)),
    ],
)
async def test_sending_takes_permissions(
    room: Room, permission: str, send: Callable[[Any], Awaitable[Any]], expected: tuple[int, int]
) -> None:
    room.fake.deny(room.channel, permission)
    assert await refusal(send(room.place)) == expected
    room.fake.allow(room.channel, permission)
    await send(room.place)


async def test_a_permission_can_be_denied_in_the_whole_guild(room: Room) -> None:
    room.fake.deny(room.guild, "send_messages")
    assert await refusal(room.place.send("a")) == (403, 50013)


async def test_replying_takes_history_and_a_message_that_is_there(room: Room) -> None:
    said = room.alice.send(room.channel, "a fox")
    reference = discord.MessageReference(message_id=said.id, channel_id=room.channel.id, fail_if_not_exists=True)
    room.fake.deny(room.channel, "read_message_history")
    assert await refusal(room.place.send("a", reference=reference)) == (400, 160002)
    room.fake.allow(room.channel, "read_message_history")
    room.fake.delete(said)
    assert await refusal(room.place.send("a", reference=reference)) == (400, 50035)
    lenient = discord.MessageReference(message_id=said.id, channel_id=room.channel.id, fail_if_not_exists=False)
    assert (await room.place.send("a", reference=lenient)).reference is None


async def test_what_is_not_there_has_its_own_codes(room: Room) -> None:
    assert await refusal(room.place.fetch_message(1)) == (404, 10008)
    assert await refusal(room.place.get_partial_message(1).edit(content="a")) == (404, 10008)
    assert await refusal(room.client.get_partial_messageable(1).send("a")) == (404, 10003)
    room.fake.delete_channel(room.channel)
    assert await refusal(room.place.send("a")) == (404, 10003)


async def test_an_empty_message_is_refused(room: Room) -> None:
    assert await refusal(room.place.send(" ")) == (400, 50006)


async def test_files_are_limited_by_the_boost_tier_and_requests_altogether(room: Room) -> None:
    assert await refusal(room.place.send(file=file(10 * MIB + 1))) == (413, 40005)
    await room.place.send(file=file(10 * MIB))
    assert await refusal(room.place.send(files=[file(9 * MIB) for _ in range(3)])) == (413, 40005)
    boosted = room.fake.channel(room.fake.guild("Boosted", tier=2), "pictures")
    await room.client.get_partial_messageable(boosted.id).send(file=file(20 * MIB))


async def test_text_over_2000_characters_is_refused_and_noted(room: Room) -> None:
    await room.place.send("x" * 2000)
    assert await refusal(room.place.send("x" * 2001)) == (400, 50035)
    assert room.fake.violations == [f"POST {MESSAGES}: content has 2001 characters, at most 2000"]
    room.fake.violations.clear()


@pytest.mark.skipif(not api_document.available(), reason="Discord's API document is not beside the project")
async def test_every_body_is_held_against_the_api_document(room: Room) -> None:
    url = f"{room.fake.api_base}/channels/{room.channel.id}/messages"
    headers = {"Authorization": f"Bot {room.fake.token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for body in ({"content": "a", "contents": "b"}, {"content": "a", "nonce": "x" * 26}):
            async with http.post(url, json=body) as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, 50035)
                assert answer.headers["Content-Type"] == "application/json"
    assert "unknown field contents" in room.fake.violations[0]
    assert "nonce" in room.fake.violations[1]
    room.fake.violations.clear()


async def test_eleven_files_are_refused(room: Room) -> None:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", "{}", content_type="application/json")
    for number in range(11):
        form.add_field(f"files[{number}]", b"x", filename="a.png")
    url = f"{room.fake.api_base}/channels/{room.channel.id}/messages"
    headers = {"Authorization": f"Bot {room.fake.token}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, data=form) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, 50035)


async def test_direct_messages_arrive_unless_they_are_closed(room: Room) -> None:
    user = discord.Object(room.alice.id)
    direct = await room.client.create_dm(user)
    await direct.send("hello")
    assert [seen.content for seen in room.fake.messages(room.fake.dm(room.alice), seen_by=room.alice)] == ["hello"]
    room.fake.close_dms(room.alice)
    assert await refusal(direct.send("hello")) == (403, 50007)


# -- history, edits, links


async def test_pages_of_history_are_cut_as_discord_cuts_them(room: Room) -> None:
    sent = [(await room.place.send(str(number))).id for number in range(10)]
    http = room.client.http

    async def page(**query: int) -> list[int]:
        return [int(message["id"]) for message in await http.logs_from(room.channel.id, **query)]

    assert await page(limit=3, after=sent[1]) == [sent[4], sent[3], sent[2]]
    assert await page(limit=3, before=sent[5]) == [sent[4], sent[3], sent[2]]
    assert await page(limit=3, around=sent[5]) == [sent[6], sent[5], sent[4]]
    room.fake.deny(room.channel, "read_message_history")
    assert await page(limit=3) == []


async def test_an_edit_keeps_only_the_attachments_it_lists(room: Room) -> None:
    sent = await room.place.send(files=[file(name="a.png"), file(name="b.png")])
    await sent.edit(content="kept")
    edited = await sent.edit(attachments=[sent.attachments[1], file(name="c.png")])
    assert [attachment.filename for attachment in edited.attachments] == ["b.png", "c.png"]
    assert await refusal(room.place.get_partial_message(sent.id + 1).delete()) == (404, 10008)
    said = room.alice.send(room.channel, "hers")
    assert await refusal(room.place.get_partial_message(said.id).edit(content="a")) == (403, 50005)


async def test_links_expire_and_are_fresh_in_a_message_fetched_again(room: Room) -> None:
    sent = await room.place.send(file=file(5))
    old = sent.attachments[0]
    assert await old.read() == b"xxxxx"
    room.fake.advance(room.fake.cdn.link_lifetime + 1)
    with pytest.raises(discord.NotFound):
        await old.read()
    fresh = (await room.place.fetch_message(sent.id)).attachments[0]
    assert fresh.id == old.id
    assert await fresh.read() == b"xxxxx"
    async with aiohttp.ClientSession() as http, http.get(fresh.url.replace("hm=", "hm=0")) as answer:
        assert answer.status == 404
    await sent.delete()
    with pytest.raises(discord.NotFound):
        await fresh.read()


async def test_without_the_portals_switch_rest_blanks_content_too(room: Room) -> None:
    said = room.alice.send(room.channel, "a fox")
    assert (await room.place.fetch_message(said.id)).content == "a fox"
    room.fake.message_content = False
    assert (await room.place.fetch_message(said.id)).content == ""
    assert [message.content async for message in room.place.history()] == [""]


# -- threads


async def test_a_thread_has_the_id_of_the_message_it_was_started_from(room: Room) -> None:
    sent = await room.place.send("drawing")
    made = await room.client.http.start_thread_with_message(
        room.channel.id, sent.id, name="a fox", auto_archive_duration=1440
    )
    assert int(made["id"]) == sent.id
    again = room.client.http.start_thread_with_message(
        room.channel.id, sent.id, name="a fox", auto_archive_duration=1440
    )
    assert await refusal(again) == (400, 160004)
    assert (await room.place.fetch_message(sent.id)).flags.has_thread
    await room.client.get_partial_messageable(sent.id).send("in there")
    thread = room.fake.threads(room.channel)[0]
    assert room.fake.messages(thread, seen_by=room.alice)[-1].content == "in there"


async def test_starting_and_using_a_thread_takes_permissions_of_their_own(room: Room) -> None:
    sent = await room.place.send("drawing")

    def start(name: str = "a fox") -> Awaitable[Any]:
        return room.client.http.start_thread_with_message(
            room.channel.id, sent.id, name=name, auto_archive_duration=1440
        )

    room.fake.deny(room.channel, "create_public_threads")
    assert await refusal(start()) == (403, 50013)
    room.fake.allow(room.channel, "create_public_threads")
    await start()
    inside = room.client.get_partial_messageable(sent.id)
    room.fake.deny(room.channel, "send_messages")
    await inside.send("still allowed")
    room.fake.deny(room.channel, "send_messages_in_threads")
    assert await refusal(inside.send("not any more")) == (403, 50013)
    nested = room.client.http.start_thread_without_message(sent.id, name="a", auto_archive_duration=60, type=11)
    assert await refusal(nested) == (400, 50024)


async def test_an_archived_thread_opens_when_written_to_and_a_locked_one_refuses(room: Room) -> None:
    thread = room.fake.thread(room.channel, "a fox")
    inside = room.client.get_partial_messageable(thread.id)
    sent = await inside.send("one")
    room.fake.archive(thread)
    assert await refusal(sent.edit(content="two")) == (400, 50083)
    await inside.send("two")
    assert thread.thread_metadata is not None
    assert not thread.thread_metadata.archived
    room.fake.archive(thread, locked=True)
    assert await refusal(inside.send("three")) == (400, 160005)
    room.fake.unarchive(thread)
    await inside.send("three")


async def test_the_owner_of_a_thread_may_rename_it_and_only_a_moderator_lock_it(room: Room) -> None:
    thread = room.fake.thread(room.channel, "a fox")
    await room.client.http.edit_channel(thread.id, name="a red fox")
    assert thread.name == "a red fox"
    assert await refusal(room.client.http.edit_channel(thread.id, locked=True)) == (403, 50013)
    room.fake.allow(room.guild, "manage_threads")
    await room.client.http.edit_channel(thread.id, locked=True)
    room.fake.deny(room.guild, "manage_threads")
    hers = room.fake.thread(room.channel, "hers", by=room.alice)
    assert await refusal(room.client.http.edit_channel(hers.id, name="mine")) == (403, 50013)


# -- interactions


async def asked(fake: FakeDiscord, client: Listener) -> tuple[Invocation, discord.Interaction]:
    """A command that nobody answers by itself."""
    guild = fake.guild("Studio")
    channel = fake.channel(guild, "pictures")
    await client.http.bulk_upsert_global_commands(fake.application_id, [{"name": "imagine", "description": "Draws"}])
    invocation = await fake.person("alice", guild).slash(channel, "imagine")
    await fake.until(lambda: client.interactions)
    return invocation, client.interactions[-1]


async def test_three_seconds_without_an_answer_void_the_interaction(fake_discord: FakeDiscord) -> None:
    async with connected(fake_discord) as client:
        invocation, interaction = await asked(fake_discord, client)
        fake_discord.advance(3.1)
        assert await refusal(interaction.response.defer()) == (404, 10062)
        assert invocation.expired


async def test_an_interaction_is_answered_once(fake_discord: FakeDiscord) -> None:
    async with connected(fake_discord) as client:
        _, interaction = await asked(fake_discord, client)
        await interaction.response.send_message("first")
        again = client.http.request(
            discord.http.Route(
                "POST",
                "/interactions/{interaction_id}/{token}/callback",
                interaction_id=interaction.id,
                token=interaction.token,
            ),
            json={"type": 4, "data": {"content": "second"}},
        )
        assert await refusal(again) == (400, 40060)


async def test_a_token_dies_after_fifteen_minutes(fake_discord: FakeDiscord) -> None:
    async with connected(fake_discord) as client:
        invocation, interaction = await asked(fake_discord, client)
        await interaction.response.defer(thinking=True)
        fake_discord.advance(14 * 60)
        await interaction.edit_original_response(content="in time")
        fake_discord.advance(61)
        assert await refusal(interaction.edit_original_response(content="late")) == (401, 50027)
        assert await refusal(interaction.followup.send("late")) == (401, 50027)
        assert invocation.original is not None
        assert invocation.original.content == "in time"


async def test_follow_ups_are_sent_edited_fetched_and_deleted(fake_discord: FakeDiscord) -> None:
    async with connected(fake_discord) as client:
        invocation, interaction = await asked(fake_discord, client)
        await interaction.response.send_message("first", ephemeral=True)
        sent = await interaction.followup.send("second", ephemeral=True, wait=True)
        await sent.edit(content="second, edited")
        assert [seen.content for seen in invocation.follow_ups] == ["second, edited"]
        assert (await interaction.original_response()).content == "first"
        await sent.delete()
        await interaction.delete_original_response()
        assert (invocation.follow_ups, invocation.original) == ([], None)
        assert await refusal(interaction.edit_original_response(content="gone")) == (404, 10008)
        outside = client.get_partial_messageable(interaction.channel_id or 0).fetch_message(sent.id)
        assert await refusal(outside) == (404, 10008)


# -- limits and faults


async def test_a_bucket_makes_discord_py_wait_and_is_never_overrun(room: Room) -> None:
    room.fake.rate_limits.limit("POST", MESSAGES, 2, 0.2)
    for number in range(5):
        await room.place.send(str(number))
    assert room.fake.rate_limits.refused == 0
    assert len(room.fake.messages(room.channel)) == 5


async def test_realistic_limits_refuse_the_sixth_message_in_five_seconds(room: Room) -> None:
    room.fake.rate_limits.realistic()
    url = f"{room.fake.api_base}/channels/{room.channel.id}/messages"
    headers = {"Authorization": f"Bot {room.fake.token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for left in (4, 3, 2, 1, 0):
            async with http.post(url, json={"content": "a"}) as answer:
                assert answer.headers["X-RateLimit-Remaining"] == str(left)
        async with http.post(url, json={"content": "a"}) as answer:
            assert answer.status == 429
            assert answer.headers["Via"]
            assert 0 < (await answer.json())["retry_after"] <= 5
        room.fake.advance(5)
        async with http.post(url, json={"content": "a"}) as answer:
            assert answer.status == 200


async def test_a_429_is_waited_out_unless_it_looks_like_a_ban(room: Room) -> None:
    room.fake.faults.rate_limit("POST", MESSAGES, 0.05)
    await room.place.send("a")
    assert [call.status for call in room.fake.calls_to("POST", MESSAGES)] == [429, 200]
    room.fake.faults.rate_limit("POST", MESSAGES, 0.05, via=False)
    assert await refusal(room.place.send("a")) == (429, 0)


async def test_a_fault_strikes_before_or_after_the_effect(room: Room) -> None:
    room.fake.faults.fail("POST", MESSAGES, 503)
    assert await refusal(room.place.send("a", nonce="1")) == (503, 0)
    assert room.fake.messages(room.channel) == []
    room.fake.faults.fail("POST", MESSAGES, 503, after_effect=True)
    assert await refusal(room.place.send("a", nonce="1")) == (503, 0)
    assert len(room.fake.messages(room.channel)) == 1


async def test_a_message_whose_answer_was_lost_is_found_by_its_nonce(room: Room) -> None:
    room.fake.faults.drop("POST", MESSAGES, after_effect=True)
    with pytest.raises(aiohttp.ClientError):
        await room.place.send("a", nonce="1")
    assert room.fake.calls_to("POST", MESSAGES)[0].status == -1
    found = await room.place.send("a", nonce="1")
    assert [seen.id for seen in room.fake.messages(room.channel)] == [found.id]


async def test_a_connection_dropped_before_its_effect_leaves_nothing(room: Room) -> None:
    room.fake.faults.drop("POST", MESSAGES)
    with pytest.raises(aiohttp.ClientError):
        await room.place.send("a")
    assert room.fake.messages(room.channel) == []


async def test_a_request_can_be_held(room: Room, fake_discord: FakeDiscord) -> None:
    hold = fake_discord.faults.hold("POST", MESSAGES, after_effect=True)
    sending = asyncio.create_task(room.place.send("a"))
    await hold.arrived()
    assert len(fake_discord.messages(room.channel)) == 1
    assert not sending.done()
    hold.release()
    await sending


async def test_files_on_the_cdn_can_fail_too(room: Room) -> None:
    sent = await room.place.send(file=file())
    room.fake.faults.fail("GET", "/attachments/*", 500)
    with pytest.raises(discord.HTTPException):
        await sent.attachments[0].read()
    await sent.attachments[0].read()


async def test_commands_keep_their_ids_over_a_sync(room: Room) -> None:
    http = room.client.http
    first = await http.bulk_upsert_global_commands(room.fake.application_id, [{"name": "a", "description": "A"}])
    second = await http.bulk_upsert_global_commands(room.fake.application_id, [{"name": "a", "description": "B"}])
    assert first[0]["id"] == second[0]["id"]
    assert [command["description"] for command in await http.get_global_commands(room.fake.application_id)] == ["B"]
    assert len(room.fake.syncs) == 2
