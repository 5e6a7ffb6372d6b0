"""When the image service is down another one draws, and the conversation goes on."""

from collections.abc import AsyncIterator

import pytest

from core.errors import NotSent
from core.statuses import Failed, FailureReason
from tests.e2e.slack_world import World, open_world
from tests.fakes.provider import FakeImages
from tests.fakes.slack import FakeSlack

pytest_plugins = ["tests.fakes.slack.fixtures"]
EMPTY = NotSent(Failed(FailureReason.NO_CREDIT))


@pytest.fixture
async def world(fake_slack: FakeSlack, redis_url: str) -> AsyncIterator[World]:
    """A workspace over two image services, of which the first has an empty account."""
    first = FakeImages(submits=[EMPTY])
    world = await open_world(fake_slack, redis_url, images=first, others=(FakeImages("second"),))
    yield world
    await world.bot.close()
    assert not fake_slack.violations


async def test_another_service_draws_and_the_thread_goes_on(world: World) -> None:
    (other,) = world.bot.others
    shown = await world.first_picture()
    assert "another one makes this" in shown.text
    await world.reply("make it night", shown)
    await world.pictures(2)
    assert (len(world.bot.images.made), len(other.made)) == (0, 2)
    assert other.sent[-1].history
