"""The request queue under contract, played by the simulated service."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from core.fetching import Fetcher
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
from tests.contracts.image_promises import LIFETIME, Ability, Clock, Trouble

PAUSES = (0.05, 0.1, 0.2)

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
    abilities: frozenset[Ability] = field(default=frozenset(Ability) - {Ability.SIGNS})
    troubles: frozenset[Trouble] = field(default=frozenset(Trouble) - {Trouble.DAILY_LIMIT})

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

    def turns_read(self, prompt: str) -> Sequence[dict[str, Any]]:
        latest = [record for record in self.service.records if record.prompt == prompt][-1]
        contents: Sequence[dict[str, Any]] = latest.payload.get("contents", [])
        return contents

    async def time_passes(self, seconds: float) -> None:
        self.clock.ahead += seconds


@asynccontextmanager
async def request_queue(delivery: Delivery, _: str = "") -> AsyncIterator[RequestQueue]:
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
