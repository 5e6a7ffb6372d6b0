"""An image service that says exactly what it is told to say: for shapes and faults that no decent service has."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from core.fetching import Fetcher
from core.providers.gmi import GmiImages, service_client

KEY = "a-key-that-nobody-may-see"
API = "/api"
STORAGE = "/storage"


@dataclass(frozen=True, slots=True)
class Say:
    """One answer. `body` is JSON unless it is bytes. With `cut`, the connection ends in its place."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Heard:
    """One call as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class ScriptedService:
    """Answers each call with the next answer of its place, and the last one again and again."""

    def __init__(self) -> None:
        self.origin = ""
        self.heard: list[Heard] = []
        self._script: dict[str, deque[Say]] = defaultdict(deque)

    def says(self, place: str, *answers: Say) -> None:
        """What is answered at a place such as `GET /api/models`."""
        self._script[place] = deque(answers)

    def at(self, place: str) -> Sequence[Heard]:
        """The calls that arrived there."""
        return [call for call in self.heard if f"{call.method} {call.path}" == place]

    @property
    def host(self) -> str:
        return self.origin.removeprefix("http://")

    @property
    def url(self) -> str:
        return f"{self.origin}{API}"

    async def answer(self, request: web.Request) -> web.Response:
        """The handler of every call."""
        path = request.raw_path.partition("?")[0]
        self.heard.append(Heard(request.method, path, request.query, request.headers, await request.read()))
        script = self._script.get(f"{request.method} {path}")
        if not script:
            return web.Response(status=404, text="404 page not found")
        say = script.popleft() if len(script) > 1 else script[0]
        if say.cut and request.transport:
            request.transport.close()
        kind = "text/html" if isinstance(say.body, bytes) else "application/json"
        return web.Response(status=say.status, body=say.data, headers={"Content-Type": kind, **say.headers})


@asynccontextmanager
async def scripted_service() -> AsyncIterator[ScriptedService]:
    """A service that listens on a port of its own until the block is left."""
    service = ScriptedService()
    application = web.Application()
    application.add_routes([web.route("*", "/{path:.*}", service.answer)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        service.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield service
    finally:
        await runner.cleanup()


@asynccontextmanager
async def images_of(service: ScriptedService, **more: Any) -> AsyncIterator[GmiImages]:
    """The provider under test, as a customer of that service."""
    parts = {"key": KEY, "base_url": service.url, "storage_hosts": [service.host], "pauses": (0.01, 0.02)}
    async with service_client() as client, Fetcher() as fetcher:
        yield GmiImages(client, fetcher, **(parts | more))


class RudeServer:
    """A server below HTTP. To every connection it says `answer`, after a request's first byte or at once, and closes.

    With `stays` it leaves the connection open instead, and with `drips` it goes on to say a space now and then.
    """

    def __init__(self, answer: bytes = b"", *, reads: bool = True, stays: bool = False, drips: bool = False) -> None:
        self.url = ""
        self.connections = 0
        self._answer = answer
        self._reads = reads
        self._stays = stays or drips
        self._drips = drips
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{API}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._reads:
                await reader.read(1)
            writer.write(self._answer)
            while self._stays:
                await asyncio.sleep(0.05)
                writer.write(b" " * self._drips)
        finally:
            writer.close()
