"""What a process does: every platform whose tokens are there, the work, or a part of both."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum

import structlog

from bot.health import Health, listening
from bot.platforms import open_platforms
from bot.platforms.parts import Parts
from bot.services import Opened, Store, core_settings, open_services, open_store
from bot.settings import Settings, SetupError
from bot.wiring import Core, open_core
from core.fetching import Fetcher
from core.ports import ChatPlatform

log = structlog.get_logger()


class Role(StrEnum):
    """The parts a process plays."""

    RUN = "run"
    """Every platform whose tokens are there, and the work."""
    WORKER = "worker"
    """The work alone: any number of them, anywhere, on the same Redis."""
    DISCORD = "discord"
    """Discord's gateway alone."""
    SLACK = "slack"
    """Slack's events alone."""
    WEB = "web"
    """The web workspace alone."""

    @property
    def works(self) -> bool:
        """Whether this role walks turns along the line."""
        return self in (Role.RUN, Role.WORKER)


async def serve(settings: Settings, role: Role, announce: Callable[[str], None]) -> None:
    """Play a role until the process is asked to stop. Raises `SetupError` for what the operator has to mend."""
    stop = asyncio.Event()
    reasons: list[str] = []

    def stop_because(reason: str) -> None:
        reasons.append(reason)
        stop.set()

    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with playing(settings, role, announce, stop_because):
        await stop.wait()
        log.info("stopping", seconds=settings.drain_seconds)
    if reasons:
        raise SetupError(*reasons)


@asynccontextmanager
async def playing(
    settings: Settings, role: Role, announce: Callable[[str], None], stop: Callable[[str], None]
) -> AsyncIterator[Core]:
    """Play a role while the block runs. `stop` is called, with the reason, when a platform cannot go on."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        fetcher = await stack.enter_async_context(Fetcher(settings.allowed_url_hosts))
        opened = await stack.enter_async_context(open_services(settings, fetcher, store.url))
        usual = await opened.together.current(settings.image_model)
        settings = settings.model_copy(update={"image_model": usual})
        platforms: dict[str, ChatPlatform] = {}
        core = await stack.enter_async_context(
            open_core(store.url, opened.together, platforms, fetcher, core_settings(settings))
        )
        health = Health(core)
        await stack.enter_async_context(_health_page(settings, health))
        parts = Parts(settings, core, fetcher, stop, simulated=opened.simulated)
        places = await stack.enter_async_context(open_platforms(parts, platforms, listens=_listens(role)))
        if role.works:
            await stack.enter_async_context(core.working())
        announce(_banner(store, opened, places, platforms, role))
        try:
            yield core
        finally:
            health.stopping = True


def _listens(role: Role) -> frozenset[str]:
    """The platforms whose events a role takes in."""
    match role:
        case Role.RUN:
            return frozenset({"discord", "slack", "web"})
        case Role.WORKER:
            return frozenset()
        case _:
            return frozenset({role.value})


@asynccontextmanager
async def _health_page(settings: Settings, health: Health) -> AsyncIterator[None]:
    try:
        async with listening(health.application(), settings.health_host, settings.health_port):
            yield
    except OSError as error:
        raise SetupError(
            f"Port {settings.health_port} on {settings.health_host} is taken, perhaps by another imagine-bot. "
            "Stop that, or set HEALTH_PORT to another one."
        ) from error


def _banner(store: Store, opened: Opened, places: list[str], platforms: dict[str, ChatPlatform], role: Role) -> str:
    where = "\n".join(places) or f"Working on turns of {', '.join(platforms) or 'no platform'}."
    return f"{where}\nPictures are {opened.words}. Everything is kept in {store.words}. Role: {role}."
