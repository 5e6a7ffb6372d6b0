"""`python -m tests.chaos.slack`: a whole bot on Slack, killed around each call that it makes, and another in its place.

The bot is the real one (`python -m bot run`) with nothing changed inside: it is the double that kills it, before or
after a call has had its effect.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from redis.asyncio import Redis

from bot.store import find_server
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import Delivery, SimulationSettings
from tests.chaos.driver import _up
from tests.conftest import wait_until
from tests.fakes.slack import FakeSlack, Shown

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120.0
Arguments = dict[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """A call of the bot's, told apart by its arguments, and which side of its effect the bot dies on."""

    name: str
    method: str
    after: bool
    mine: Callable[[Arguments], bool] = lambda _: True


def steps() -> list[Step]:
    calls: list[tuple[str, str, Callable[[Arguments], bool]]] = [
        ("root", "chat.postMessage", lambda args: not args.get("thread_ts")),
        ("announcement", "chat.postMessage", lambda args: bool(args.get("thread_ts"))),
        ("upload address", "files.getUploadURLExternal", lambda _: True),
        ("upload", "upload", lambda _: True),
        ("upload complete", "files.completeUploadExternal", lambda _: True),
        ("picture", "chat.update", lambda args: bool(args.get("file_ids"))),
    ]
    return [
        Step(f"{'after' if after else 'before'} {name}", method, after, mine)
        for name, method, mine in calls
        for after in (False, True)
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What people saw of one turn, and what it cost."""

    step: str
    killed: bool
    roots: int
    announcements: int
    pictures: int
    submits: int

    @property
    def lost(self) -> bool:
        return self.pictures == 0

    @property
    def doubled(self) -> bool:
        return max(self.roots, self.announcements, self.pictures, self.submits) > 1


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def environment(fake: FakeSlack, token: str, redis_url: str, **more: str) -> dict[str, str]:
    """What the bot is told. Nothing else of this process's environment reaches it."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "SLACK_BOT_TOKEN": token,
        "SLACK_APP_TOKEN": fake.app.app_token,
        "SLACK_API_BASE": fake.api_url,
        "SLACK_FILE_HOSTS": urlsplit(fake.base_url).netloc,
        "REDIS_URL": redis_url,
        "HEALTH_PORT": str(free_port()),
        "LOG_LEVEL": "error",
        **more,
    }


@asynccontextmanager
async def bot(fake: FakeSlack, told: dict[str, str], role: str = "run") -> AsyncIterator[asyncio.subprocess.Process]:
    """A bot in a process of its own, once it hears Slack."""
    before = fake.sockets.ever_opened
    log = Path(told["REDIS_URL"].removeprefix("unix://").partition("?")[0]).parent / f"bot-{time.monotonic_ns()}.log"
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", role, cwd=ROOT, env=told | {"HEALTH_PORT": str(free_port())},
            stdout=said, stderr=said,
        )  # fmt: skip
        try:
            if "SLACK_APP_TOKEN" in told:
                await fake.wait_for(lambda: fake.sockets.ever_opened > before, timeout=60, what=log.read_text())
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def trial(step: Step, number: int, service: SimulatedService, redis_url: str) -> Outcome:
    """Kill one bot at a step, and see what its successor makes of the turn."""
    prompt = f"chaos {step.name} {number}"
    async with FakeSlack() as fake, Redis.from_url(redis_url) as redis:
        await redis.flushdb()
        team = fake.workspace("Acme")
        alice = fake.person(team, "alice")
        channel = fake.new_channel(team, "general", [alice])
        told = environment(
            fake, team.bot_token, redis_url,
            IMAGE_PROVIDER="gmi", GMI_API_KEY=service.key, GMI_BASE_URL=service.url, RESULT_HOSTS=service.storage_host,
        )  # fmt: skip
        async with bot(fake, told) as victim:
            _arm(fake, step, victim)
            await fake.slash(alice, channel, "/imagine", prompt)
            killed = await _died(victim)
        async with bot(fake, told):
            await _settled(fake, redis, lambda: [s for s in fake.everything(alice, channel) if s.pictures])
            shown = [s for s in fake.everything(alice, channel) if not s.private]
    return Outcome(
        step=step.name,
        killed=killed,
        roots=sum(not s.message.is_reply for s in shown),
        announcements=sum(s.message.is_reply for s in shown),
        pictures=sum(len(s.pictures) for s in shown),
        submits=service.submits[prompt],
    )


def _arm(fake: FakeSlack, step: Step, victim: asyncio.subprocess.Process) -> None:
    """The next such call kills its caller."""

    def strike(args: Arguments) -> bool:
        if not step.mine(args):
            return False
        if step.after:
            asyncio.get_running_loop().call_later(0.01, victim.send_signal, signal.SIGKILL)
        else:
            victim.send_signal(signal.SIGKILL)
        return True

    fake.fail(step.method, drop="after" if step.after else "before", when=strike)


async def _died(victim: asyncio.subprocess.Process) -> bool:
    try:
        return await asyncio.wait_for(victim.wait(), 60) == -signal.SIGKILL
    except TimeoutError:
        return False


async def _settled(fake: FakeSlack, redis: Redis, posted: Callable[[], list[Shown]]) -> None:
    """Wait until no turn is open: whatever was to be seen is there."""

    async def ended() -> bool:
        return bool(posted()) and not await redis.zcard("imagine:1:open")

    with suppress(TimeoutError):
        await wait_until(ended, PATIENCE_SECONDS)


async def run(times: int, at_once: int, only: list[str]) -> list[Outcome]:
    gate = asyncio.Semaphore(at_once)
    databases: asyncio.Queue[int] = asyncio.Queue()
    for number in range(at_once):
        databases.put_nowait(number)
    quick = SimulationSettings.quick(Delivery.QUEUED, waiting=0.1, drawing=0.3)
    with TemporaryDirectory(prefix="imagine-") as home:
        path = Path(home) / "redis.sock"
        command = [find_server(), "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", home]
        server = await asyncio.create_subprocess_exec(
            *command, "--databases", str(at_once), stdout=asyncio.subprocess.DEVNULL
        )
        try:
            await _up(path)
            async with SimulatedService(quick) as service:

                async def one(step: Step, number: int) -> Outcome:
                    async with gate:
                        database = await databases.get()
                        try:
                            return await trial(step, number, service, f"unix://{path}?db={database}")
                        finally:
                            databases.put_nowait(database)

                chosen = [step for step in steps() if not only or step.name in only]
                return await asyncio.gather(*(one(step, number) for number in range(times) for step in chosen))
        finally:
            server.terminate()
            await server.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.slack", description=__doc__)
    parser.add_argument("--times", type=int, default=42, help="kills at each of the twelve places")
    parser.add_argument("--at-once", type=int, default=4, help="trials side by side")
    parser.add_argument("--step", action="append", default=[], choices=[step.name for step in steps()])
    wishes = parser.parse_args()
    began = time.monotonic()
    outcomes = asyncio.run(run(wishes.times, wishes.at_once, wishes.step))
    print(f"{'killed':<24}{'kills':>6}{'lost':>6}{'doubled':>8}")
    for name in dict.fromkeys(outcome.step for outcome in outcomes):
        mine = [outcome for outcome in outcomes if outcome.step == name]
        lost, doubled = sum(one.lost for one in mine), sum(one.doubled for one in mine)
        print(f"{name:<24}{sum(one.killed for one in mine):>6}{lost:>6}{doubled:>8}")
    bad = [outcome for outcome in outcomes if outcome.lost or outcome.doubled or not outcome.killed]
    print(*bad, sep="\n")
    print(f"{len(outcomes)} trials in {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
