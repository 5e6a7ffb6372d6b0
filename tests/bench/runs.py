"""One measured run: so many turns at once, through the real core, over a service in another process."""

import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx
import psutil
from redis.asyncio import Redis

from bot.wiring import Core, CoreSettings, open_core
from core.durations import Durations
from core.fetching import Fetcher
from core.ports import Announcement, Delivered, Notice, Result
from core.providers.gmi.provider import GmiImages
from core.providers.http import service_client
from core.services import Services
from core.turns import ImageRef, Operation, Person, Reference, ThreadKey, Turn, TurnId, turn_id
from tests.conftest import wait_until

MODEL = "gemini-2.5-flash-image"
SETTINGS = CoreSettings(
    requests_in_flight=5000, most_running=5000, most_waiting=5000, daily_cap=10**12, slots=200, drain=2.0
)


@dataclass(slots=True)
class Clockwork:
    """A chat platform that notes when the pictures came, and keeps nothing else."""

    name: str = "bench"
    posted: dict[str, float] = field(default_factory=dict)

    async def announce(self, turn: Turn, notice: Notice, *, repeated: bool) -> Announcement:
        thread = turn.thread.thread or turn.id
        return Announcement(replace(turn.thread, thread=thread), f"a-{turn.id}")

    async def update(self, turn: Turn, announcement: Announcement, notice: Notice) -> None:
        return

    async def deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        self.posted[turn.prompt] = time.time()
        return Delivered(f"p-{turn.id}", tuple(Reference(image.file_name) for image in result.images))

    async def fetch(self, reference: Reference, thread: ThreadKey) -> bytes:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds from the service's success to the post, polls (calls) per image, and what each turn cost the bot."""

    turns: int
    late_p50: float
    late_p99: float
    polls: float
    memory_kb: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A core at work over a service."""

    core: Core
    chat: Clockwork
    ends_url: str

    async def at_once(self, count: int, name: str) -> Figures:
        """So many turns of as many people at the same moment."""
        posted_before, before = len(self.chat.posted), await self._told()
        gc.collect()
        process, cpu = psutil.Process(), _cpu()
        memory = process.memory_info().rss
        await asyncio.gather(*(self.core.intake.accept(turn_of(f"{name} {number}")) for number in range(count)))
        peak = memory
        while len(self.chat.posted) - posted_before < count:
            await asyncio.sleep(0.25)
            peak = max(peak, process.memory_info().rss)
        spent = _cpu() - cpu
        told = await self._told()
        ends = told["ends"]
        late = sorted(at - ends[prompt] for prompt, at in self.chat.posted.items() if prompt.startswith(f"{name} "))
        return Figures(
            turns=count,
            late_p50=late[len(late) // 2],
            late_p99=late[min(len(late) - 1, int(len(late) * 0.99))],
            polls=(told["polls"] - before["polls"]) / count,
            memory_kb=(peak - memory) / 1024 / count,
            cpu_ms=spent * 1000 / count,
        )

    async def bytes_at(self, depths: tuple[int, ...]) -> dict[int, int]:
        """What the store grew by for the turn at each depth of one thread, once it had ended."""
        grown: dict[int, int] = {}
        thread, parent, before = ThreadKey("bench", "w", "deep"), None, await stored_bytes(self.core.redis)
        for depth in range(1, max(depths) + 1):
            turn = turn_of(f"depth {depth:03} of a quiet harbour in the rain, seen from above")
            # Ids as long as a platform's own.
            turn = replace(turn, id=turn_id("bench", f"{10**17 + 1}", f"{10**18 + depth}"))
            if parent is not None:
                turn = replace(turn, thread=thread, parent=parent, operation=Operation.EDIT)
            await self.core.intake.accept(turn)
            await wait_until(partial(self.core.redis.hexists, f"imagine:1:turn:{turn.id}", "ended"), timeout=30)
            thread, parent = replace(turn.thread, thread=turn.thread.thread or turn.id), ImageRef(turn.id)
            after = await stored_bytes(self.core.redis)
            if depth in depths:
                grown[depth] = after - before
            before = after
        return grown

    async def _told(self) -> dict[str, Any]:
        """What the service says: when each request ended, and how many calls asked how far requests were."""
        async with httpx.AsyncClient() as client:
            told: dict[str, Any] = (await client.get(self.ends_url)).json()
            return told


def turn_of(prompt: str) -> Turn:
    person = Person("bench", "w", prompt)
    return Turn(
        TurnId(f"bench:w:{prompt}".replace(" ", "-")), ThreadKey("bench", "w", "c"), person, prompt, time.time()
    )


async def stored_bytes(redis: Redis) -> int:
    """What our own keys take in the store, by its own account."""
    keys = [key async for key in redis.scan_iter("imagine:1:*", count=1000)]
    async with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.memory_usage(key, samples=0)
        return sum(size or 0 for size in await pipe.execute())


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@asynccontextmanager
async def bench(url: str, mode: str, seconds: float) -> AsyncIterator[Bench]:
    """A core over a service that takes so many seconds for a picture, give or take."""
    command = [sys.executable, "-m", "tests.bench.service", mode, str(seconds)]
    async with AsyncExitStack() as stack:
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        stack.push_async_callback(process.wait)
        stack.callback(process.terminate)
        assert process.stdout
        told = json.loads(await process.stdout.readline())
        fetcher = await stack.enter_async_context(Fetcher())
        client = await stack.enter_async_context(service_client())
        images = GmiImages(
            client, fetcher, key=told["key"], base_url=told["url"], storage_hosts=(told["storage"],), name="bench"
        )
        chat = Clockwork()
        core = await stack.enter_async_context(open_core(url, Services([images]), {"bench": chat}, fetcher, SETTINGS))
        for number in range(20):
            await Durations(core.redis).remember(f"bench:{MODEL}", seconds * (0.75 + number * 0.025))
        await stack.enter_async_context(core.working())
        yield Bench(core, chat, f"http://127.0.0.1:{told['port']}/ends")
