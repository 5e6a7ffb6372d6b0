"""The image services that the contract is held to, each as its double, seen from outside.

A provider joins by one row in `SERVICES`.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto
from functools import partial
from typing import Protocol, TypeAlias

import httpx

from core.fetching import Fetcher
from core.ports import ImageProvider
from core.providers.gmi import GmiImages, service_client
from core.providers.simulated.faults import (
    EMPTY,
    GARBAGE,
    INTERNAL,
    NO_CREDIT,
    Answer,
    Fate,
    Happening,
    Operation,
    Wire,
    gateway,
    rate_limited,
)
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import Delivery, SimulationSettings

DAY = 86_400.0
LIFETIME = 3_600.0
PAUSES = (0.05, 0.1, 0.2)


class Trouble(Enum):
    """What can go wrong with the next submit, or with what comes of it."""

    REFUSED = auto()
    """For its content."""
    UNREADABLE = auto()
    """A reference cannot be read."""
    BAD_REQUEST = auto()
    """The service behind the service does not take it."""
    RATE_LIMITED = auto()
    """Two a minute, the next in 29.97 seconds."""
    LATE_RATE_LIMIT = auto()
    """Accepted, and failed for the rate."""
    OVERLOADED = auto()
    NO_CREDIT = auto()
    FAILED = auto()
    CANCELLED = auto()
    CUT_BEFORE = auto()
    """The connection breaks and no request was made."""
    CUT_AFTER = auto()
    """The connection breaks and the request was made; so with the next four."""
    CUT_WITHIN = auto()
    GATEWAY_PAGE = auto()
    GARBAGE = auto()
    EMPTY_ANSWER = auto()
    INTERNAL_ERROR = auto()
    NO_IMAGE = auto()
    WORDS_ONLY = auto()
    NO_HISTORY = auto()
    LATE_LINK = auto()
    DEAD_LINK = auto()
    FOREIGN_LINK = auto()
    REDIRECT = auto()
    """The link leads to a host that nobody may fetch from."""
    HUGE = auto()
    STRANGE_STATUS = auto()


LOST_AND_MADE = (
    Trouble.CUT_AFTER,
    Trouble.CUT_WITHIN,
    Trouble.GATEWAY_PAGE,
    Trouble.GARBAGE,
    Trouble.EMPTY_ANSWER,
)
"""A request is there, and its answer is not."""


class Ability(StrEnum):
    """What not every service has."""

    LIST = "a list of its requests"
    STORAGE = "a storage of its own"


class ImageService(Protocol):
    """A double and the provider under test that talks to it."""

    abilities: frozenset[Ability]

    @property
    def images(self) -> ImageProvider: ...

    @property
    def model(self) -> str:
        """A model that draws."""
        ...

    @property
    def posts(self) -> int:
        """How many submits were sent, whether or not they arrived."""
        ...

    @property
    def made(self) -> int:
        """How many requests were made, and maybe charged."""
        ...

    @property
    def keys_at_storage(self) -> int:
        """How often the storage was shown a key."""
        ...

    def next_submit(self, trouble: Trouble) -> None:
        """Let the next submit go wrong."""
        ...

    def next_grant_expires(self) -> None:
        """Let the next upload come too late for its grant."""
        ...

    def pictures_read(self, prompt: str) -> int:
        """How many references the service has read for the latest request with this prompt."""
        ...

    def time_passes(self, seconds: float) -> None:
        """Let links die of age."""
        ...


@dataclass(slots=True)
class Clock:
    """The time, and what has been added to it."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


_FATES: Mapping[Trouble, Happening] = {
    Trouble.REFUSED: Fate.REFUSED,
    Trouble.UNREADABLE: Fate.UNREADABLE,
    Trouble.BAD_REQUEST: Fate.BACKEND_ERROR,
    Trouble.LATE_RATE_LIMIT: Fate.RATE_LIMITED,
    Trouble.OVERLOADED: Fate.OVERLOADED,
    Trouble.NO_CREDIT: NO_CREDIT,
    Trouble.FAILED: Fate.FAILED,
    Trouble.CANCELLED: Fate.CANCELLED,
    Trouble.CUT_BEFORE: Wire.CUT_BEFORE,
    Trouble.CUT_AFTER: Wire.CUT_AFTER,
    Trouble.CUT_WITHIN: Wire.CUT_WITHIN,
    Trouble.GATEWAY_PAGE: gateway(502, done=True),
    Trouble.GARBAGE: GARBAGE,
    Trouble.EMPTY_ANSWER: EMPTY,
    Trouble.INTERNAL_ERROR: INTERNAL,
    Trouble.NO_IMAGE: Fate.NO_IMAGE,
    Trouble.WORDS_ONLY: Fate.WORDS_ONLY,
    Trouble.NO_HISTORY: Fate.NO_HISTORY,
    Trouble.LATE_LINK: Fate.LATE_LINK,
    Trouble.DEAD_LINK: Fate.DEAD_LINK,
    Trouble.FOREIGN_LINK: Fate.FOREIGN_LINK,
    Trouble.REDIRECT: Fate.REDIRECT,
    Trouble.HUGE: Fate.HUGE,
    Trouble.STRANGE_STATUS: Fate.STRANGE_STATUS,
}


@dataclass(slots=True)
class RequestQueue:
    """The request queue, played by the simulated service."""

    service: SimulatedService
    images: GmiImages
    clock: Clock
    sent: Sequence[httpx.Request]
    model: str = "gemini-2.5-flash-image"
    abilities: frozenset[Ability] = field(default=frozenset(Ability))

    @property
    def posts(self) -> int:
        return sum(request.method == "POST" and request.url.path.endswith("/requests") for request in self.sent)

    @property
    def made(self) -> int:
        return len(self.service.records)

    @property
    def keys_at_storage(self) -> int:
        return self.service.counts.keys_sent_to_storage

    def next_submit(self, trouble: Trouble) -> None:
        limited = rate_limited(self.model, retry_after_ms=29_970)
        self.service.faults.add(limited if trouble is Trouble.RATE_LIMITED else _FATES[trouble])

    def next_grant_expires(self) -> None:
        refusal = "<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>"
        self.service.faults.add(Answer(400, refusal, content_type="application/xml"), operation=Operation.UPLOAD)

    def pictures_read(self, prompt: str) -> int:
        latest = [record for record in self.service.records if record.prompt == prompt][-1]
        return len(latest.references)

    def time_passes(self, seconds: float) -> None:
        self.clock.ahead += seconds


@asynccontextmanager
async def request_queue(delivery: Delivery) -> AsyncIterator[RequestQueue]:
    settings = replace(SimulationSettings.quick(delivery), upload_lifetime=LIFETIME, result_lifetime=LIFETIME)
    clock = Clock()
    sent: list[httpx.Request] = []

    async def note(request: httpx.Request) -> None:
        sent.append(request)

    async with SimulatedService(settings, clock) as service, service_client() as client, Fetcher() as fetcher:
        client.event_hooks = {"request": [note]}
        images = GmiImages(
            client,
            fetcher,
            key=service.key,
            base_url=service.url,
            storage_hosts=[service.storage_host],
            pauses=PAUSES,
        )
        yield RequestQueue(service, images, clock, sent)


OpenService: TypeAlias = Callable[[], AbstractAsyncContextManager[ImageService]]

SERVICES: Mapping[str, OpenService] = {
    "request queue, held answers": partial(request_queue, Delivery.HELD),
    "request queue, queued answers": partial(request_queue, Delivery.QUEUED),
}
