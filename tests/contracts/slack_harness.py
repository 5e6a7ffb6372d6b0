"""Slack, and a person there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis

from adapters.slack.outgoing import SlackChat
from adapters.slack.sockets import listening
from adapters.slack.start import SlackSetup, open_app, open_chat
from core.conversation import Conversations
from core.fetching import Fetcher
from core.library import Library
from core.pictures.workshop import PictureWorkshop
from core.styles import Styles
from core.turns import Reference, ThreadKey
from core.wording import Wording
from tests.contracts.seen import Harness, Picture, Seen
from tests.fakes.intake import FakeIntake
from tests.fakes.provider import FakeImages
from tests.fakes.slack import Channel, Delivery, FakeSlack, Shown, Upload, User

TTL = 3600


class SlackHarness:
    """A workspace with a channel and a person in it."""

    def __init__(self, fake: FakeSlack, channel: Channel, alice: User, chat: SlackChat, intake: FakeIntake) -> None:
        self._fake = fake
        self._channel = channel
        self._alice = alice
        self._told: dict[str, Delivery] = {}
        self.chat = chat
        self.intake = intake

    async def imagine(self, text: str, event: str) -> None:
        told = self._told.get(event)
        if told is None:
            self._told[event] = await self._fake.slash(self._alice, self._channel, "/imagine", text)
            return
        self._fake.outbox.again(told)
        await self._fake.wait_for(lambda: len(told.attempts) > 1 and told.attempts[-1].latency is not None)

    async def attach(self, data: bytes, name: str) -> Reference:
        await self._fake.mention(self._alice, self._channel, "this, at night", files=[Upload(name, data)])
        await self._fake.wait_for(lambda: self.intake.turns)
        return self.intake.only.references[0]

    async def seen(self, thread: ThreadKey) -> Sequence[Seen]:
        channel = self._alice.team.channels[thread.channel]
        shown = self._fake.thread(self._alice, thread.thread, channel)
        return [self._seen(one) for one in shown]

    async def echo(self, thread: ThreadKey) -> None:
        """Slack tells of every message, and told of these when they were posted; here it tells once more."""
        for delivery in self._fake.deliveries("message"):
            self._fake.outbox.again(delivery)
        await self._fake.wait_for(
            lambda: all(d.attempts[-1].latency is not None for d in self._fake.deliveries("message"))
        )

    def _seen(self, one: Shown) -> Seen:
        pings = tuple(ping.target for ping in self._fake.pings if ping.ts == one.ts)
        pictures = tuple(Picture(file.data or b"", file.alt) for file in one.files)
        return Seen(one.ts, one.text, pictures, pings)


@asynccontextmanager
async def open_slack(redis: Redis, directory: Path) -> AsyncIterator[Harness]:
    """Slack over its double, by Socket Mode."""
    del directory
    intake: Any = FakeIntake()
    async with AsyncExitStack() as stack:
        fake = await stack.enter_async_context(FakeSlack())
        team = fake.workspace("Acme")
        alice = fake.person(team, "alice")
        channel = fake.new_channel(team, "general", [alice])
        images = FakeImages()
        setup = SlackSetup(team.bot_token, None, fake.api_url, [urlsplit(fake.base_url).netloc])
        workshop = await stack.enter_async_context(PictureWorkshop())
        fetcher = await stack.enter_async_context(Fetcher())
        chat = await stack.enter_async_context(open_chat(setup, redis, workshop, fetcher, images, conversation_ttl=TTL))
        intake.wording = Wording(Library(redis, workshop), Styles(redis))
        app = open_app(chat, intake, Conversations(redis, ttl=TTL), default_model="m1")
        stack.push_async_callback(app.close)
        await stack.enter_async_context(listening(app, fake.app.app_token, connections=1))
        await fake.wait_for(lambda: fake.sockets.open)
        yield cast("Harness", SlackHarness(fake, channel, alice, chat, intake))
