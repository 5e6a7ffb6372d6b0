"""Discord, over its double on loopback, and a person at it."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from redis.asyncio import Redis
from simcord.backend.models import Channel

from adapters.discord.gateway import DiscordGateway
from adapters.discord.outgoing import DiscordChat
from adapters.discord.start import make_gateway, open_chat
from core.background import stop
from core.conversation import Conversations
from core.fetching import Fetcher
from core.intake import Intake
from core.pictures.workshop import PictureWorkshop
from core.turns import Reference, ThreadKey
from tests.contracts.seen import Harness, Picture, Seen
from tests.fakes import discord as fakes
from tests.fakes.discord import FakeDiscord, Person, Upload, pointed_at
from tests.fakes.intake import FakeIntake
from tests.fakes.provider import FakeImages

_ESCAPED = re.compile(r"\\([\\*_~|`<>\[\]#])")
_THREAD_STARTER = 21


class DiscordHarness:
    """One server with one channel, where Alice is."""

    def __init__(self, fake: FakeDiscord, chat: DiscordChat, gateway: DiscordGateway, intake: FakeIntake) -> None:
        self.chat = chat
        self.intake = intake
        self._fake = fake
        self._gateway = gateway
        self._guild = fake.guild("Studio")
        self._channel = fake.channel(self._guild, "pictures")
        self._alice: Person = fake.person("alice", self._guild)
        self._told: dict[str, Mapping[str, Any]] = {}
        self._latest: list[tuple[str, Mapping[str, Any]]] = []
        fake.world.subscribers.append(lambda name, payload: self._latest.append((name, payload)))

    async def imagine(self, text: str, event: str) -> None:
        if event in self._told:
            before = len(self.intake.offered)
            self._fake.world.emit("INTERACTION_CREATE", self._told[event])
            await self._fake.until(lambda: len(self.intake.offered) > before)
            return
        asked = await self._alice.slash(self._channel, "imagine", {"prompt": text})
        self._told[event] = next(payload for name, payload in reversed(self._latest) if name == "INTERACTION_CREATE")
        await asked.answered()

    async def attach(self, data: bytes, name: str) -> Reference:
        self._alice.send(self._channel, f"<@{self._fake.bot.id}> this, at night", files=[Upload(name, data)])
        await self._fake.until(lambda: self.intake.turns)
        return self.intake.only.references[0]

    async def seen(self, thread: ThreadKey) -> Sequence[Seen]:
        root = self._fake.messages(self._channel)
        replies = []
        if thread.thread:
            root = [message for message in root if str(message.id) == thread.thread]
            replies = self._fake.messages(self._place(thread.thread))
        return [_seen(message) for message in (*root, *replies) if message.type != _THREAD_STARTER]

    async def echo(self, thread: ThreadKey) -> None:
        """Discord tells a bot of its own messages unasked; what it told has to have been heard by now."""
        await asyncio.sleep(0)

    def _place(self, channel: str) -> Channel:
        return self._fake.world.get_channel(int(channel))


def _seen(message: fakes.Seen) -> Seen:
    shown = _ESCAPED.sub(r"\1", message.content).replace("\u200b", "")
    pictures = tuple(Picture(file.data, file.alt or "") for file in message.files)
    return Seen(str(message.id), shown, pictures, tuple(map(str, message.pings)))


@asynccontextmanager
async def open_discord(redis: Redis, directory: Path) -> AsyncIterator[Harness]:
    """Discord."""
    del directory
    async with AsyncExitStack() as stack:
        fake = await stack.enter_async_context(FakeDiscord())
        stack.enter_context(pointed_at(fake))
        fetcher = await stack.enter_async_context(Fetcher())
        workshop = await stack.enter_async_context(PictureWorkshop())
        chat = await stack.enter_async_context(
            open_chat(
                fake.token,
                redis,
                workshop,
                fetcher,
                FakeImages(),
                encryption=Fernet(Fernet.generate_key()),
                conversation_ttl=60,
                cdn_hosts=(urlsplit(fake.cdn_base).netloc,),
                message_content=True,
                edit_seconds=0.05,
            )
        )
        intake = FakeIntake()
        gateway = make_gateway(chat, cast("Intake", _Door(intake)), Conversations(redis, ttl=60), cdn=fake.cdn_base)
        harness = DiscordHarness(fake, chat, gateway, intake)
        hearing = asyncio.create_task(gateway.run())
        try:
            await fake.until(lambda: gateway.shards and gateway.ready and fake.world.find_command("imagine", None, 1))
            yield harness
        finally:
            await stop(hearing)
        assert not fake.violations, fake.violations


class _Door:
    """A `FakeIntake` with the limits that commands are registered with."""

    def __init__(self, intake: FakeIntake) -> None:
        self.accept, self.cancel = intake.accept, intake.cancel
        self.usual, self.current, self.renewed = intake.usual, intake.current, intake.renewed
        self.limits = _Limits()


class _Limits:
    most_images = 4
    default_model = "m1"
