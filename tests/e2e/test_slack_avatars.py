"""Avatars of people whom a prompt mentions: only where operator, workspace and they themselves let them along."""

from collections.abc import AsyncIterator

import pytest

from adapters.slack.settings import Settings, TeamSettings
from tests.e2e.slack_world import World, open_world
from tests.fakes.provider import png
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.model import User

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]
pytestmark = pytest.mark.lasting_keys("imagine:1:slack:settings:", "imagine:1:avatars:")


@pytest.fixture
async def open_to_avatars(fake_slack: FakeSlack, redis_url: str) -> AsyncIterator[World]:
    """A workspace that lets avatars along, and so does the operator."""
    world = await open_world(fake_slack, redis_url, avatars=True)
    await switch_on(world)
    yield world
    await world.bot.close()
    assert not fake_slack.violations
    assert not fake_slack.pings


async def switch_on(world: World) -> None:
    await Settings(world.bot.core.redis).change(world.team.id, TeamSettings(avatars=True))


def said(world: World) -> list[str]:
    """All that stands in the channel and its threads."""
    return [shown.text for shown in world.fake.everything(world.alice, world.channel)]


def bob_of(world: World) -> User:
    bob = world.fake.person(world.team, "bob")
    bob.avatar = png("red")
    return bob


async def test_somebody_who_is_mentioned_brings_their_avatar(open_to_avatars: World) -> None:
    world, bob = open_to_avatars, bob_of(open_to_avatars)
    await world.fake.mention(world.alice, world.channel, f"{bob.at} as a knight")
    (picture,) = await world.pictures()
    assert "Using: avatar of bob." in picture.text
    assert [upload.data for upload in world.bot.images.uploads] == [png("red")]
    assert world.bot.images.made[0][1].prompt == "bob as a knight"


async def test_a_mention_is_a_name_where_avatars_are_off(world: World) -> None:
    bob = bob_of(world)
    await switch_on(world)
    await world.fake.mention(world.alice, world.channel, f"{bob.at} as a knight")
    (picture,) = await world.pictures()
    assert "avatar" not in picture.text
    assert world.bot.images.uploads == []
    assert world.bot.images.made[0][1].prompt == "bob as a knight"


async def test_nobody_works_from_the_avatar_of_somebody_who_refuses(open_to_avatars: World) -> None:
    world, bob = open_to_avatars, bob_of(open_to_avatars)
    world.fake.invite(world.channel, bob)
    await world.imagine("avatar off", by=bob)
    await world.quiet()
    await world.fake.mention(world.alice, world.channel, f"{bob.at} as a knight")
    (picture,) = await world.pictures()
    assert "Left out avatar of bob: they do not want it" in picture.text
    assert world.bot.images.uploads == []
    await world.imagine("avatar on", by=bob)
    await world.fake.mention(world.alice, world.channel, f"{bob.at} as a queen")
    await world.pictures(2)
    assert len(world.bot.images.uploads) == 1


async def test_who_refuses_afterwards_is_left_out_when_it_is_asked_again(open_to_avatars: World) -> None:
    world, bob = open_to_avatars, bob_of(open_to_avatars)
    world.fake.invite(world.channel, bob)
    await world.fake.mention(world.alice, world.channel, f"{bob.at} as a knight")
    (picture,) = await world.pictures()
    await world.imagine("avatar off", by=bob)
    await world.quiet()
    await world.fake.press(world.alice, picture.button("Again"))
    await world.until(lambda: "Left out avatar of bob: they do not want it" in str(said(world)))
    await world.quiet()
    assert len(world.bot.images.made) == 1


async def test_an_avatar_that_cannot_be_had_is_never_replaced_by_another_ones(open_to_avatars: World) -> None:
    world, bob = open_to_avatars, bob_of(open_to_avatars)
    await world.fake.mention(world.alice, world.channel, f"{bob.at} as a knight")
    await world.pictures()
    ann = world.fake.person(world.team, "ann")
    ann.avatar = b"no picture"
    await world.fake.mention(world.alice, world.channel, f"{ann.at} as a queen")
    await world.until(lambda: "Left out avatar of ann" in str(said(world)))
    await world.quiet()
    assert len(world.bot.images.made) == 1, "bob's face is not ann's"


async def test_somebody_without_an_avatar_of_their_own_is_said_to_have_none(open_to_avatars: World) -> None:
    world = open_to_avatars
    eve = world.fake.person(world.team, "eve")
    await world.fake.mention(world.alice, world.channel, f"{eve.at} as a knight")
    (picture,) = await world.pictures()
    assert "Left out avatar of eve: there is none." in picture.text
