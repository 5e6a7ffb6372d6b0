"""`python -m tests.chaos.discord`: kills a bot on Discord at each step, and counts what people then see.

Gateway and worker are one process here, so that every kill takes both: a successor has to hear what was said, and to
find what was posted.
"""

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from redis.asyncio import Redis
from simcord.backend.models import Channel

from bot.store import find_server
from core.packing import pack
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import Delivery, SimulationSettings
from tests.chaos.discord_bot import DiscordOrders
from tests.conftest import wait_until
from tests.fakes.discord import FakeDiscord

STEPS = (
    "before record",
    "after record",
    "before answer",
    "after answer",
    "before announcement",
    "after announcement",
    "before thread",
    "after thread",
    "before picture",
    "after picture",
    "before edit",
    "after edit",
)
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What people saw after one kill. `killed` is false when the victim never came to the step."""

    step: str
    killed: bool
    announcements: int
    pictures: int
    submits: int

    @property
    def lost(self) -> bool:
        return self.announcements < 1 or self.pictures < 1

    @property
    def doubled(self) -> bool:
        return self.announcements > 1 or self.pictures > 1


async def trial(orders: DiscordOrders, service: SimulatedService, step: str, prompt: str) -> Outcome:
    """Kill one bot at a step, and look at what its successor leaves."""
    async with FakeDiscord() as fake:
        guild = fake.guild("Studio")
        channel = fake.channel(guild, "pictures")
        alice = fake.person("alice", guild)
        orders = replace(
            orders, token=fake.token, api=fake.api_base, gateway=fake.gateway_url, cdn=fake.cdn_base, step=step
        )
        with _bot(orders) as victim:
            await fake.until(lambda: fake.world.find_command("imagine", None, 1) and fake.gateway.sessions, 60)
            await alice.slash(channel, "imagine", {"prompt": prompt})
            killed = await _code(victim) == -signal.SIGKILL
        with _bot(replace(orders, step="")):
            await _settled(fake, channel)
        return Outcome(step, killed, len(_ours(fake, channel)), _pictures(fake, channel), service.submits[prompt])


async def _settled(fake: FakeDiscord, channel: Channel) -> None:
    def settled() -> bool:
        ours = _ours(fake, channel)
        return bool(ours) and "Done." in ours[-1] and _pictures(fake, channel) > 0

    try:
        await fake.until(settled, PATIENCE_SECONDS)
    except AssertionError:
        return
    # Whatever might still be posted twice is posted by now.
    await asyncio.sleep(1.0)


def _ours(fake: FakeDiscord, channel: Channel) -> list[str]:
    return [seen.content for seen in fake.messages(channel) if seen.author_id == fake.bot.id]


def _pictures(fake: FakeDiscord, channel: Channel) -> int:
    places = [channel, *fake.threads(channel)]
    return sum(bool(seen.files) for place in places for seen in fake.messages(place))


async def _code(process: "subprocess.Popen[bytes]") -> int | None:
    try:
        return await asyncio.wait_for(asyncio.to_thread(process.wait), 60)
    except TimeoutError:
        return None


@contextmanager
def _bot(orders: DiscordOrders) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.chaos.discord_bot", pack(DiscordOrders, orders).decode()]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@asynccontextmanager
async def stores(count: int) -> AsyncIterator["asyncio.Queue[str]"]:
    """The addresses of so many empty databases."""
    with tempfile.TemporaryDirectory(prefix="imagine-") as home:
        socket = Path(home) / "redis.sock"
        command = [find_server(), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", home]
        server = await asyncio.create_subprocess_exec(
            *command, "--databases", str(count), stdout=asyncio.subprocess.DEVNULL
        )
        try:
            await wait_until(socket.exists)
            urls: asyncio.Queue[str] = asyncio.Queue()
            for number in range(count):
                urls.put_nowait(f"unix://{socket}?db={number}")
            yield urls
        finally:
            server.terminate()
            await server.wait()


async def kill_everywhere(steps: list[str], times: int, at_once: int) -> list[Outcome]:
    """So many kills at each step, a few side by side."""
    settings = SimulationSettings.quick(Delivery.QUEUED, waiting=0.2, drawing=0.6)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(SimulatedService(settings))
        urls = await stack.enter_async_context(stores(at_once))

        async def one(step: str, number: int) -> Outcome:
            url = await urls.get()
            try:
                async with Redis.from_url(url) as redis:
                    await redis.flushdb()
                orders = DiscordOrders(url, service.url, service.key, service.storage_host, "", "", "", "")
                return await trial(orders, service, step, f"chaos {step} {number}")
            finally:
                urls.put_nowait(url)

        return await asyncio.gather(*(one(step, number) for number in range(times) for step in steps))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.discord", description=__doc__)
    parser.add_argument("--times", type=int, default=42, help="kills at each step")
    parser.add_argument("--at-once", type=int, default=6, help="trials side by side")
    parser.add_argument("--step", action="append", choices=STEPS, help="only this step; may be given several times")
    wishes = parser.parse_args()
    began = time.monotonic()
    steps = wishes.step or list(STEPS)
    outcomes = asyncio.run(kill_everywhere(steps, wishes.times, wishes.at_once))
    print(f"{'killed':>20}  {'kills':>6}  {'lost':>6}  {'doubled':>8}  {'submitted twice':>16}")
    bad = 0
    for step in steps:
        mine = [outcome for outcome in outcomes if outcome.step == step]
        counts = [sum(getattr(one, name) for one in mine) for name in ("killed", "lost", "doubled")]
        twice = sum(one.submits > 1 for one in mine)
        bad += counts[1] + counts[2] + twice + len(mine) - counts[0]
        print(f"{step:>20}  {counts[0]:>6}  {counts[1]:>6}  {counts[2]:>8}  {twice:>16}")
    print(f"{len(outcomes)} kills in {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
