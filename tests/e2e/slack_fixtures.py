"""The fixtures of the Slack stories."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.slack_world import World, open_world
from tests.fakes.slack import FakeSlack


@pytest.fixture
async def world(fake_slack: FakeSlack, redis_url: str) -> AsyncIterator[World]:
    """A workspace that the bot is in. Nothing that it sends may be what Slack refuses or advises against."""
    world = await open_world(fake_slack, redis_url)
    yield world
    await world.bot.close()
    assert not fake_slack.violations
    assert not fake_slack.pings
