"""The web workspace on a port of its own, and browsers without a screen that talk to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from aiohttp import ClientResponse, ClientSession, CookieJar, FormData, web
from redis.asyncio import Redis

from adapters.web import WebChat, WebSetup, Workspace, create_app
from core.conversation import Conversations
from core.errors import Declined, ProviderError
from core.library import Library
from core.pictures import Picture, PictureLimits
from core.pictures.operations import thumbnail
from core.pictures.sheet import Sheet, draw_sheet, packed
from core.pictures.workshop import PictureWorkshop
from core.ports import Capabilities
from core.styles import Styles
from core.wording import Wording
from tests.fakes.intake import FakeIntake

DAY = 86_400
RATIOS = ("1:1", "16:9", "9:16")


@dataclass(slots=True)
class FakeModels:
    """A service that offers models. `away` makes it unreachable."""

    away: bool = False
    asked: int = 0

    async def models(self) -> Sequence[str]:
        self.asked += 1
        if self.away:
            raise ProviderError
        return ["m1", "m2"]

    async def capabilities(self, model: str) -> Capabilities:
        if self.away:
            raise ProviderError
        if model not in ("m1", "m2"):
            raise Declined("declined.unknown_model", {"model": model, "known": "m1, m2"})
        return Capabilities(model, RATIOS, max_references=3)


class Thumbnailer:
    """The real thumbnails, made in this process."""

    async def thumbnail(self, data: bytes, side: int) -> Picture:
        return thumbnail(data, replace(PictureLimits(), max_side_out=side))

    async def sheet(self, sheet: Sheet) -> Picture:
        return draw_sheet(packed(sheet), PictureLimits())


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the stream."""

    id: str
    data: dict[str, Any]


class Events:
    """The stream of changes, event by event."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def next(self, timeout: float = 5.0) -> Event:
        """The next event, comments and settings left out. Raises EOFError at the end of the stream."""
        async with asyncio.timeout(timeout):
            while True:
                fields = await self._block()
                if "data" in fields:
                    return Event(fields.get("id", ""), json.loads(fields["data"]))

    async def messages(self, count: int) -> list[dict[str, Any]]:
        """The next so many messages."""
        return [(await self.next()).data["message"] for _ in range(count)]

    async def _block(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        while line := (await self.response.content.readline()).decode():
            if line == "\n":
                return fields
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
        raise EOFError


class Browser:
    """Somebody's browser: keeps cookies and says where its requests come from."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = ClientSession(cookie_jar=CookieJar(unsafe=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> ClientResponse:
        """A request as our own page would make it, but for `headers`."""
        own = {"Origin": self.base, **(headers or {})}
        response = await self.session.request(method, self.base + path, headers=own, **more)
        await response.read()
        return response

    async def get(self, path: str, **more: Any) -> Any:
        """The JSON that a path answers with."""
        response = await self.ask("GET", path, **more)
        assert response.ok, (response.status, await response.text())
        return await response.json()

    async def post(self, path: str, json: Any = None, **more: Any) -> ClientResponse:
        return await self.ask("POST", path, json=json if json is not None else {}, **more)

    async def enter(self, name: str = "Ada", password: str = "") -> ClientResponse:
        return await self.post("/api/session", {"name": name, "password": password})

    async def upload(self, data: bytes, name: str = "photo.png", **more: Any) -> ClientResponse:
        form = FormData(quote_fields=False)
        form.add_field("file", data, filename=name, content_type="application/octet-stream")
        return await self.ask("POST", "/api/uploads", data=form, **more)

    async def uploaded(self, data: bytes, name: str = "photo.png") -> dict[str, str]:
        response = await self.upload(data, name)
        assert response.ok, await response.text()
        found: dict[str, str] = await response.json()
        return found

    async def send(self, text: str, *, event: str = "", channel: str = "general", **more: Any) -> ClientResponse:
        """Send from the composer; a new event each time unless one is given."""
        return await self.post(
            "/api/messages", {"event": event or str(uuid4()), "channel": channel, "text": text, **more}
        )

    async def said(self, text: str, **more: Any) -> str:
        """Send, and give the id of the message that it became."""
        response = await self.send(text, **more)
        assert response.status == web.HTTPAccepted.status_code, await response.text()
        message: str = (await response.json())["message"]
        return message

    async def notice(self, text: str, **more: Any) -> str:
        """Send what will be refused, and give the refusal."""
        response = await self.send(text, **more)
        assert response.status == web.HTTPUnprocessableEntity.status_code, await response.text()
        notice: str = (await response.json())["notice"]
        return notice

    @asynccontextmanager
    async def events(self, *, after: str = "", last: str = "") -> AsyncIterator["Events"]:
        """The stream of changes after a place, as a page follows it for the first time or (`last`) comes back to it."""
        headers = {"Last-Event-ID": last} if last else {}
        path = self.base + "/api/events" + (f"?after={after}" if after else "")
        async with self.session.get(path, headers=headers) as response:
            assert response.ok, await response.text()
            yield Events(response)

    async def cursor(self) -> str:
        """Where the live changes are now."""
        cursor: str = (await self.get("/api/start"))["cursor"]
        return cursor

    async def channel(self, channel: str = "general") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get(f"/api/channels/{channel}/messages"))["messages"]
        return found

    async def thread(self, root: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get(f"/api/threads/{root}"))["messages"]
        return found


@dataclass(slots=True)
class WebSite:
    """The workspace's parts, and its address."""

    base: str
    workspace: Workspace
    chat: WebChat
    intake: FakeIntake
    conversations: Conversations
    models: FakeModels
    directory: Path
    browsers: list[Browser] = field(default_factory=list)

    def browser(self) -> Browser:
        """A browser in which nobody has signed in."""
        self.browsers.append(Browser(self.base))
        return self.browsers[-1]

    async def somebody(self, name: str = "Ada", password: str = "") -> Browser:
        """A browser in which somebody has signed in."""
        browser = self.browser()
        response = await browser.enter(name, password)
        assert response.ok, await response.text()
        return browser


@asynccontextmanager
async def web_site(redis: Redis, directory: Path, setup: WebSetup | None = None) -> AsyncIterator[WebSite]:
    """The workspace, served on loopback over a store and a directory."""
    workspace, intake, models = Workspace(redis, directory, ttl=DAY), FakeIntake(), FakeModels()
    conversations = Conversations(redis, ttl=DAY)
    workshop, maker = PictureWorkshop(), Thumbnailer()
    wording = Wording(Library(redis, workshop), Styles(redis))
    app = create_app(workspace, intake, conversations, models, maker, setup or WebSetup(), wording)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    site = WebSite(base, workspace, WebChat(workspace), intake, conversations, models, directory)
    try:
        yield site
    finally:
        for browser in site.browsers:
            await browser.session.close()
        await runner.cleanup()
        await workshop.close()
