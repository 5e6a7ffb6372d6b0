"""A bot that kills itself, without a word, when it comes to a certain step.

python -m tests.chaos.victim '<JSON of Orders>'
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import httpx

from bot.wiring import Core, CoreSettings, open_core
from core.errors import AnswerLost
from core.fetching import Fetcher
from core.pace import Pace
from core.packing import unpack
from core.ports import Announcement, Delivered, Job, Listed, Notice, Result, Submission, Upload
from core.providers.gmi.provider import GmiImages
from core.providers.http import service_client
from core.services import Services
from core.statuses import Output, Request, Status
from core.turns import Person, Reference, ThreadKey, Turn, TurnId
from tests.chaos.places import PLATFORM, BoardChat

MODEL = "gemini-2.5-flash-image"


@dataclass(frozen=True, slots=True)
class Orders:
    """Where everything is, which turn to take on (none: only work), and at which step to die (none: at none)."""

    redis: str
    service: str
    key: str
    storage: str
    board: str
    turn: str = ""
    prompt: str = ""
    step: str = ""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(slots=True)
class DyingImages:
    """The image service's client, in a process that dies around a call."""

    images: GmiImages
    step: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.images, name)

    async def submit(self, job: Job) -> Submission:
        if self.step == "sending":
            die()
        try:
            submission = await self.images.submit(job)
        except AnswerLost:
            if self.step == "answer lost":
                die()
            raise
        if self.step == "submitted":
            die()
        return submission

    async def upload(self, picture: Any) -> Upload:
        if self.step == "preparing":
            die()
        return await self.images.upload(picture)

    async def look(self, request: Request) -> Status:
        if self.step == "waiting":
            die()
        return await self.images.look(request)

    async def recent(self, model: str, *, since: float, limit: int = 1000) -> Sequence[Listed]:
        if self.step == "searching":
            die()
        return await self.images.recent(model, since=since, limit=limit)

    async def download(self, output: Output) -> bytes:
        data = await self.images.download(output)
        if self.step == "downloaded":
            die()
        return data


@dataclass(slots=True)
class DyingChat:
    """The chat's client, in a process that dies around a call."""

    chat: BoardChat
    step: str
    name: str = PLATFORM

    async def announce(self, turn: Turn, notice: Notice, *, repeated: bool) -> Announcement:
        announcement = await self.chat.announce(turn, notice, repeated=repeated)
        if self.step == "announced" or (self.step == "queued" and notice.position):
            die()
        return announcement

    async def update(self, turn: Turn, announcement: Announcement, notice: Notice) -> None:
        await self.chat.update(turn, announcement, notice)
        if self.step == "remembered" and notice.stage.final:
            die()

    async def deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        if self.step == "delivering":
            die()
        delivered = await self.chat.deliver(turn, announcement, result, repeated=repeated)
        if self.step == "posted":
            die()
        return delivered

    async def fetch(self, reference: Reference, thread: ThreadKey) -> bytes:
        return await self.chat.fetch(reference, thread)


class DyingEngine:
    """Dies when a turn that was recorded is about to be woken."""

    def wake_soon(self, turn_id: TurnId) -> None:
        del turn_id
        die()


async def accept(core: Core, orders: Orders) -> None:
    turn = Turn(
        id=TurnId(orders.turn),
        thread=ThreadKey(PLATFORM, "w", "c"),
        author=Person(PLATFORM, "w", orders.turn),
        prompt=orders.prompt,
        asked_at=time.time(),
        references=(Reference("ref.png", channel="c", message="m", attachment="ref.png"),),
    )
    if orders.step == "queued":
        # A place in line that is not free yet: the service asked everybody to wait.
        await Pace(core.redis).learn(f"gmi:{MODEL}", after=3.0, limit=None)
    if orders.step == "claimed":
        core = replace(core, intake=replace(core.intake, engine=DyingEngine()))  # type: ignore[arg-type]
    await core.intake.accept(turn)


async def main(orders: Orders) -> None:
    async with AsyncExitStack() as stack:
        fetcher = await stack.enter_async_context(Fetcher())
        client = await stack.enter_async_context(service_client())
        board = await stack.enter_async_context(httpx.AsyncClient(base_url=orders.board, timeout=10))
        images = GmiImages(client, fetcher, key=orders.key, base_url=orders.service, storage_hosts=(orders.storage,))
        dying: Any = DyingImages(images, orders.step)
        chat = DyingChat(BoardChat(board), orders.step)
        settings = CoreSettings(daily_cap=10**12, most_waiting=1000, slots=10)
        core = await stack.enter_async_context(
            open_core(orders.redis, Services([dying]), {PLATFORM: chat}, fetcher, settings)
        )
        async with core.working():
            if orders.turn:
                await accept(core, orders)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(unpack(Orders, sys.argv[1])))
