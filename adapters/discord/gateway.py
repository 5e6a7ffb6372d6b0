"""The gateway role: hears every shard that nobody else hears, and stands in for a process that died within seconds."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import discord
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.discord.commands import sync_commands
from adapters.discord.lease import RENEW_SECONDS, Lease, Presence, turn_to_identify
from adapters.discord.rest import Rest
from adapters.discord.router import Router
from adapters.discord.socket import GatewayRefused, Shard, ShardClient
from core.background import asked_to_stop, stop

DRAIN_SECONDS = 5.0
SYNC_RETRY_SECONDS = 30.0

REASONS: Mapping[int, str] = {
    4004: "Discord does not take DISCORD_TOKEN. Copy a fresh one: developer portal → your app → Bot → Reset Token.",
    4010: "Discord does not know this shard. Start every gateway process with the same number of shards.",
    4011: "This bot is in too many servers for this number of shards. Leave the number out, and Discord's is used.",
    4012: "Discord no longer speaks this version of its gateway. Update discord.py.",
    4013: "Discord does not know one of the intents asked for. Update discord.py.",
    4014: (
        "The message content intent is not granted. Turn it on (developer portal → your app → Bot → Privileged Gateway "
        "Intents → Message Content Intent), or set DISCORD_MESSAGE_CONTENT=false: replies, mentions, buttons and menus "
        "work without it."
    ),
}
"""What to do about the close codes that trying again does not help with."""

log = structlog.get_logger()


class GatewayStopped(Exception):
    """Discord will not have us; the text says which switch to turn."""


@dataclass(slots=True)
class _Held:
    lease: Lease
    shard: Shard
    running: asyncio.Task[None]


class DiscordGateway:
    """Hears Discord while `run` runs."""

    def __init__(
        self, rest: Rest, redis: Redis, router: Router, *, message_content: bool, shards: int | None = None
    ) -> None:
        """`shards` is how many there are in all, the same in every process; by default what Discord recommends."""
        self._rest = rest
        self._redis = redis
        self._router = router
        self._intents = intents(message_content=message_content)
        self._shards = shards
        self._at_once = 1
        self._presence = Presence(redis)
        self._held: dict[int, _Held] = {}

    @property
    def ready(self) -> bool:
        """Whether every shard that this process holds is connected."""
        return all(held.shard.ready.is_set() for held in self._held.values())

    @property
    def shards(self) -> tuple[int, ...]:
        """The shards that this process hears."""
        return tuple(sorted(self._held))

    async def run(self) -> None:
        """Hear Discord until cancelled. Raises `GatewayStopped` where somebody has to turn a switch first."""
        count = await self._count()
        syncing = asyncio.create_task(self._sync_commands())
        try:
            while not asked_to_stop():
                try:
                    await self._tend(count)
                except RedisError as error:
                    log.warning("the store does not answer; the gateway goes on", problem=type(error).__name__)
                await asyncio.sleep(RENEW_SECONDS)
        finally:
            await stop(syncing)
            await asyncio.gather(*(self._let_go(number) for number in tuple(self._held)), return_exceptions=True)
            with suppress(RedisError):
                await self._presence.leave()

    async def _count(self) -> int:
        about = await self._rest.call("GET", "/gateway/bot")
        self._at_once = int(about["session_start_limit"]["max_concurrency"])
        return self._shards or int(about["shards"])

    async def _tend(self, count: int) -> None:
        """Keep what is held, and take what is free, up to this process's share."""
        share = await self._presence.share(count)
        for number, held in tuple(self._held.items()):
            if held.running.done():
                await self._ended(number, held)
            elif not await held.lease.renew():
                log.error("a shard has gone to another process", shard=number)
                await self._let_go(number)
            elif position := held.shard.position():
                await held.lease.save(position)
        for number in tuple(self._held)[share:]:
            await self._let_go(number)
        for number in range(count):
            if len(self._held) >= share:
                return
            if number not in self._held:
                await self._take(number, count)

    async def _take(self, number: int, count: int) -> None:
        lease = Lease(self._redis, number, count)
        if not await lease.take():
            return
        session = await lease.session()
        log.info("taking a shard", shard=number, resume=session is not None, fence=lease.fence)

        async def before_identify() -> None:
            await turn_to_identify(self._redis, number, self._at_once)

        client = ShardClient(self._rest, number, count, self._intents, before_identify)
        shard = Shard(client, self._router.handle, session, lease.save)
        self._held[number] = _Held(lease, shard, asyncio.create_task(shard.run()))

    async def _ended(self, number: int, held: _Held) -> None:
        """A shard stopped by itself: for good when Discord said so."""
        await self._let_go(number)
        error = held.running.exception()
        if isinstance(error, GatewayRefused):
            await held.lease.forget_session()
            raise GatewayStopped(REASONS.get(error.code, f"Discord closed the gateway with {error.code}."))
        log.error("a shard stopped and is taken anew", shard=number, problem=type(error).__name__)

    async def _let_go(self, number: int) -> None:
        held = self._held.pop(number)
        # First, as it would connect again while what was heard is being finished.
        await stop(held.running)
        await held.shard.stop(drain=DRAIN_SECONDS)
        position = held.shard.position()
        with suppress(RedisError):
            if position:
                await held.lease.save(position)
            await held.lease.release()

    async def _sync_commands(self) -> None:
        while True:
            try:
                await sync_commands(self._rest, self._redis, most_images=self._router.most_images)
                return
            except Exception as error:  # noqa: BLE001 - the bot works with the commands it had
                log.error("the commands could not be registered", problem=str(error))
            await asyncio.sleep(SYNC_RETRY_SECONDS)


def intents(*, message_content: bool) -> discord.Intents:
    """Only what is used: servers, and messages in them and to us."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.guild_messages = True
    wanted.dm_messages = True
    wanted.message_content = message_content
    return wanted
