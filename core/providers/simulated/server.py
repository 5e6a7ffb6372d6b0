"""The simulated image service: a real HTTP server that stands in for the request queue and its storage.

What a newcomer gets without a key, and the double that tests hold the client against.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from core.providers.simulated.api import ORGANIZATION, QueueApi
from core.providers.simulated.counts import Counts
from core.providers.simulated.faults import Answer, Faults
from core.providers.simulated.files import FileApi
from core.providers.simulated.gate import Gate, say_errors, wrong_host
from core.providers.simulated.journal import Journal
from core.providers.simulated.links import Links
from core.providers.simulated.payloads import Body
from core.providers.simulated.rejection import Rejection
from core.providers.simulated.requests import Record, Requests
from core.providers.simulated.settings import SimulationSettings
from core.providers.simulated.shelf import Shelf
from core.providers.simulated.storage import Storage
from core.providers.simulated.studio import Studio
from core.providers.simulated.submits import Submits

_BACKLOG = 4096
_SHUTDOWN_SECONDS = 0.1


class SimulatedService:
    """One service on one port, from `start` to `stop` or as a context manager.

    `faults` says what goes wrong next; `counts`, `records` and `charged` (micro-dollars) say what it was asked.
    `clock` gives seconds since the epoch.
    """

    def __init__(self, settings: SimulationSettings | None = None, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings = settings or SimulationSettings()
        self.faults = Faults()
        self.counts = Counts()
        self._clock = clock
        self._requests = Requests(settings, clock)
        self._uploads = Shelf(settings.max_stored_bytes, settings.directory and settings.directory / "uploads")
        self._drawn = Shelf(settings.max_stored_bytes, settings.directory and settings.directory / "pictures")
        self._storage = Storage(settings, self._uploads, clock)
        self._links = Links(settings, self._storage, self._requests, clock)
        self._journal = Journal(settings.directory, settings.max_records)
        self._submits = Submits(
            settings=settings,
            requests=self._requests,
            links=self._links,
            journal=self._journal,
            faults=self.faults,
            secret=f"history:{settings.key}".encode(),
            clock=clock,
        )
        self._studio: Studio | None = None
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The base address of the API."""
        return f"{self._links.origin}{self.settings.prefix}"

    @property
    def wrong_url(self) -> str:
        """A base address where every call is answered 405, as the wrong host does."""
        return f"{self._links.origin}/v1"

    @property
    def key(self) -> str:
        """The API key that it takes."""
        return self.settings.key

    @property
    def origin(self) -> str:
        """Scheme, host and port of its storage, and of itself."""
        return self._links.origin

    @property
    def storage_host(self) -> str:
        """Host and port of its storage."""
        return self._links.origin.removeprefix("http://")

    @property
    def records(self) -> Sequence[Record]:
        """The requests that were made, oldest first."""
        return tuple(self._requests)

    @property
    def charged(self) -> int:
        """What all requests cost together, in micro-dollars."""
        return self._requests.charged

    @property
    def submits(self) -> Counter[str]:
        """How many requests were made with each prompt, by what was said last."""
        return Counter(record.prompt for record in self._requests if not record.elsewhere)

    def status(self, record: Record) -> str:
        """How far a request is, in the service's words."""
        return record.status(self._clock())

    def finish(self, record: Record) -> None:
        """End a request now, whatever was planned for it; one that was stuck succeeds."""
        self._requests.finish(record)

    def expire_links(self) -> None:
        """Let every link that there is by now die, of uploads and of results."""
        self._storage.dead_until = self._clock()

    async def make_elsewhere(self, model: str, payload: dict[str, Any]) -> Record:
        """Make a request as from the service's web console: listed, and not found by its id. Raises `Rejection`."""
        taken = await self._submits.take(Body(model=model, payload=payload), ORGANIZATION, elsewhere=True)
        if isinstance(taken, Answer):
            raise Rejection("rate limit exceeded", taken.status)
        return taken

    async def start(self) -> None:
        """Listen. Raises OSError when the address is not to be had."""
        await self._uploads.open()
        await self._drawn.open()
        await self._journal.open()
        await self._submits.catch_up()
        self._studio = Studio(self.settings, self._requests.find, self._storage, self._drawn)
        self._runner = web.AppRunner(
            self._application(self._studio), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        try:
            port = await self._listen(self._runner)
        except OSError:
            await self.stop()
            raise
        host = "127.0.0.1" if self.settings.host in ("0.0.0.0", "::", "") else self.settings.host  # noqa: S104
        self._links.origin = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Close the port, answers that are held open included, and drop unfinished drawings."""
        if self._runner:
            await self._runner.cleanup()
        if self._studio:
            await self._studio.close()
        self._runner = self._studio = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _listen(self, runner: web.AppRunner) -> int:
        """Open the port; without one in the settings, that of the first time if there was one and it is free."""
        remembered = 0 if self.settings.port else await self._journal.port()
        if remembered:
            with suppress(OSError):
                return await self._open(runner, remembered)
        port = await self._open(runner, self.settings.port)
        if not remembered:
            await self._journal.remember_port(port)
        return port

    async def _open(self, runner: web.AppRunner, port: int) -> int:
        await web.TCPSite(runner, self.settings.host, port, backlog=_BACKLOG).start()
        return int(runner.addresses[0][1])

    def _application(self, studio: Studio) -> web.Application:
        queue = QueueApi(
            settings=self.settings,
            requests=self._requests,
            submits=self._submits,
            links=self._links,
            storage=self._storage,
            studio=studio,
            counts=self.counts,
            clock=self._clock,
        )
        files = FileApi(self.settings, self._links, self._storage, studio, self.counts)
        gate = Gate(self.settings, self._requests, self.faults, self.counts, self._submits.secret, self._clock)
        application = web.Application(
            middlewares=[gate.authorize, gate.disturb, say_errors], client_max_size=self.settings.max_body_bytes
        )
        application.add_routes([*queue.routes(), *files.routes(), web.route("*", "/v1/{rest:.*}", wrong_host)])
        application.on_response_prepare.append(gate.tell_time)
        return application
