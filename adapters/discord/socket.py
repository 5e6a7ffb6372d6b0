"""The gateway socket of one shard, over discord.py's own, with a door to resume the session of another process.

discord.py's socket does the protocol (hello, heartbeats, compression, identify, resume). Its client is asked for
nothing but a connection: no cache is built, and events go to us as they came.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeAlias

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from redis.exceptions import RedisError

from adapters.discord.lease import Session
from adapters.discord.rest import Rest
from core.background import stop

CONNECT_SECONDS = 30.0
LONGEST_PAUSE = 30.0
HEARD = (
    "INTERACTION_CREATE",
    "MESSAGE_CREATE",
    "MESSAGE_UPDATE",
    "MESSAGE_DELETE",
    "MESSAGE_DELETE_BULK",
    "GUILD_CREATE",
    "GUILD_UPDATE",
    "GUILD_DELETE",
)
_GONE_FOR_GOOD = frozenset({4004, 4010, 4011, 4012, 4013, 4014})
_KEEP_SESSION = 4900
"""A close code of our own: after 1000 or 1001 Discord would throw the session away."""

Handle: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[None]]
log = structlog.get_logger()


class GatewayRefused(Exception):
    """Discord will not have us until somebody changes something; `code` is its close code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ShardSocket(DiscordWebSocket):
    """discord.py's socket, giving events to us instead of to its cache. Opened with a session, it resumes."""

    heard: Callable[[str, dict[str, Any], int], None]

    @classmethod
    async def connect(
        cls, client: discord.Client, heard: Callable[[str, dict[str, Any], int], None], session: Session | None
    ) -> "ShardSocket":
        """Connect, and resume the session if there is one, else identify."""
        socket = await cls.from_client(
            client,
            initial=session is None,
            gateway=yarl.URL(session.gateway) if session and session.gateway else None,
            shard_id=client.shard_id,
            session=session.id if session else None,
            sequence=session.sequence if session else None,
            resume=session is not None,
        )
        socket.heard = heard
        names = (*HEARD, "READY", "RESUMED")
        socket._discord_parsers = {name: _Parser(socket, name) for name in names}  # noqa: SLF001 - our own class
        return socket


class _Parser:
    """What discord.py's socket calls for an event, by then with the event's sequence number in place."""

    def __init__(self, socket: ShardSocket, name: str) -> None:
        self.socket = socket
        self.name = name

    def __call__(self, data: dict[str, Any]) -> None:
        self.socket.heard(self.name, data, self.socket.sequence or 0)


class ShardClient(discord.Client):
    """Lends a socket what it takes from a client: the HTTP session, the token, the intents."""

    def __init__(
        self,
        rest: Rest,
        shard: int,
        count: int,
        intents: discord.Intents,
        before_identify: Callable[[], Awaitable[None]],
    ) -> None:
        activity = discord.Activity(type=discord.ActivityType.listening, name="/imagine")
        super().__init__(intents=intents, shard_id=shard, shard_count=count, activity=activity, max_messages=None)
        self.http = rest.http
        self.loop = asyncio.get_running_loop()
        self._before_identify = before_identify

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Nothing more to wait for: a connection is opened only once it may identify."""

    async def turn_to_identify(self) -> None:
        """Wait for this shard's turn to identify."""
        await self._before_identify()


class Progress:
    """Up to where everything that was heard has been dealt with."""

    def __init__(self) -> None:
        self.under_way: set[int] = set()

    def safe(self, heard: int) -> int:
        """The sequence number to resume from, having heard up to `heard`."""
        return min(self.under_way) - 1 if self.under_way else heard


class Shard:
    """Hears one shard until it is stopped."""

    def __init__(
        self, client: ShardClient, handle: Handle, session: Session | None, save: Callable[[Session], Awaitable[bool]]
    ) -> None:
        """`save` writes a session down; it is called as soon as there is one."""
        self.client = client
        self.session = session
        self.socket: ShardSocket | None = None
        self.ready = asyncio.Event()
        self.progress = Progress()
        self._handle = handle
        self._save = save
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Connect again and again. Raises `GatewayRefused` when that is of no use."""
        pause = 1.0
        while True:
            began, opened = time.monotonic(), False
            try:
                if self.session is None:
                    await self.client.turn_to_identify()
                async with asyncio.timeout(CONNECT_SECONDS):
                    self.socket = await ShardSocket.connect(self.client, self._heard, self.session)
                opened = True
                while True:
                    await self.socket.poll_event()
            except ReconnectWebSocket as lost:
                self.session = self.position() if lost.resume else None
            except (OSError, aiohttp.ClientError, TimeoutError, discord.DiscordException, RedisError) as error:
                if isinstance(error, discord.ConnectionClosed) and error.code in _GONE_FOR_GOOD:
                    raise GatewayRefused(error.code) from None
                log.warning("the gateway does not answer", problem=type(error).__name__, shard=self.client.shard_id)
                self.session = self.position()
            finally:
                self.ready.clear()
            if self.session and not opened:
                # Its own address may have gone for good; the usual one takes every session.
                self.session = replace(self.session, gateway="")
            pause = 1.0 if time.monotonic() - began > LONGEST_PAUSE else min(LONGEST_PAUSE, pause * 2)
            if time.monotonic() - began < 1.0:
                await asyncio.sleep(pause / 2)

    def position(self) -> Session | None:
        """The session as it stands, to be resumed here or elsewhere."""
        socket = self.socket
        if socket is None or not socket.session_id:
            return self.session
        sequence = self.progress.safe(socket.sequence or 0)
        return Session(socket.session_id, sequence, str(socket.gateway))

    async def stop(self, *, drain: float) -> None:
        """Leave the gateway so that the session can be resumed, and finish what was heard, for `drain` seconds."""
        if self.socket is not None:
            # Even one whose line is cut has a thread that would go on sending heartbeats.
            await self.socket.close(code=_KEEP_SESSION)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=drain)
        await stop(*self._tasks)

    def _heard(self, name: str, data: dict[str, Any], sequence: int) -> None:
        if name in ("READY", "RESUMED"):
            self.ready.set()
            self.session = self.position()
            log.info("hearing Discord", shard=self.client.shard_id, how=name.lower())
            self._start(self._saved())
            return
        self.progress.under_way.add(sequence)
        self._start(self._dealt_with(name, data, sequence))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _saved(self) -> None:
        if session := self.position():
            with suppress(RedisError):
                await self._save(session)

    async def _dealt_with(self, name: str, data: dict[str, Any], sequence: int) -> None:
        try:
            await self._handle(name, data)
        except Exception:
            log.exception("an event broke", event_name=name)
        self.progress.under_way.discard(sequence)
