"""The real core over fakes at its two borders and a real store between them."""

import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

import pytest

from bot.wiring import Core, CoreSettings, open_core
from core.durations import ENOUGH, Durations
from core.fetching import Fetcher
from core.services import Services
from core.turns import ImageRef, Operation, Person, ThreadKey, Turn, TurnId
from tests.conftest import wait_until
from tests.fakes.chat import FakeChat
from tests.fakes.provider import FakeImages

MakeHouse: TypeAlias = Callable[..., "House"]
SETTINGS = CoreSettings(default_model="m1", drain=1.0, slots=20, breaker_pause=0.05)


@dataclass
class House:
    """A core with its fakes, and what tests ask of it."""

    redis_url: str
    chat: FakeChat = field(default_factory=FakeChat)
    images: FakeImages = field(default_factory=FakeImages)
    settings: CoreSettings = SETTINGS
    others: tuple[FakeImages, ...] = ()
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    core: Core = field(init=False)

    async def open(self, *, working: bool = True) -> Self:
        fetcher = await self.stack.enter_async_context(Fetcher())
        services = Services([self.images, *self.others])
        self.core = await self.stack.enter_async_context(
            open_core(self.redis_url, services, {"fake": self.chat}, fetcher, self.settings)
        )
        self.stack.push_async_callback(self.core.sender.drain, 0)
        # A model that is known to be quick is looked at often.
        for model in ("m1", "m2"):
            for _ in range(ENOUGH):
                await Durations(self.core.redis).remember(f"fake:{model}", 0.05)
        if working:
            await self.stack.enter_async_context(self.core.working())
        return self

    async def close(self) -> None:
        await self.stack.aclose()
        self.stack = AsyncExitStack()

    def turn(self, prompt: str = "a fox", *, user: str = "ada", **changes: Any) -> Turn:
        number = next(self.numbers)
        known = Turn(
            id=TurnId(f"fake:w:{number}"),
            thread=ThreadKey("fake", "w", "c"),
            author=Person("fake", "w", user, user.title()),
            prompt=prompt,
            asked_at=time.time(),
        )
        return replace(known, **changes)

    def edit(self, of: Turn, prompt: str = "make it night", **changes: Any) -> Turn:
        thread = self.chat.announcements[of.id].thread
        return self.turn(prompt, thread=thread, parent=ImageRef(of.id), operation=Operation.EDIT, **changes)

    async def ask(self, turn: Turn) -> Turn:
        assert await self.core.intake.accept(turn)
        return turn

    async def ended(self, turn: Turn, timeout: float = 10.0) -> str:
        async def how() -> str:
            found = await self.core.redis.hget(f"imagine:1:turn:{turn.id}", "ended")
            return found.decode() if isinstance(found, bytes) else ""

        return str(await wait_until(how, timeout))

    async def done(self, turn: Turn) -> Turn:
        """Ask, and wait for the picture."""
        await self.ask(turn)
        assert await self.ended(turn) == "done", self.chat.notices.get(turn.id)
        return turn


@pytest.fixture
async def house(redis_url: str) -> AsyncIterator[House]:
    """A core that is at work."""
    house = await House(redis_url).open()
    yield house
    await house.close()


@pytest.fixture
async def idle_house(redis_url: str) -> AsyncIterator[House]:
    """A core whose worker has not been started."""
    house = await House(redis_url).open(working=False)
    yield house
    await house.close()


@pytest.fixture
async def make_house(redis_url: str) -> AsyncIterator[MakeHouse]:
    """Houses that a test opens itself, all over one store."""
    houses: list[House] = []

    def make(**parts: Any) -> House:
        houses.append(House(redis_url, **parts))
        return houses[-1]

    yield make
    for house in houses:
        await house.close()
