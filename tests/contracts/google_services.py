"""Google under contract, both of its APIs, played by the double."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from core.packing import key
from core.providers.google import ApiKey, GoogleImages, find_credentials, gemini_api, vertex_ai
from core.providers.google.client import Authority, Place
from core.providers.http import service_client
from tests.contracts.image_promises import LIFETIME, Ability, Clock, Trouble
from tests.fakes.google import Finish, GoogleDouble, Happening, Wire, faults
from tests.fakes.google.server import LOCATION, PROJECT

_FAULTS: Mapping[Trouble, Happening] = {
    Trouble.REFUSED: Finish("IMAGE_SAFETY"),
    Trouble.UNREADABLE: faults.UNREADABLE,
    Trouble.BAD_REQUEST: faults.BAD_REQUEST,
    Trouble.RATE_LIMITED: faults.rate_limited(faults.PER_MINUTE),
    Trouble.DAILY_LIMIT: faults.rate_limited(faults.PER_DAY),
    Trouble.OVERLOADED: faults.OVERLOADED,
    Trouble.NO_CREDIT: faults.OUT_OF_CREDIT,
    Trouble.CUT_BEFORE: Wire.CUT_BEFORE,
    Trouble.CUT_AFTER: Wire.CUT_AFTER,
    Trouble.CUT_WITHIN: Wire.CUT_WITHIN,
    Trouble.GATEWAY_PAGE: faults.GATEWAY,
    Trouble.GARBAGE: faults.GARBAGE,
    Trouble.EMPTY_ANSWER: faults.EMPTY,
    Trouble.INTERNAL_ERROR: faults.INTERNAL,
    Trouble.NO_IMAGE: Finish("NO_IMAGE"),
    Trouble.WORDS_ONLY: Finish("STOP", "Could you describe the fox?"),
}


@dataclass(slots=True)
class Google:
    """One of the APIs. It answers when the picture is there, and that is the end of the request."""

    double: GoogleDouble
    images: GoogleImages
    redis: Redis
    clock: Clock
    sent: Sequence[httpx.Request]
    model: str = "gemini-3.1-flash-image"
    abilities: frozenset[Ability] = field(default=frozenset({Ability.STORAGE, Ability.SIGNS}))
    troubles: frozenset[Trouble] = field(default=frozenset(_FAULTS))

    @property
    def posts(self) -> int:
        return sum(request.url.path.endswith(":generateContent") for request in self.sent)

    @property
    def made(self) -> int:
        return len(self.double.made)

    @property
    def keys_at_storage(self) -> int:
        return 0

    def next_submit(self, trouble: Trouble) -> None:
        self.double.faults.append(_FAULTS[trouble])

    def next_grant_expires(self) -> None:
        raise NotImplementedError

    def pictures_read(self, prompt: str) -> int:
        return len([wanted for wanted in self.double.made if wanted.prompt == prompt][-1].pictures)

    def turns_read(self, prompt: str) -> Sequence[dict[str, Any]]:
        return [wanted for wanted in self.double.made if wanted.prompt == prompt][-1].sent

    async def time_passes(self, seconds: float) -> None:
        self.clock.ahead += seconds
        async for name in self.redis.scan_iter(match=key("google", "*")):
            left = await self.redis.ttl(name) - round(seconds)
            await (self.redis.expire(name, left) if left > 0 else self.redis.delete(name))


@asynccontextmanager
async def gemini(redis_url: str) -> AsyncIterator[Google]:
    async with _playing() as double, _talking(double, redis_url, gemini_api(double.url), _key(double)) as google:
        yield google


@asynccontextmanager
async def vertex(redis_url: str) -> AsyncIterator[Google]:
    pytest.importorskip("google.auth", reason="google-auth, an extra, is not installed")
    with tempfile.TemporaryDirectory() as folder:
        async with _playing() as double:
            file = Path(folder) / "account.json"
            file.write_text(double.accounts.file(double.token_uri))
            tokens = await find_credentials(file)
            async with _talking(double, redis_url, vertex_ai(PROJECT, LOCATION, double.url), tokens) as google:
                yield google


@asynccontextmanager
async def _playing() -> AsyncIterator[GoogleDouble]:
    double = GoogleDouble(Clock())
    double.files.lifetime = LIFETIME
    async with double:
        yield double


def _key(double: GoogleDouble) -> ApiKey:
    return ApiKey(double.accounts.key)


@asynccontextmanager
async def _talking(double: GoogleDouble, redis_url: str, place: Place, authority: Authority) -> AsyncIterator[Google]:
    sent: list[httpx.Request] = []

    async def note(request: httpx.Request) -> None:
        sent.append(request)

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(service_client())
        client.event_hooks = {"request": [note]}
        redis = await stack.enter_async_context(Redis.from_url(redis_url))
        images = GoogleImages(client, redis, place=place, authority=authority)
        assert isinstance(double.clock, Clock)
        yield Google(double, images, redis, double.clock, sent)
