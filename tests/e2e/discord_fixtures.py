"""The fixtures of the Discord stories."""

from collections.abc import AsyncIterator

import pytest

from adapters.discord import answers
from tests.e2e.discord_server import Server, open_server
from tests.fakes.discord import FakeDiscord


@pytest.fixture
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers come whole rather than after a placeholder, as fast as the machine may be."""
    monkeypatch.setattr(answers, "PROMPT_SECONDS", 1.0)


@pytest.fixture
async def server(fake_discord: FakeDiscord, redis_url: str, _unhurried: None) -> AsyncIterator[Server]:
    """A server that the bot is in, the message content intent granted."""
    server = await open_server(fake_discord, redis_url)
    yield server
    await server.bot.close()


@pytest.fixture
async def blind_server(fake_discord: FakeDiscord, redis_url: str, _unhurried: None) -> AsyncIterator[Server]:
    """The same without the message content intent."""
    fake_discord.message_content = False
    server = await open_server(fake_discord, redis_url, message_content=False)
    yield server
    await server.bot.close()
