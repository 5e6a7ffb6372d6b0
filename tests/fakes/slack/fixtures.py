"""The pytest fixture: name it with `pytest_plugins = ["tests.fakes.slack.fixtures"]`."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.slack.fake import FakeSlack


@pytest.fixture
async def fake_slack() -> AsyncIterator[FakeSlack]:
    """A running, empty Slack; stopped when the test ends."""
    async with FakeSlack() as fake:
        yield fake
