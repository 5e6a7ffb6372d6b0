"""Channels that do not want us, workspaces without room, and people who have gone."""

import pytest
from redis.asyncio import Redis

from core import delivery
from core.pictures import Picture
from core.pictures.workshop import PictureWorkshop, WorkshopUnavailable
from core.replies import say
from core.statuses import Output
from tests.e2e.slack_world import World, open_world
from tests.fakes.picture_files import noise, packed, real_files
from tests.fakes.provider import FakeImages, png
from tests.fakes.slack import FakeSlack, Upload
from tests.fakes.slack.text import readable

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]

UNSHOWN = (
    "I could not show “a fox in the snow”: neither the place where it was asked for nor your direct messages take "
    "anything from me. /invite me to the channel, or ask in another one."
)


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


class LargePictures(FakeImages):
    """A service whose pictures have some megabytes."""

    async def download(self, output: Output) -> bytes:
        return packed(noise(750, 750), "PNG")


async def test_a_workspace_that_takes_no_large_files_gets_a_smaller_picture(
    fake_slack: FakeSlack, redis_url: str
) -> None:
    world = await open_world(fake_slack, redis_url, images=LargePictures())
    world.team.max_file_bytes = 1_200_000
    picture = await world.first_picture()
    (data,) = picture.pictures
    assert 100_000 < len(data) <= 1024 * 1024
    assert say("en", "slack.smaller") in picture.text
    await world.bot.close()


async def test_a_picture_that_cannot_be_made_smaller_is_told_of_and_led_to(
    fake_slack: FakeSlack, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(workshop: PictureWorkshop, picture: Picture, max_bytes: int) -> Picture:
        raise WorkshopUnavailable

    monkeypatch.setattr(PictureWorkshop, "fit_for_post", away)
    monkeypatch.setattr(delivery, "MOST_FETCHES", 2)
    world = await open_world(fake_slack, redis_url, images=LargePictures())
    world.team.max_file_bytes = 1_200_000
    await world.imagine()
    await world.quiet()
    (told,) = [s for s in world.fake.everything(world.alice, world.channel) if s.message.is_reply]
    assert say("en", "note.unfit") in told.text
    assert "https://store/result-1" in str(told.message.blocks)
    assert [button.label for button in told.buttons] == ["Again"]
    assert told.pictures == []
    await world.bot.close()


async def test_a_workspace_that_takes_no_files_of_any_size_is_told_so(world: World) -> None:
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
    assert world.whispers() == [UNSHOWN]
    assert len(world.fake.calls("response_url")) == 1


async def test_a_picture_that_no_place_takes_is_told_of_where_it_was_asked(world: World) -> None:
    world.bot.images.held = True
    await world.imagine()
    await world.until(lambda: world.bot.images.sent)
    world.fake.archive(world.channel)
    world.fake.fail("conversations.open", error="cannot_dm_bot", times=9)
    world.bot.images.release.set()
    await world.quiet()
    assert world.whispers() == [UNSHOWN], "said once, with what to do about it"
    assert world.fake.pictures(world.alice, world.channel) == []


def nowhere(world: World) -> None:
    """From now on neither the channel nor the person's own messages take anything of ours."""
    world.fake.archive(world.channel)
    world.fake.fail("conversations.open", error="cannot_dm_bot", times=99)


async def test_a_button_that_no_place_takes_the_picture_of_is_answered(world: World) -> None:
    first = await world.first_picture()
    nowhere(world)
    await world.fake.press(world.alice, first.button("Again"))
    await world.until(world.whispers, "a word")
    await world.quiet()
    assert world.whispers() == [UNSHOWN]


async def test_a_form_behind_a_button_that_no_place_takes_the_picture_of_is_answered(world: World) -> None:
    first = await world.first_picture()
    await world.fake.press(world.alice, first.button("Edit"))
    nowhere(world)
    await world.fake.submit(world.alice, {"prompt": "a fox in the snow"})
    await world.until(world.whispers, "a word")
    await world.quiet()
    assert world.whispers() == [UNSHOWN]


async def test_a_shortcut_of_a_message_whose_picture_no_place_takes_is_answered(world: World) -> None:
    photo = await world.fake.message(world.alice, world.channel, "my cat", files=[Upload("cat.png", png("red"))])
    await world.fake.message_shortcut(world.alice, photo, "use_as_reference")
    nowhere(world)
    await world.fake.submit(world.alice, {"prompt": "a fox in the snow"})
    await world.until(world.whispers, "a word")
    await world.quiet()
    assert world.whispers() == [UNSHOWN]


async def test_a_form_from_anywhere_whose_picture_no_place_takes_is_answered_in_the_channel_chosen(
    world: World,
) -> None:
    nowhere(world)
    await world.fake.shortcut(world.alice, "imagine")
    await world.fake.submit(world.alice, {"prompt": "a fox in the snow", "channel": world.channel.id})
    await world.until(world.whispers, "a word")
    await world.quiet()
    assert world.whispers() == [UNSHOWN]


async def test_a_mention_that_no_place_takes_the_picture_of_is_told_of_in_home(world: World) -> None:
    world.bot.images.held = True
    await world.fake.mention(world.alice, world.channel, "a fox in the snow")
    await world.until(lambda: world.bot.images.sent)
    nowhere(world)
    world.fake.fail("chat.postEphemeral", error="is_archived")
    world.bot.images.release.set()
    await world.quiet()
    assert world.whispers() == []
    await world.fake.open_home(world.alice)
    await world.until(lambda: world.fake.home(world.alice))
    home = world.fake.home(world.alice)
    assert home is not None
    assert UNSHOWN in readable(home.blocks)


async def test_a_mention_that_only_whispers_reach_is_whispered_to(world: World) -> None:
    world.bot.images.held = True
    await world.fake.mention(world.alice, world.channel, "a fox in the snow")
    await world.until(lambda: world.bot.images.sent)
    world.fake.fail("chat.update", error="restricted_action", times=99)
    world.fake.fail("conversations.open", error="cannot_dm_bot", times=99)
    world.bot.images.release.set()
    await world.quiet()
    assert world.whispers() == [UNSHOWN]


async def test_a_picture_that_slack_does_not_take_ends_in_a_word(world: World) -> None:
    world.fake.fail("files.completeUploadExternal", error="restricted_action", times=9)
    await world.imagine()
    await world.quiet()
    (told,) = [s for s in world.fake.everything(world.alice, world.channel) if s.message.is_reply]
    assert "Slack does not take it. Press Again" in told.text
    assert [button.label for button in told.buttons] == ["Again"]


async def test_a_picture_that_cannot_be_uploaded_from_a_channel_that_has_gone_is_told_of_directly(
    world: World,
) -> None:
    world.bot.images.held = True
    await world.imagine()
    await world.until(lambda: world.bot.images.sent)
    world.fake.archive(world.channel)
    world.team.storage_full = True
    world.bot.images.release.set()
    await world.quiet()
    (told,) = world.fake.channel(world.alice, world.fake.dm(world.alice))
    assert "its storage is full" in told.text


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


async def test_an_announcement_that_is_deleted_from_a_channel_that_closes_is_gone_on_from_directly(
    world: World,
) -> None:
    world.bot.images.held = True
    await world.imagine()
    await world.until(lambda: world.bot.images.sent)
    (announced,) = [s for s in world.fake.everything(world.alice, world.channel) if s.buttons]
    await world.fake.delete(announced.message)
    world.fake.archive(world.channel)
    world.fake.fail("chat.update", error="message_not_found")
    world.bot.images.release.set()
    (picture,) = await world.pictures(1, world.fake.dm(world.alice))
    assert picture.pictures == [png()]


@pytest.mark.parametrize("when", ["announced", "posted"])
async def test_what_slack_refuses_for_a_reason_of_its_own_is_said(world: World, when: str) -> None:
    if when == "announced":
        world.fake.fail("chat.postMessage", error="ekm_access_denied", times=9)
    else:
        world.fake.fail("chat.update", error="ekm_access_denied", times=9)
    await world.imagine()
    await world.until(world.whispers, "a word")
    await world.quiet()
    assert world.whispers() == [UNSHOWN]


async def test_a_permission_that_is_missing_to_post_is_named(world: World) -> None:
    token = world.fake.installation(world.team)
    assert token is not None
    token.scopes -= {"chat:write"}
    await world.imagine()
    await world.until(world.whispers, "a word")
    await world.quiet()
    assert world.whispers() == [say("en", "slack.missing_scope", scope="chat:write")]
