"""The fixture: a Discord that discord.py already points at, and that took offence at no request in the end."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.fakes.discord.server import FakeDiscord, pointed_at


@pytest_asyncio.fixture
async def fake_discord() -> AsyncIterator[FakeDiscord]:
    """A running FakeDiscord. The test fails at its end if a request broke Discord's API document.

    A test that breaks it on purpose empties `violations` itself.
    """
    async with FakeDiscord() as fake:
        with pointed_at(fake):
            yield fake
        assert not fake.violations, "\n".join(fake.violations)
