"""A whole bot on a Discord of loopback: the real core and adapter, a service and people whom tests direct."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from simcord.backend.models import Channel, Guild

from adapters.discord.gateway import DiscordGateway
from adapters.discord.outgoing import DiscordChat
from adapters.discord.start import make_gateway, open_chat
from bot.wiring import Core, CoreSettings, open_core
from core.background import stop
from core.fetching import Fetcher
from core.ports import ChatPlatform
from core.services import Services
from core.turns import Node, ThreadKey
from tests.conftest import wait_until
from tests.fakes.discord import FakeDiscord, Invocation, Person, Seen
from tests.fakes.provider import FakeImages

SETTINGS = CoreSettings(default_model="m1", drain=1.0, slots=40, daily_cap=10**9)
KEY = Fernet.generate_key()


@dataclass
class Bot:
    """One process of ours: a worker, a gateway, or both."""

    fake: FakeDiscord
    redis_url: str
    images: FakeImages
    settings: CoreSettings = SETTINGS
    message_content: bool = True
    shards: int | None = None
    edit_seconds: float = 0.05
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    core: Core = field(init=False)
    chat: DiscordChat = field(init=False)
    gateway: DiscordGateway = field(init=False)
    hearing: "asyncio.Task[None] | None" = None

    async def open(self, *, working: bool = True, hearing: bool = True) -> Self:
        fetcher = await self.stack.enter_async_context(Fetcher())
        platforms: dict[str, ChatPlatform] = {}
        self.core = await self.stack.enter_async_context(
            open_core(self.redis_url, Services([self.images]), platforms, fetcher, self.settings)
        )
        self.chat = await self.stack.enter_async_context(
            open_chat(
                self.fake.token,
                self.core.redis,
                self.core.workshop,
                fetcher,
                self.core.services,
                encryption=Fernet(KEY),
                conversation_ttl=self.settings.conversation_ttl,
                cdn_hosts=(urlsplit(self.fake.cdn_base).netloc,),
                message_content=self.message_content,
                edit_seconds=self.edit_seconds,
            )
        )
        platforms["discord"] = self.chat
        self.gateway = make_gateway(
            self.chat, self.core.intake, self.core.conversations, shards=self.shards, cdn=self.fake.cdn_base
        )
        if working:
            await self.stack.enter_async_context(self.core.working())
        if hearing:
            await self.hear()
        return self

    async def hear(self) -> None:
        self.hearing = asyncio.create_task(self.gateway.run())
        await self.fake.until(self._heard, what="the gateway to be ready")

    def _heard(self) -> bool:
        if self.hearing and self.hearing.done():
            self.hearing.result()
        return bool(self.gateway.shards) and self.gateway.ready and self._registered()

    def _registered(self) -> bool:
        return self.fake.world.find_command("imagine", None, 1) is not None

    async def deafen(self) -> None:
        """Stop the gateway as a deploy does."""
        if self.hearing:
            await stop(self.hearing)
            self.hearing = None

    async def close(self) -> None:
        await self.deafen()
        await self.stack.aclose()
        self.stack = AsyncExitStack()


@dataclass
class Server:
    """A server with a channel and a person, and what tests ask of them."""

    fake: FakeDiscord
    bot: Bot
    guild: Guild
    channel: Channel
    alice: Person

    def thread(self) -> Channel:
        """The only thread of the channel."""
        (thread,) = self.fake.threads(self.channel)
        return thread

    async def pictures(self, channel: Channel, count: int = 1, timeout: float = 10) -> list[Seen]:
        """The messages of ours with pictures, once there are so many."""

        def posted() -> list[Seen]:
            ours = [seen for seen in self.fake.messages(channel) if seen.author_id == self.fake.bot.id and seen.files]
            return ours if len(ours) >= count else []

        return await self.fake.until(posted, timeout, what=f"{count} pictures")

    async def message(self, channel: Channel, wanted: Callable[[Seen], bool]) -> Seen:
        """The first message that is as wanted, once there is one."""
        found = await self.fake.until(lambda: list(filter(wanted, self.fake.messages(channel))), 20)
        return found[0]

    async def opened(self) -> Channel:
        """The thread of the channel, once it is open."""
        threads = await self.fake.until(lambda: self.fake.threads(self.channel))
        return threads[0]

    def has_threads(self, count: int) -> bool:
        return len(self.fake.threads(self.channel)) == count

    async def imagine(
        self, prompt: str = "a fox in the snow", *, by: Person | None = None, **options: Any
    ) -> Invocation:
        """Ask with the slash command, and wait for the answer."""
        asked = await (by or self.alice).slash(self.channel, "imagine", {"prompt": prompt, **options})
        return await asked.answered()

    async def first_picture(self, prompt: str = "a fox in the snow", **options: Any) -> Seen:
        """A picture in a thread of its own, from nothing."""
        known = {thread.id for thread in self.fake.threads(self.channel)}
        await self.imagine(prompt, **options)
        thread = await self.fake.until(
            lambda: next((t for t in self.fake.threads(self.channel) if t.id not in known), None), what="a thread"
        )
        assert thread is not None
        return (await self.pictures(thread))[-1]

    def key(self) -> ThreadKey:
        """The conversation of the only thread."""
        return ThreadKey("discord", str(self.guild.id), str(self.channel.id), str(self.thread().id))

    async def node_of(self, seen: Seen) -> Node:
        """The finished turn that a message shows."""
        image = await self.bot.core.conversations.find(self.key(), str(seen.id))
        assert image is not None
        node = await self.bot.core.conversations.node(self.key(), image.node)
        assert node is not None
        return node

    async def quiet(self, timeout: float = 20) -> None:
        """Wait until no turn is under way."""

        async def idle() -> bool:
            return await self.bot.core.turns.count_open() == 0

        await wait_until(idle, timeout)


async def open_server(fake: FakeDiscord, redis_url: str, images: FakeImages | None = None, **options: Any) -> Server:
    """A server that the bot is in, with the bot at work."""
    guild = fake.guild("Studio")
    channel = fake.channel(guild, "pictures")
    alice = fake.person("alice", guild)
    bot = await Bot(fake, redis_url, images or FakeImages(), **options).open()
    return Server(fake, bot, guild, channel, alice)
