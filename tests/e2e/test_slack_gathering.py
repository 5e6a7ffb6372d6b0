"""Pictures that people mean without attaching them, on Slack."""

from dataclasses import replace

import pytest

from tests.e2e.slack_world import SETTINGS, World, open_world
from tests.fakes.provider import png
from tests.fakes.slack import FakeSlack, Upload

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]

RED, BLUE = Upload("photo.png", png("red")), Upload("logo.png", png("blue"))
WATERCOLOUR = "this as a watercolour"


async def test_a_mention_in_a_photos_thread_works_from_the_photo(world: World) -> None:
    photo = await world.fake.message(world.alice, world.channel, "look", files=[RED])
    await world.fake.mention(world.alice, world.channel, "make it a winter scene", thread=photo)
    (picture,) = await world.pictures()
    assert "Using: photo.png, replied to." in picture.text
    assert [upload.data for upload in world.bot.images.uploads] == [png("red")]


async def test_a_thread_whose_first_message_cannot_be_read_is_drawn_from_the_words(world: World) -> None:
    photo = await world.fake.message(world.alice, world.channel, "look", files=[RED])
    world.fake.fail("conversations.replies", error="missing_scope", times=9)
    await world.fake.mention(world.alice, world.channel, "a winter scene", thread=photo)
    (picture,) = await world.pictures()
    assert "Using" not in picture.text
    assert world.bot.images.uploads == []


async def test_what_is_attached_is_numbered_before_the_threads_own(world: World) -> None:
    photo = await world.fake.message(world.alice, world.channel, "look", files=[RED])
    await world.fake.mention(world.alice, world.channel, "put image 1 on image 2", files=[BLUE], thread=photo)
    (picture,) = await world.pictures()
    assert "Using: logo.png (1), photo.png, replied to (2)." in picture.text


@pytest.mark.parametrize("way", ["command", "mention"])
async def test_this_is_the_newest_picture_of_the_channel(world: World, way: str) -> None:
    await world.fake.message(world.alice, world.channel, "older", files=[RED])
    await world.fake.message(world.alice, world.channel, "newer", files=[BLUE])
    await world.fake.message(world.alice, world.channel, "nice")
    if way == "command":
        await world.imagine(WATERCOLOUR)
    else:
        await world.fake.mention(world.alice, world.channel, WATERCOLOUR)
    (picture,) = await world.pictures()
    assert "Using: logo.png by " in picture.text
    assert [upload.data for upload in world.bot.images.uploads] == [png("blue")]


async def test_this_in_somebodys_thread_is_the_newest_picture_there(world: World) -> None:
    root = await world.fake.message(world.alice, world.channel, "let us talk")
    await world.fake.message(world.alice, world.channel, "here", files=[RED], thread=root)
    await world.fake.message(world.alice, world.channel, "elsewhere", files=[BLUE])
    await world.fake.mention(world.alice, world.channel, WATERCOLOUR, thread=root)
    (picture,) = await world.pictures()
    assert "Using: photo.png by " in picture.text


async def test_this_with_a_picture_attached_is_that_picture(world: World) -> None:
    await world.fake.message(world.alice, world.channel, "older", files=[RED])
    await world.fake.mention(world.alice, world.channel, WATERCOLOUR, files=[BLUE])
    (picture,) = await world.pictures()
    assert "Using: logo.png." in picture.text
    assert len(world.bot.images.made) == 1


async def test_this_without_a_picture_says_what_to_do_and_spends_nothing(world: World) -> None:
    await world.fake.mention(world.alice, world.channel, WATERCOLOUR)
    await world.until(world.whispers)
    assert "no picture here that you could mean" in world.whispers()[0]
    assert world.bot.images.sent == []


async def test_this_where_we_may_not_read_says_so(world: World) -> None:
    await world.fake.message(world.alice, world.channel, "older", files=[RED])
    world.fake.remove(world.channel)
    answer = await world.imagine(WATERCOLOUR)
    await world.until(answer.settled.is_set)
    assert "may not read along" in str(answer)
    assert world.bot.images.sent == []


async def test_no_history_is_read_where_nobody_points(world: World) -> None:
    await world.fake.message(world.alice, world.channel, "look", files=[RED])
    before = len(world.fake.requests)
    await world.imagine("a fox")
    (picture,) = await world.pictures()
    assert "Using" not in picture.text
    assert not {"conversations.history", "conversations.replies"} & set(world.methods(before))


async def test_what_was_meant_stays_when_the_words_are_changed(fake_slack: FakeSlack, redis_url: str) -> None:
    world = await open_world(fake_slack, redis_url, settings=replace(SETTINGS, requests_in_flight=1))
    world.bot.images.held = True
    await world.imagine("a fox")
    await world.until(lambda: world.bot.images.sent)
    await world.fake.message(world.alice, world.channel, "look", files=[RED])
    asked = await world.fake.mention(world.alice, world.channel, WATERCOLOUR)
    await world.until(lambda: "In line" in str([s.text for s in world.fake.everything(world.alice, world.channel)]))
    await world.fake.edit(asked, f"{world.team.bot.at} this as a woodcut")
    await world.until(lambda: all(delivery.settled.is_set() for delivery in world.fake.outbox.sent))
    world.bot.images.release.set()
    await world.pictures(2)
    assert world.bot.images.sent[-1].prompt == "this as a woodcut"
    assert len(world.bot.images.sent[-1].references) == 1
    await world.bot.close()
