"""Opens the chat platforms whose settings are there: to post to, and, where the role listens, to hear from."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from adapters.web import WebChat, WebSetup, Workspace, create_app
from bot.health import listening
from bot.services import Service
from bot.settings import Settings, SetupError
from bot.wiring import Core
from core.fetching import Fetcher
from core.ports import ChatPlatform


@dataclass(frozen=True, slots=True)
class Parts:
    """What a platform is made from. `stop` ends the process, for a platform that cannot go on."""

    settings: Settings
    core: Core
    fetcher: Fetcher
    service: Service
    stop: Callable[[], None]


@asynccontextmanager
async def open_platforms(
    parts: Parts, platforms: dict[str, ChatPlatform], *, listens: frozenset[str]
) -> AsyncIterator[list[str]]:
    """Fill `platforms` with those that are switched on; gives a line for each that people can come to."""
    async with AsyncExitStack() as stack:
        places: list[str] = []
        if parts.settings.web_on:
            places += await stack.enter_async_context(_web(parts, platforms, listens="web" in listens))
        yield places


@asynccontextmanager
async def _web(parts: Parts, platforms: dict[str, ChatPlatform], *, listens: bool) -> AsyncIterator[list[str]]:
    settings, core = parts.settings, parts.core
    workspace = Workspace(core.redis, settings.data_dir / "web", ttl=core.turns.ttl)
    platforms["web"] = WebChat(workspace)
    if not listens:
        yield []
        return
    password = settings.web_password.get_secret_value() if settings.web_password else ""
    setup = WebSetup(settings.image_model, password=password, simulated=parts.service.simulated)
    app = create_app(workspace, core.intake, core.conversations, parts.service.images, core.workshop, setup)
    try:
        async with listening(app, settings.web_host, settings.web_port) as port:
            yield [f"imagine-bot is at http://{settings.web_host}:{port}"]
    except OSError as error:
        raise SetupError(
            f"Port {settings.web_port} on {settings.web_host} is taken. Stop what runs there, or set WEB_PORT."
        ) from error
