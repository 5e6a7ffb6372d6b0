"""The whole bot with the web workspace: the real core, store and provider client over the simulated service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from adapters.web import WebChat, WebSetup, Workspace, create_app
from bot.wiring import CoreSettings, open_core
from core.fetching import Fetcher
from core.ports import ChatPlatform
from core.providers.gmi import GmiImages, service_client
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import Delivery, SimulationSettings
from core.services import Services

MODEL = "gemini-2.5-flash-image"
SETTINGS = CoreSettings(default_model=MODEL, drain=1.0, slots=20)
PATIENCE = 20_000
"""Milliseconds that a browser on a busy machine may need for anything."""


@dataclass
class WebBot:
    """One process of the bot, which can be stopped and started again on the same port."""

    redis_url: str
    directory: Path
    service: SimulatedService
    password: str = ""
    port: int = 0
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> Self:
        enter = self.stack.enter_async_context
        fetcher, client = await enter(Fetcher()), await enter(service_client())
        service = self.service
        images = GmiImages(
            client, fetcher, base_url=service.url, key=service.key, storage_hosts=(service.storage_host,)
        )
        platforms: dict[str, ChatPlatform] = {}
        core = await enter(open_core(self.redis_url, Services([images]), platforms, fetcher, SETTINGS))
        workspace = Workspace(core.redis, self.directory / "web", ttl=core.turns.ttl)
        platforms["web"] = WebChat(workspace)
        setup = WebSetup(password=self.password, simulated=True, max_upload_bytes=5_000_000)
        app = create_app(
            workspace, core.intake, core.conversations, core.services, core.workshop, setup, core.intake.wording
        )
        self.port = await enter(_serving(app, self.port))
        await enter(core.working())
        return self

    async def stop(self) -> None:
        await self.stack.aclose()
        self.stack = AsyncExitStack()


@asynccontextmanager
async def _serving(app: web.Application, port: int) -> AsyncIterator[int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def simulation(*, waiting: float = 0.05, drawing: float = 0.3) -> SimulationSettings:
    """A service that is quick, but not too quick to be watched, and draws small pictures."""
    return SimulationSettings(scale=1 / 4, draws_ahead=False).paced(Delivery.QUEUED, waiting=waiting, drawing=drawing)


class Visitor:
    """A person at a page. Fails at the end when the page had errors of its own."""

    def __init__(self, bot: WebBot, context: BrowserContext, page: Page) -> None:
        self.bot = bot
        self.context = context
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url))

    @classmethod
    async def arrive(cls, bot: WebBot, browser: Browser, name: str = "Ada", **options: Any) -> Self:
        """Open the page in a browser of one's own, and say one's name."""
        context = await browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})
        visitor = cls(bot, context, await context.new_page())
        await visitor.page.goto(bot.url)
        await visitor.page.get_by_label("Your name").fill(name)
        if bot.password:
            await visitor.page.get_by_label("Password of this workspace").fill(bot.password)
        await visitor.page.keyboard.press("Enter")
        await expect(visitor.box).to_be_visible(timeout=PATIENCE)
        return visitor

    async def again(self) -> Self:
        """The same person in a second window."""
        visitor = type(self)(self.bot, self.context, await self.context.new_page())
        await visitor.page.goto(self.page.url)
        return visitor

    @property
    def box(self) -> Locator:
        return self.page.locator("#channel-text")

    @property
    def thread_box(self) -> Locator:
        return self.page.locator("#thread-text")

    @property
    def channel(self) -> Locator:
        return self.page.locator("#channel")

    @property
    def thread(self) -> Locator:
        return self.page.locator("#thread")

    @property
    def previews(self) -> Locator:
        return self.channel.locator(".preview .picture-button img")

    @property
    def shown(self) -> Locator:
        """The pictures in the open thread."""
        return self.thread.locator(".picture-button img")

    async def imagine(self, text: str, *, pictures: int = 1) -> None:
        """Give the command and wait for the pictures."""
        before = await self.previews.count()
        await self.box.fill(f"/imagine {text}")
        await self.box.press("Enter")
        await expect(self.previews).to_have_count(before + pictures, timeout=PATIENCE)

    async def open_thread(self) -> None:
        await self.channel.get_by_role("button", name="Open thread").last.click()
        await expect(self.thread_box).to_be_focused()

    async def edit(self, text: str) -> None:
        """Say what to change in the open thread, and wait for the picture."""
        before = await self.shown.count()
        await self.thread_box.fill(text)
        await self.thread_box.press("Enter")
        await expect(self.shown).to_have_count(before + 1, timeout=PATIENCE)

    async def leave(self) -> None:
        await self.context.close()
        assert not self.errors

    def _note(self, url: str) -> None:
        if not url.startswith((self.bot.url, "blob:", "data:")):
            self.errors.append(f"the page asked elsewhere: {quote(url)}")


@asynccontextmanager
async def web_bot(
    redis_url: str, directory: Path, settings: SimulationSettings | None = None, *, password: str = ""
) -> AsyncIterator[WebBot]:
    """A bot at work, with its web workspace."""
    async with SimulatedService(settings or simulation()) as service:
        bot = await WebBot(redis_url, directory, service, password).start()
        try:
            yield bot
        finally:
            await asyncio.shield(bot.stop())
