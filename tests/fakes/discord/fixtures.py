"""The pytest fixture: name it with `pytest_plugins = ["tests.fakes.discord.fixtures"]`."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.discord.server import FakeDiscord, pointed_at


@pytest.fixture
async def fake_discord() -> AsyncIterator[FakeDiscord]:
    """A running FakeDiscord that discord.py points at; a request that broke the API document fails the test at its end.

    A test that breaks it on purpose empties `violations` itself.
    """
    async with FakeDiscord() as fake:
        with pointed_at(fake):
            yield fake
        assert not fake.violations, "\n".join(fake.violations)
