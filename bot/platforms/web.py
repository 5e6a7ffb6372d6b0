"""The web workspace, wired."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.web import WebChat, WebSetup, Workspace, create_app
from bot.health import listening
from bot.platforms.parts import Parts
from bot.settings import SetupError
from core.ports import ChatPlatform


@asynccontextmanager
async def open_web(parts: Parts, platforms: dict[str, ChatPlatform], *, listens: bool) -> AsyncIterator[list[str]]:
    """The page, where the role listens; gives a line that says where it is."""
    settings, core = parts.settings, parts.core
    workspace = Workspace(core.redis, settings.data_dir / "web", ttl=core.turns.ttl)
    platforms["web"] = WebChat(workspace)
    if not listens:
        yield []
        return
    password = settings.web_password.get_secret_value() if settings.web_password else ""
    setup = WebSetup(password=password, simulated=parts.simulated)
    app = create_app(
        workspace, core.intake, core.conversations, core.services, core.workshop, setup, core.intake.wording
    )
    try:
        async with listening(app, settings.web_host, settings.web_port) as port:
            yield [f"imagine-bot is at http://{settings.web_host}:{port}"]
    except OSError as error:
        raise SetupError(
            f"Port {settings.web_port} on {settings.web_host} is taken. Stop what runs there, or set WEB_PORT."
        ) from error
