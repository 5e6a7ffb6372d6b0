"""Opens the chat platforms whose settings are there: to post to, and, where the role listens, to hear from."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.platforms.discord import open_discord
from bot.platforms.parts import Parts
from bot.platforms.slack import open_slack
from bot.platforms.web import open_web
from core.ports import ChatPlatform


@asynccontextmanager
async def open_platforms(
    parts: Parts, platforms: dict[str, ChatPlatform], *, listens: frozenset[str]
) -> AsyncIterator[list[str]]:
    """Fill `platforms` with those that are switched on; gives a line for each that people can come to."""
    settings = parts.settings
    rows = (
        ("web", settings.web_on, open_web),
        ("discord", settings.discord_on, open_discord),
        ("slack", settings.slack_on, open_slack),
    )
    async with AsyncExitStack() as stack:
        places: list[str] = []
        for name, on, opening in rows:
            if on:
                places += await stack.enter_async_context(opening(parts, platforms, listens=name in listens))
        yield places
