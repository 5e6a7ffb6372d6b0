"""A plain discord.py client for the fake's own tests: it keeps what it hears and decides nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
from discord import app_commands

from tests.fakes.discord.server import FakeDiscord


class Listener(discord.Client):
    """Everything said, edited, deleted and asked ends in its lists."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("intents", discord.Intents.default())
        super().__init__(guild_ready_timeout=0.05, **options)
        self.tree = app_commands.CommandTree(self)
        self.messages: list[discord.Message] = []
        self.interactions: list[discord.Interaction] = []
        self.events: list[str] = []

    async def on_message(self, message: discord.Message) -> None:
        """Keep it."""
        self.messages.append(message)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Keep it."""
        self.interactions.append(interaction)

    async def on_socket_event_type(self, event: str) -> None:
        """Keep its name."""
        self.events.append(event)

    @property
    def texts(self) -> list[str]:
        """What was said, in order."""
        return [message.content for message in self.messages]


@asynccontextmanager
async def connected(fake: FakeDiscord, client: Listener | None = None) -> AsyncIterator[Listener]:
    """A client that is ready; what ended its run before that is raised."""
    client = client or Listener()
    async with client:
        running = asyncio.create_task(client.start(fake.token))
        ready = asyncio.create_task(client.wait_until_ready())
        await asyncio.wait({running, ready}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        try:
            if not ready.done():
                ready.cancel()
                await running
            yield client
        finally:
            await client.close()
            await asyncio.gather(running, ready, return_exceptions=True)


@asynccontextmanager
async def logged_in(fake: FakeDiscord) -> AsyncIterator[discord.Client]:
    """A client with REST only."""
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login(fake.token)
        yield client
