"""The server on loopback, and the one object that tests hold."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

import discord
import yarl
from aiohttp import web
from discord.gateway import DiscordWebSocket
from discord.http import Route
from simcord.backend.models import Channel, Guild, Role, User

from tests.fakes.discord.buckets import RateLimits
from tests.fakes.discord.cdn import SignedCdn
from tests.fakes.discord.clock import MovableClock
from tests.fakes.discord.faults import Dropped, Faults
from tests.fakes.discord.gateway import Gateway, Portal
from tests.fakes.discord.nonces import Nonces
from tests.fakes.discord.people import Person
from tests.fakes.discord.place import Place
from tests.fakes.discord.rest import Rest
from tests.fakes.discord.routes import Routes
from tests.fakes.discord.seen import Seen, look_at
from tests.fakes.discord.wire import Call
from tests.fakes.discord.world import Ping, Sync, World

_MESSAGE_CONTENT_LIMITED = 1 << 19
_POLL_SECONDS = 0.01

T = TypeVar("T")


class FakeDiscord(Place):
    """A running Discord; see the package for all it can do. Use as an async context manager."""

    def __init__(
        self,
        token: str = "fake-token",
        *,
        message_content: bool = True,
        members: bool = False,
        presences: bool = False,
    ) -> None:
        self.token = token
        self.clock = MovableClock()
        self.cdn = SignedCdn(self.clock, link_lifetime=24 * 3600.0)
        self.world = World(self.clock, self.cdn)
        self.faults = Faults()
        self.rate_limits = RateLimits(self.clock)
        self.nonces = Nonces(self.world, self.clock, window=180.0)
        self._privileged = {
            name
            for name, on in (("message_content", message_content), ("members", members), ("presences", presences))
            if on
        }
        portal = Portal(token, lambda: self._privileged, self._application_flags)
        self.gateway = Gateway(self.world, self.cdn, self.clock, portal)
        self._routes = Routes(self.world, self.gateway, self.nonces)
        self._routes.message_content = message_content
        self._rest = Rest(token, self.world, self.cdn, self._routes, self.faults, self.rate_limits)
        self.cdn_calls: list[Call] = []
        self.api_base = self.gateway_url = self.cdn_base = ""
        self._runner: web.AppRunner | None = None

    # -- running

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_get("/gateway/", self.gateway.serve)
        application.router.add_route("*", "/api/v10/{path:.*}", self._rest.serve)
        application.router.add_get("/{path:.*}", self._serve_file)
        self._runner = web.AppRunner(application, shutdown_timeout=0.5, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=4096)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.cdn_base = self.cdn.base = f"http://{host}:{port}"
        self.api_base = f"{self.cdn_base}/api/v10"
        self.gateway_url = self.gateway.url = f"ws://{host}:{port}/gateway/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.faults.clear()
        await self.gateway.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        call = Call(request.method, request.path, dict(request.query), dict(request.headers))
        self.cdn_calls.append(call)
        if "Authorization" in request.headers:
            self.violations.append(f"the bot's token was sent to the CDN: {request.path}")
        fault = self.faults.claim(request.method, request.path, request.path)
        try:
            replaced = await fault.strike() if fault is not None else None
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPServiceUnavailable from None
        if replaced is not None:
            return replaced
        data = self.cdn.open(request.path, request.query)
        if data is None:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=data, content_type=self.cdn.content_type(request.path))

    # -- what it knows

    @property
    def bot(self) -> User:
        """The bot's account."""
        return self.world.bot_user

    @property
    def application_id(self) -> int:
        """The application's id."""
        return self.world.application_id

    @property
    def message_content(self) -> bool:
        """The portal's switch for the message-content intent."""
        return "message_content" in self._privileged

    @message_content.setter
    def message_content(self, on: bool) -> None:
        (self._privileged.add if on else self._privileged.discard)("message_content")
        self._routes.message_content = on

    @property
    def endpoint_url(self) -> str | None:
        """The portal's Interactions Endpoint URL. Setting it changes only what the API tells of it."""
        return self._routes.endpoint_url

    @endpoint_url.setter
    def endpoint_url(self, url: str | None) -> None:
        self._routes.endpoint_url = url

    @property
    def calls(self) -> list[Call]:
        """All REST calls, oldest first."""
        return self._rest.calls

    def calls_to(self, method: str, template: str) -> list[Call]:
        """The calls of one operation, by the API document's path template."""
        return [call for call in self.calls if (call.method, call.template) == (method, template)]

    @property
    def violations(self) -> list[str]:
        """Requests that break the API document."""
        return self._rest.violations

    @property
    def syncs(self) -> list[Sync]:
        """Bulk overwrites of application commands."""
        return self.world.syncs

    @property
    def pings(self) -> list[Ping]:
        """Who was notified by messages."""
        return self.world.pings

    def _application_flags(self) -> int:
        return _MESSAGE_CONTENT_LIMITED if self.message_content else 0

    # -- time

    def advance(self, seconds: float) -> None:
        """Move Discord's clock forward."""
        self.world.advance_clock(seconds)

    async def until(self, predicate: Callable[[], T], timeout: float = 10, *, what: str = "the condition") -> T:
        """The predicate's first truthy value; AssertionError when `timeout` seconds bring none."""
        ends = time.monotonic() + timeout
        while not (value := predicate()):
            if time.monotonic() > ends:
                raise AssertionError(f"waited {timeout} s for {what}; last value: {value!r}")
            await asyncio.sleep(_POLL_SECONDS)
        return value

    # -- people and messages

    def person(
        self,
        name: str,
        *guilds: Guild,
        avatar: bytes | None = None,
        locale: str = "en-US",
        roles: Sequence[Role] = (),
        bot: bool = False,
    ) -> Person:
        """Somebody (or another bot), a member of these guilds; each role goes to the guild it is of."""
        user = self.world.make_user(name, bot=bot)
        if avatar is not None:
            user.avatar = self.cdn.store_avatar(user.id, avatar)
        self.world.locales[user.id] = locale
        for guild in guilds:
            own = [role.id for role in roles if role.id in guild.roles]
            self.world.add_member(guild.id, user.id, roles=own, announce=True)
        return Person(self, user)

    def messages(self, channel: Channel, *, seen_by: Person | None = None) -> list[Seen]:
        """A channel's messages, oldest first: all that are not private, or what one person sees."""
        stored = self.world.messages.get(channel.id, {})
        return [
            look_at(self.world, self.cdn, stored[key])
            for key in sorted(stored)
            if (seen_by.sees(channel, stored[key]) if seen_by else not stored[key].is_ephemeral)
        ]

    def message(self, channel: Channel, message_id: int) -> Seen | None:
        """One message, private or not."""
        stored = self.world.messages.get(channel.id, {}).get(message_id)
        return None if stored is None else look_at(self.world, self.cdn, stored)


@contextmanager
def pointed_at(fake: FakeDiscord) -> Iterator[None]:
    """Inside the block discord.py speaks to `fake`: its class attributes for REST, gateway and CDN addresses."""
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.Asset.BASE
    Route.BASE = fake.api_base
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(fake.gateway_url)
    discord.Asset.BASE = fake.cdn_base
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.Asset.BASE = before
