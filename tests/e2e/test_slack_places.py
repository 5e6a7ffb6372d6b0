"""Channels that do not want us, workspaces without room, and people who have gone."""

import pytest
from redis.asyncio import Redis

from tests.e2e.slack_world import World
from tests.fakes.picture_files import real_files
from tests.fakes.provider import png
from tests.fakes.slack import Upload

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]


async def test_a_channel_that_we_are_not_in_gets_its_picture_directly(world: World) -> None:
    world.fake.remove(world.channel)
    await world.imagine()
    direct = world.fake.dm(world.alice)
    (picture,) = await world.pictures(1, direct)
    assert picture.pictures == [png()]


async def test_an_archived_channel_gets_its_picture_directly(world: World) -> None:
    world.bot.images.held = True
    await world.imagine()
    await world.until(lambda: world.bot.images.sent)
    world.fake.archive(world.channel)
    world.bot.images.release.set()
    direct = world.fake.dm(world.alice)
    (picture,) = await world.pictures(1, direct)
    assert picture.pictures == [png()]


async def test_a_bot_that_is_removed_meanwhile_still_delivers(world: World) -> None:
    private = world.fake.new_channel(world.team, "secret", [world.alice], private=True)
    world.bot.images.held = True
    await world.fake.slash(world.alice, private, "/imagine", "a fox")
    await world.until(lambda: world.bot.images.sent)
    world.fake.remove(private)
    world.bot.images.release.set()
    (picture,) = await world.pictures(1, world.fake.dm(world.alice))
    assert picture.pictures == [png()]


async def test_a_deleted_announcement_is_replaced_in_its_thread(world: World) -> None:
    world.bot.images.held = True
    await world.imagine()
    await world.until(lambda: world.bot.images.sent)
    (announced,) = [s for s in world.fake.everything(world.alice, world.channel) if s.buttons]
    await world.fake.delete(announced.message)
    world.bot.images.release.set()
    (picture,) = await world.pictures()
    assert picture.message.thread_ts == world.root().ts


async def test_somebody_who_was_deactivated_ends_their_turn_quietly(world: World) -> None:
    world.fake.remove(world.channel)
    world.bot.images.held = True
    await world.fake.slash(world.alice, world.channel, "/imagine", "a fox --private")
    world.fake.deactivate(world.alice)
    world.bot.images.release.set()
    await world.quiet()


async def test_a_workspace_that_takes_no_large_files_gets_a_smaller_picture(world: World) -> None:
    world.team.max_file_bytes = 100
    await world.imagine()
    await world.quiet()
    (told,) = [s for s in world.fake.everything(world.alice, world.channel) if s.message.is_reply]
    assert "takes no more files" in told.text


async def test_a_workspace_without_room_is_told_so(world: World) -> None:
    world.team.storage_full = True
    await world.imagine()
    await world.quiet()
    (told,) = [s for s in world.fake.everything(world.alice, world.channel) if s.message.is_reply]
    assert "its storage is full" in told.text
    assert told.button("Again").label == "Again"


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_too_long"])
async def test_a_message_that_slack_finds_malformed_is_said_in_plain_words(world: World, code: str) -> None:
    world.fake.fail("chat.update", error=code)
    picture = await world.first_picture()
    assert picture.pictures == [png()]


async def test_a_login_page_in_place_of_a_picture_names_the_missing_scope(world: World) -> None:
    token = world.fake.installation(world.team)
    assert token is not None
    token.scopes = token.scopes - {"files:read"}
    await world.fake.mention(world.alice, world.channel, "this at night", files=[Upload("cat.png", png())])
    await world.quiet()
    told = [s.text for s in world.fake.everything(world.alice, world.channel) if world.ours(s)]
    assert "lacks the permission to read files" in told[-1]


async def test_references_of_all_kinds_are_used_or_named(world: World) -> None:
    await world.fake.mention(
        world.alice,
        world.channel,
        "these together",
        files=[
            Upload("IMG_0001.HEIC", real_files()["heic"]),
            Upload("notes.txt", b"not a picture"),
            Upload("drive.png", png(), remote=True),
        ],
    )
    (picture,) = await world.pictures()
    assert "Left out notes.txt: it is not a picture." in picture.text
    assert "Left out drive.png: it is kept outside Slack" in picture.text
    assert len(world.bot.images.uploads) == 1


async def test_files_of_shared_channels_are_asked_for(world: World) -> None:
    shared = world.fake.new_channel(world.team, "partners", [world.alice], shared=True)
    await world.fake.mention(world.alice, shared, "this at night", files=[Upload("cat.png", png("red"))])
    await world.pictures(1, shared)
    assert len(world.fake.calls("files.info")) == 1
    assert len(world.bot.images.uploads) == 1


async def test_the_token_is_not_taken_along_to_another_host(world: World) -> None:
    world.fake.files.redirect_to = "https://example.com/stolen"
    await world.fake.mention(world.alice, world.channel, "this at night", files=[Upload("cat.png", png("red"))])
    await world.quiet()
    told = [s.text for s in world.fake.everything(world.alice, world.channel) if world.ours(s)]
    assert "pictures from that address are not fetched here" in told[-1]


async def test_a_picture_that_had_to_move_says_why_it_is_there(world: World) -> None:
    world.bot.images.held = True
    await world.imagine()
    await world.until(lambda: world.bot.images.sent)
    world.fake.archive(world.channel)
    world.bot.images.release.set()
    (picture,) = await world.pictures(1, world.fake.dm(world.alice))
    assert "takes no messages of mine, so here it is." in picture.text
    assert picture.pictures == [png()]


async def test_a_command_that_no_place_takes_is_answered_where_it_was_typed(world: World) -> None:
    world.fake.remove(world.channel)
    world.fake.fail("conversations.open", error="cannot_dm_bot", times=9)
    await world.imagine()
    await world.until(world.whispers, "a word")
    await world.quiet()
    assert world.whispers() == ["Slack did not let me do that here. A workspace admin can look at my permissions."]
    assert len(world.fake.calls("response_url")) == 1


async def test_a_picture_that_no_place_takes_is_told_of_where_it_was_asked(world: World) -> None:
    world.bot.images.held = True
    await world.imagine()
    await world.until(lambda: world.bot.images.sent)
    world.fake.archive(world.channel)
    world.fake.fail("conversations.open", error="cannot_dm_bot", times=9)
    world.bot.images.release.set()
    await world.until(lambda: world.fake.calls("response_url"), "a word")
    await world.quiet()


async def test_the_address_of_a_command_is_kept_encrypted_and_not_for_long(world: World, redis: Redis) -> None:
    world.bot.images.held = True
    await world.imagine()
    await world.until(lambda: world.bot.images.sent)
    (name,) = await redis.keys("imagine:1:slack:response:*")
    assert 0 < await redis.ttl(name) <= 30 * 60
    everything = [await redis.get(one) for one in await redis.keys("*") if await redis.type(one) == b"string"]
    assert not any(b"/commands/" in value or b"response_url" in value for value in everything if value)
    assert world.fake.base_url.encode() not in (await redis.get(name) or b"")
    world.bot.images.release.set()
    await world.pictures()
