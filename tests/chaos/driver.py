"""Kills a bot at a step, starts another in its place, and counts what people got and what the service was asked for."""

import asyncio
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.health import listening
from bot.store import find_server
from core.packing import pack
from core.providers.simulated.faults import Wire
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import Delivery, SimulationSettings
from tests.chaos.places import Board
from tests.chaos.victim import Orders
from tests.fakes.provider import png

STEPS = (
    "claimed",
    "queued",
    "announced",
    "preparing",
    "sending",
    "submitted",
    "answer lost",
    "searching",
    "waiting",
    "downloaded",
    "delivering",
    "posted",
    "remembered",
)
LOSES_ANSWERS = ("answer lost", "searching")
PATIENCE_SECONDS = 240.0
SUICIDE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one kill led to. `killed` is false when the victim never came to the step."""

    step: str
    killed: bool
    ended: str
    submits: int
    announcements: int
    deliveries: int
    said: str

    @property
    def lost(self) -> bool:
        """Nothing, neither picture nor reason, where one was promised."""
        return not self.ended or (self.ended == "done" and not self.deliveries)

    @property
    def doubled(self) -> bool:
        return self.announcements > 1 or self.deliveries > 1

    @property
    def honest(self) -> bool:
        """Ended by saying that it may have been charged."""
        return self.ended == "failed" and "may have been charged" in self.said


@dataclass(slots=True)
class Ground:
    """What outlives every victim: the service, the board, and the stores."""

    service: SimulatedService
    board: Board
    board_url: str
    socket: Path
    databases: "asyncio.Queue[int]"

    async def trial(self, step: str, number: int) -> Outcome:
        """Kill one bot at a step, and wait for what its successor makes of the turn."""
        database = await self.databases.get()
        try:
            return await self._trial(step, f"{step.replace(' ', '-')}.{number}", database)
        finally:
            self.databases.put_nowait(database)

    async def _trial(self, step: str, name: str, database: int) -> Outcome:
        url = f"unix://{self.socket}?db={database}"
        prompt = f"chaos {name}"
        orders = Orders(url, self.service.url, self.service.key, self.service.storage_host, self.board_url)
        if step in LOSES_ANSWERS:
            self.service.faults.add(Wire.CUT_AFTER, prompt=prompt)
        async with Redis.from_url(url) as redis:
            await redis.flushdb()
            killed = await _run_to_death(replace(orders, turn=name, prompt=prompt, step=step))
            with _victim(orders):
                ended = await _ended(redis, name) if killed else ""
        return Outcome(
            step=step,
            killed=killed,
            ended=ended,
            submits=self.service.submits[prompt],
            announcements=self.board.posts[f"announce-{name}"],
            deliveries=self.board.posts[f"deliver-{name}"],
            said=" ".join(self.board.notices.get(name, [])[-1:]),
        )


async def _run_to_death(orders: Orders) -> bool:
    with _victim(orders) as process:
        try:
            code = await asyncio.wait_for(asyncio.to_thread(process.wait), SUICIDE_SECONDS)
        except TimeoutError:
            return False
        return code == -signal.SIGKILL


@contextmanager
def _victim(orders: Orders) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.chaos.victim", pack(Orders, orders).decode()]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


async def _ended(redis: Redis, turn: str) -> str:
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = await redis.hget(f"imagine:1:turn:{turn}", "ended")
                if found is not None:
                    return bytes(found).decode() if isinstance(found, bytes) else str(found)
                await asyncio.sleep(0.1)
    return ""


@asynccontextmanager
async def ground(at_once: int) -> AsyncIterator[Ground]:
    """A service, a board and a store with a database for each trial that runs at the same time."""
    settings = SimulationSettings.quick(Delivery.QUEUED, waiting=0.2, drawing=0.6)
    board = Board(files={"ref.png": png("red")})
    with tempfile.TemporaryDirectory(prefix="imagine-") as home:
        socket = Path(home) / "redis.sock"
        command = [find_server(), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", home]
        command += ["--databases", str(at_once)]
        databases: asyncio.Queue[int] = asyncio.Queue()
        for number in range(at_once):
            databases.put_nowait(number)
        server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        try:
            await _up(socket)
            app: web.Application = board.application()
            async with SimulatedService(settings) as service, listening(app, "127.0.0.1", 0) as port:
                yield Ground(service, board, f"http://127.0.0.1:{port}", socket, databases)
        finally:
            server.terminate()
            await server.wait()


async def _up(socket: Path) -> None:
    async with Redis(unix_socket_path=str(socket)) as redis:
        while True:
            with suppress(RedisError, OSError):
                await redis.ping()
                return
            await asyncio.sleep(0.05)


async def kill_everywhere(steps: Sequence[str], times: int, at_once: int) -> list[Outcome]:
    """So many kills at each of the steps, a few of them side by side."""
    gate = asyncio.Semaphore(at_once)
    async with ground(at_once) as field:

        async def one(step: str, number: int) -> Outcome:
            async with gate:
                return await field.trial(step, number)

        return await asyncio.gather(*(one(step, number) for number in range(times) for step in steps))
