"""Puts the parts together: the only place that knows every class."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from redis.asyncio import BlockingConnectionPool, Redis

from core.background import stop
from core.breaker import Breaker
from core.choices import ModelChoices
from core.collaborators import Collaborators
from core.continuation import Continuations
from core.conversation import Conversations
from core.delivery import Delivery
from core.durations import Durations
from core.engine import Engine
from core.fetching import Fetcher
from core.healing import Healing
from core.intake import Intake, Limits
from core.library import Library
from core.line import Line
from core.metrics import Metrics
from core.pace import Pace
from core.pictures.workshop import PictureWorkshop
from core.ports import ChatPlatform
from core.queue import Queue
from core.references import References
from core.requests import Requests
from core.routing import Routing
from core.sender import Sender
from core.sends import Sends
from core.services import Services
from core.state import Turns
from core.styles import Styles
from core.uploads import Uploads
from core.watching import Watcher
from core.wording import Wording

DAY = 86_400


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """What the core is told of the settings. Times are in seconds, money is in micro-dollars."""

    default_model: str = "gemini-2.5-flash-image"
    request_deadline: float = 600.0
    requests_in_flight: int = 16
    most_running: int = 4
    most_waiting: int = 10
    most_images: int = 4
    breaker_pause: float = 5.0
    substitutes: tuple[str, ...] = ()
    daily_cap: int = 10_000_000
    conversation_ttl: int = 30 * DAY
    slots: int = 100
    drain: float = 20.0


@dataclass(frozen=True, slots=True)
class Core:
    """The wired core: what adapters are given, and what roles run."""

    redis: Redis
    intake: Intake
    services: Services
    breaker: Breaker
    choices: ModelChoices
    conversations: Conversations
    turns: Turns
    queue: Queue
    engine: Engine
    line: Line
    sender: Sender
    watcher: Watcher
    workshop: PictureWorkshop
    metrics: Metrics
    drain: float

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work on turns while the block runs; on leaving it, hand over what cannot be finished in time."""
        watching = asyncio.create_task(self.watcher.run())
        try:
            async with self.engine.work(self.line.run, self.turns):
                yield
        finally:
            await self.sender.drain(self.drain)
            await stop(watching)


def connect(url: str, *, connections: int) -> Redis:
    """A client for our own state, which waits for a connection rather than fail when all are in use."""
    # Each connection would introduce its library in two more commands, at the moment when everybody wants one.
    pool = BlockingConnectionPool.from_url(url, max_connections=connections, timeout=20, driver_info=None)
    return Redis.from_pool(pool)


@asynccontextmanager
async def open_core(
    redis_url: str,
    services: Services,
    platforms: Mapping[str, ChatPlatform],
    fetcher: Fetcher,
    settings: CoreSettings,
    registry: CollectorRegistry | None = None,
) -> AsyncIterator[Core]:
    """The core over a store, the services and the platforms, until the block is left.

    `platforms` may be filled after this has returned, as adapters need the core themselves.
    """
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect(redis_url, connections=settings.slots + 50))
        workshop = await stack.enter_async_context(PictureWorkshop())
        engine = await stack.enter_async_context(Engine(redis_url, slots=settings.slots))
        metrics = Metrics(registry or CollectorRegistry())
        yield _core(_Ground(redis, workshop, engine, services, fetcher, metrics, settings), platforms)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the core is built on: what was opened for it, and what it is given."""

    redis: Redis
    workshop: PictureWorkshop
    engine: Engine
    services: Services
    fetcher: Fetcher
    metrics: Metrics
    settings: CoreSettings


def _core(ground: _Ground, platforms: Mapping[str, ChatPlatform]) -> Core:
    redis, services, settings = ground.redis, ground.services, ground.settings
    breaker, choices = Breaker(redis, pause=settings.breaker_pause), ModelChoices(redis)
    routing = Routing(services, breaker, choices, settings.substitutes, settings.most_images)
    wording = Wording(Library(redis, ground.workshop), Styles(redis))
    crew = _crew(ground, platforms, routing, wording.library)
    turns, queue, conversations = crew.turns, crew.queue, crew.conversations
    limits = Limits(settings.most_waiting, settings.most_images, settings.daily_cap, settings.default_model)
    return Core(
        redis=redis,
        intake=Intake(turns, queue, conversations, services, routing, ground.engine, ground.metrics, limits, wording),
        services=services,
        breaker=breaker,
        choices=choices,
        conversations=conversations,
        turns=turns,
        queue=queue,
        engine=ground.engine,
        line=Line(crew),
        sender=crew.requests.sender,
        watcher=crew.requests.watcher,
        workshop=ground.workshop,
        metrics=ground.metrics,
        drain=settings.drain,
    )


def _crew(ground: _Ground, platforms: Mapping[str, ChatPlatform], routing: Routing, library: Library) -> Collaborators:
    redis, settings = ground.redis, ground.settings
    turns = Turns(redis, ttl=settings.conversation_ttl)
    conversations = Conversations(redis, ttl=settings.conversation_ttl)
    durations = Durations(redis)
    references = _references(ground, conversations, library)
    return Collaborators(
        turns=turns,
        queue=Queue(redis, capacity=settings.requests_in_flight, per_person=settings.most_running),
        conversations=conversations,
        durations=durations,
        references=references,
        requests=_requests(ground, turns, durations, references, routing.breaker),
        delivery=Delivery(ground.services, conversations, ground.workshop),
        services=ground.services,
        routing=routing,
        platforms=platforms,
        daily_cap=settings.daily_cap,
        wake=ground.engine.wake,
        metrics=ground.metrics,
    )


def _references(ground: _Ground, conversations: Conversations, library: Library) -> References:
    ttl = ground.settings.conversation_ttl
    uploads = Uploads(ground.redis, ground.workshop, ground.fetcher, library, ttl=ttl)
    return References(uploads, Continuations(conversations, Healing(ground.redis, ttl=ttl), uploads))


def _requests(
    ground: _Ground, turns: Turns, durations: Durations, references: References, breaker: Breaker
) -> Requests:
    """The requests, with who sends them and who watches them."""
    redis, services, metrics, wake = ground.redis, ground.services, ground.metrics, ground.engine.wake
    pace, sends = Pace(redis), Sends(redis)
    sender = Sender(services, turns, sends, pace, breaker, durations, wake)
    watcher = Watcher(redis, services, turns, durations, wake, metrics)
    deadline = ground.settings.request_deadline
    return Requests(services, turns, references, sends, sender, pace, breaker, watcher, metrics, deadline)
