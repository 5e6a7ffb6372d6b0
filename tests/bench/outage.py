"""`python -m tests.bench.outage`: how soon a new command is served after the store was away, with many answers held.

The store is a real server with its append-only file on. It is killed, or paused, and comes back some seconds later.
"""

import argparse
import asyncio
import logging
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.store import find_server
from bot.wiring import Core, CoreSettings, open_core
from core.fetching import Fetcher
from core.ports import Job, Submission
from core.services import Services
from core.turns import Person, ThreadKey, Turn, TurnId
from tests.conftest import wait_until
from tests.fakes.chat import FakeChat
from tests.fakes.provider import FakeImages

HELD = "held"
SETTINGS = CoreSettings(default_model="m1", requests_in_flight=500, most_running=500, most_waiting=500, drain=0.1)
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class HoldingImages(FakeImages):
    """Keeps the answers to some prompts, and gives all others at once."""

    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def submit(self, job: Job) -> Submission:
        submission = await super(HoldingImages, self).submit(job)
        if job.prompt.startswith(HELD):
            await self.waiting.wait()
        return submission


@dataclass(slots=True)
class Store:
    """A server that can be taken away and brought back."""

    home: Path
    process: asyncio.subprocess.Process | None = None

    @property
    def socket(self) -> str:
        return str(self.home / "redis.sock")

    async def start(self) -> None:
        command = [find_server(), "--port", "0", "--unixsocket", self.socket, "--dir", str(self.home)]
        command += ["--save", "", "--appendonly", "yes"]
        self.process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        async with Redis(unix_socket_path=self.socket) as redis:
            await wait_until(lambda: _answers(redis), 10)

    async def away(self, seconds: float, *, paused: bool) -> None:
        assert self.process
        self.process.send_signal(signal.SIGSTOP if paused else signal.SIGKILL)
        await asyncio.sleep(seconds)
        if paused:
            self.process.send_signal(signal.SIGCONT)
        else:
            await self.process.wait()
            await self.start()

    async def stop(self) -> None:
        if self.process:
            self.process.terminate()
            await self.process.wait()


async def _answers(redis: Redis) -> bool:
    try:
        return bool(await redis.ping())
    except (RedisError, OSError):
        return False


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds from the store's return: until a command could be taken on, and until its picture was there."""

    accepted: float
    served: float
    held: int
    done: int
    submitted_twice: int
    posted_twice: int


async def outage(*, held: int, seconds: float, paused: bool) -> Figures:
    """Take the store away while so many answers are held, and ask for a picture once it is back."""
    async with _stage() as (store, core, chat, images):
        turns = [_turn(f"{HELD} {number}") for number in range(held)]
        for turn in turns:
            await core.intake.accept(turn)
        await wait_until(lambda: len(images.sent) == held, PATIENCE_SECONDS)
        await store.away(seconds, paused=paused)
        back, new = time.monotonic(), _turn("new")
        await wait_until(lambda: _taken(core, new), PATIENCE_SECONDS)
        accepted = time.monotonic() - back
        await wait_until(lambda: new.id in chat.results, PATIENCE_SECONDS)
        served = time.monotonic() - back
        images.waiting.set()
        await wait_until(lambda: len(chat.results) == held + 1, PATIENCE_SECONDS)
        return Figures(
            accepted=accepted,
            served=served,
            held=held,
            done=len(chat.results) - 1,
            submitted_twice=len(images.sent) - held - 1,
            posted_twice=sum(count > 1 for count in chat.posts.values()),
        )


async def _taken(core: Core, turn: Turn) -> bool:
    try:
        await core.intake.accept(turn)
    except (RedisError, OSError):
        return False
    return True


def _turn(prompt: str) -> Turn:
    event = prompt.replace(" ", "-")
    person = Person("fake", "w", event)
    return Turn(TurnId(f"fake:w:{event}"), ThreadKey("fake", "w", "c"), person, prompt, time.time())


@asynccontextmanager
async def _stage() -> AsyncIterator[tuple[Store, Core, FakeChat, HoldingImages]]:
    async with AsyncExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="imagine-"))
        store, chat, images = Store(Path(home)), FakeChat(), HoldingImages()
        await store.start()
        stack.push_async_callback(store.stop)
        fetcher = await stack.enter_async_context(Fetcher())
        url, platforms = f"unix://{store.socket}", {"fake": chat}
        core = await stack.enter_async_context(open_core(url, Services([images]), platforms, fetcher, SETTINGS))
        await stack.enter_async_context(core.working())
        yield store, core, chat, images


async def measure(held: int, seconds: float, rounds: int) -> None:
    print(f"{held} answers held, the store away for {seconds:g} s; seconds after its return")
    print(f"{'how':>8}{'taken on':>10}{'served':>9}{'held done':>11}{'sent twice':>12}{'posted twice':>14}")
    for paused in (False, True):
        for _ in range(rounds):
            it = await outage(held=held, seconds=seconds, paused=paused)
            how = "paused" if paused else "killed"
            done = f"{it.done}/{it.held}"
            print(
                f"{how:>8}{it.accepted:>10.2f}{it.served:>9.2f}{done:>11}{it.submitted_twice:>12}{it.posted_twice:>14}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.outage", description=__doc__)
    parser.add_argument("--held", type=int, default=50, help="answers that are held meanwhile")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long the store is away")
    parser.add_argument("--rounds", type=int, default=3)
    wishes = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    asyncio.run(measure(wishes.held, wishes.seconds, wishes.rounds))


if __name__ == "__main__":
    main()
