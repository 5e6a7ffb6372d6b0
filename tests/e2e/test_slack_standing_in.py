"""When the image service is down another one draws, and the conversation goes on."""

from collections.abc import AsyncIterator

import pytest

from adapters.slack.settings import Defaults, Settings
from core.choices import Choices
from core.errors import NotSent
from core.statuses import Failed, FailureReason
from core.turns import Person
from tests.e2e.slack_world import World, open_world
from tests.fakes.provider import FakeImages
from tests.fakes.slack import FakeSlack

pytest_plugins = ["tests.fakes.slack.fixtures"]
pytestmark = pytest.mark.lasting_keys("imagine:1:choices:")
ENDED = {"m2": ("2020-01-01", "m1")}
EMPTY = NotSent(Failed(FailureReason.NO_CREDIT))


@pytest.fixture
async def world(fake_slack: FakeSlack, redis_url: str) -> AsyncIterator[World]:
    """A workspace over two image services, of which the first has an empty account."""
    first = FakeImages(submits=[EMPTY])
    world = await open_world(fake_slack, redis_url, images=first, others=(FakeImages("second"),))
    yield world
    await world.bot.close()
    assert not fake_slack.violations


async def test_a_usual_model_that_has_ended_gives_way_unseen(fake_slack: FakeSlack, redis_url: str) -> None:
    world = await open_world(fake_slack, redis_url, images=FakeImages(ends=ENDED))
    alice = Person("slack", world.team.id, world.alice.id)
    await Settings(world.bot.core.redis).change_defaults(alice, Defaults(model="m2"))
    await world.first_picture()
    assert [job.model for job in world.bot.images.sent] == ["m1"]
    await world.bot.close()


async def test_a_persons_ended_model_gives_way_also_where_only_its_successor_is_allowed(
    fake_slack: FakeSlack, redis_url: str
) -> None:
    images = FakeImages(offered=("m1", "m2", "m3"), ends={"m2": ("2020-01-01", "m3")})
    world = await open_world(fake_slack, redis_url, images=images)
    alice = Person("slack", world.team.id, world.alice.id)
    await Settings(world.bot.core.redis).change_defaults(alice, Defaults(model="m2"))
    await world.bot.core.choices.change("slack", world.team.id, Choices(allowed=("m1", "m3")))
    await world.first_picture()
    assert [job.model for job in images.sent] == ["m3"]
    await world.bot.close()


async def test_another_service_draws_and_the_thread_goes_on(world: World) -> None:
    (other,) = world.bot.others
    shown = await world.first_picture()
    assert "another one makes this" in shown.text
    await world.reply("make it night", shown)
    await world.pictures(2)
    assert (len(world.bot.images.made), len(other.made)) == (0, 2)
    assert other.sent[-1].history
