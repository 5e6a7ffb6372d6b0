"""Discord, wired."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from discord import LoginFailure

from adapters.discord.addresses import use_addresses
from adapters.discord.gateway import DiscordGateway, GatewayStopped
from adapters.discord.start import make_gateway, open_chat
from bot.platforms.parts import Parts, cipher
from bot.settings import SetupError
from core.background import stop
from core.ports import ChatPlatform


@asynccontextmanager
async def open_discord(parts: Parts, platforms: dict[str, ChatPlatform], *, listens: bool) -> AsyncIterator[list[str]]:
    """Discord to post to and, where the role listens, its gateway to hear from."""
    settings, core = parts.settings, parts.core
    token = settings.discord_token.get_secret_value() if settings.discord_token else ""
    use_addresses(settings.discord_api_base, settings.discord_gateway_url)
    async with AsyncExitStack() as stack:
        try:
            chat = await stack.enter_async_context(
                open_chat(
                    token,
                    core.redis,
                    core.workshop,
                    parts.fetcher,
                    core.services,
                    encryption=cipher(settings, token),
                    conversation_ttl=core.turns.ttl,
                    cdn_hosts=settings.discord_cdn_hosts,
                    message_content=settings.discord_message_content,
                )
            )
        except LoginFailure as error:
            raise SetupError(
                "Discord does not take DISCORD_TOKEN. Copy a fresh one: developer portal, your app, Bot, Reset Token."
            ) from error
        platforms["discord"] = chat
        if not listens:
            yield []
            return
        gateway = make_gateway(chat, core.intake, core.conversations, avatars=settings.avatars)
        hearing = asyncio.create_task(_hear(gateway, parts))
        try:
            yield ["Listening on Discord."]
        finally:
            await stop(hearing, again_after=10.0)


async def _hear(gateway: DiscordGateway, parts: Parts) -> None:
    try:
        await gateway.run()
    except GatewayStopped as stopped:
        parts.stop(str(stopped))
