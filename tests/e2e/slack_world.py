"""A whole bot on a Slack of loopback: the real core and adapter, a service and people whom tests direct."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from adapters.slack.app import SlackApp
from adapters.slack.http import EVENTS_PATH, REDIRECT_PATH, make_http
from adapters.slack.outgoing import SlackChat
from adapters.slack.sockets import listening
from adapters.slack.start import Client, SlackSetup, make_oauth, open_app, open_chat
from bot.health import listening as serving
from bot.wiring import Core, CoreSettings, open_core
from core.fetching import Fetcher
from core.ports import ChatPlatform
from core.services import Services
from tests.conftest import wait_until
from tests.fakes.provider import FakeImages
from tests.fakes.slack import Channel, FakeSlack, Message, Shown, User, Workspace

SETTINGS = CoreSettings(default_model="m1", drain=1.0, slots=20)


@dataclass
class Bot:
    """One process of the bot. `http` hears by signed HTTP, else by Socket Mode."""

    fake: FakeSlack
    redis_url: str
    images: FakeImages
    token: str = ""
    client: Client | None = None
    http: bool = False
    connections: int = 2
    public_url: str = ""
    avatars: bool = False
    settings: CoreSettings = SETTINGS
    others: tuple[FakeImages, ...] = ()
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    core: Core = field(init=False)
    chat: SlackChat = field(init=False)
    app: SlackApp = field(init=False)
    address: str = ""

    async def open(self, *, working: bool = True, hearing: bool = True) -> Self:
        platforms: dict[str, ChatPlatform] = {}
        fetcher = await self.stack.enter_async_context(Fetcher())
        services = Services([self.images, *self.others])
        self.core = await self.stack.enter_async_context(
            open_core(self.redis_url, services, platforms, fetcher, self.settings)
        )
        setup = SlackSetup(
            self.token,
            self.client,
            self.fake.api_url,
            [urlsplit(self.fake.base_url).netloc],
            [self.fake.base_url.partition("//")[2]],
        )
        self.chat = await self.stack.enter_async_context(
            open_chat(
                setup, self.core.redis, self.core.workshop, fetcher, services, conversation_ttl=self.core.turns.ttl
            )
        )
        platforms["slack"] = self.chat
        if working:
            await self.stack.enter_async_context(self.core.working())
        if hearing:
            await self._hear(setup)
        return self

    async def _hear(self, setup: SlackSetup) -> None:
        oauth = make_oauth(self.chat, setup, redirect_url=self.public_url and self.public_url + REDIRECT_PATH)
        self.app = open_app(
            self.chat,
            self.core.intake,
            self.core.conversations,
            default_model="m1",
            signing_secret=self.fake.app.signing_secret,
            oauth_flow=oauth,
            avatars=self.avatars,
        )
        self.stack.push_async_callback(self.app.close)
        if self.http:
            port = await self.stack.enter_async_context(serving(make_http(self.app, oauth), "127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{port}"
            self.fake.app.request_url = self.address + EVENTS_PATH
        else:
            before = len(self.fake.sockets.open)
            hear = listening(self.app, self.fake.app.app_token, connections=self.connections)
            await self.stack.enter_async_context(hear)
            await self.fake.wait_for(lambda: len(self.fake.sockets.open) >= before + self.connections, what="sockets")

    async def close(self) -> None:
        await self.stack.aclose()
        self.stack = AsyncExitStack()


@dataclass
class World:
    """A workspace with a channel and a person, and what tests ask of it."""

    fake: FakeSlack
    bot: Bot
    team: Workspace
    channel: Channel
    alice: User

    async def imagine(self, typed: str = "a fox in the snow", **options: Any) -> Any:
        return await self.fake.slash(options.get("by", self.alice), self.channel, "/imagine", typed)

    def root(self) -> Shown:
        """The only message of the channel itself."""
        (root,) = [shown for shown in self.fake.channel(self.alice, self.channel) if not shown.private]
        return root

    async def until(self, condition: Callable[[], Any], what: str = "") -> Any:
        await self.fake.wait_for(condition, timeout=15, what=what)
        return condition()

    async def pictures(self, count: int = 1, channel: Channel | None = None) -> list[Shown]:
        """The messages with pictures, once there are so many and everything has ended."""
        place = channel or self.channel

        def posted() -> list[Shown]:
            return [shown for shown in self.fake.everything(self.alice, place) if shown.pictures and self.ours(shown)]

        await self.until(lambda: len(posted()) >= count, f"{count} pictures")
        await self.quiet()
        return posted()

    def ours(self, shown: Shown) -> bool:
        return shown.message.user == self.team.bot_user_id

    async def first_picture(self, typed: str = "a fox in the snow") -> Shown:
        """A picture in a thread of its own, from nothing."""
        before = len([shown for shown in self.fake.everything(self.alice, self.channel) if shown.pictures])
        await self.imagine(typed)
        return (await self.pictures(before + 1))[-1]

    async def reply(self, typed: str, to: Shown | Message, **options: Any) -> Message:
        message = to.message if isinstance(to, Shown) else to
        return await self.fake.message(self.alice, message.channel, typed, thread=message, **options)

    async def quiet(self) -> None:
        """Wait until no turn is under way."""
        await self.until(lambda: all(delivery.settled.is_set() for delivery in self.fake.outbox.sent))

        async def idle() -> bool:
            return not await self.bot.core.turns.count_open()

        await wait_until(idle, timeout=20)

    def methods(self, since: int = 0) -> list[str]:
        """The Web API's methods that were called, but for who is who."""
        who = ("auth.test", "users.info", "apps.connections.open")
        return [request.method for request in self.fake.requests[since:] if request.method not in who]

    def whispers(self, channel: Channel | None = None) -> list[str]:
        """What only alice sees."""
        return [s.text for s in self.fake.everything(self.alice, channel or self.channel) if s.private]


async def open_world(fake: FakeSlack, redis_url: str, **options: Any) -> World:
    """A workspace with the bot at work."""
    team = fake.workspace("Acme")
    alice = fake.person(team, "alice")
    channel = fake.new_channel(team, "general", [alice])
    images = options.pop("images", None) or FakeImages()
    bot = await Bot(fake, redis_url, images, token=team.bot_token, **options).open()
    return World(fake, bot, team, channel, alice)
