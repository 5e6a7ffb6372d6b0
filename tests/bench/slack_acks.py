"""`python -m tests.bench.slack_acks`: how soon Slack is answered under a burst, and how soon people see something."""

import asyncio
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from redis.asyncio import Redis

from bot.store import find_server
from bot.wiring import CoreSettings
from tests.e2e.slack_world import open_world
from tests.fakes.provider import FakeImages
from tests.fakes.slack import FakeSlack

BURST = 200
SINGLE = 20


def row(name: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p50, p99 = statistics.median(ordered), ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]
    return f"{name:<44} {len(ordered):>4}  p50 {p50 * 1000:7.1f} ms  p99 {p99 * 1000:7.1f} ms"


async def burst(redis_url: str, *, http: bool) -> str:
    async with FakeSlack() as fake:
        settings = CoreSettings(default_model="m1", drain=0.1, most_waiting=1000, daily_cap=10**12)
        world = await open_world(fake, redis_url, http=http, images=FakeImages(held=True), settings=settings)
        people = [fake.person(world.team, f"p{number}") for number in range(BURST)]
        await asyncio.gather(*(fake.slash(person, world.channel, "/imagine", "a fox") for person in people))
        latencies = fake.latencies("/imagine")
        failed = [d for d in fake.deliveries("/imagine") if d.failed]
        world.bot.images.release.set()
        await world.bot.close()
    mode = "HTTP" if http else "Socket Mode"
    return row(f"{mode}: acknowledged, burst of {BURST}", latencies) + f"  failed {len(failed)}"


async def singles(redis_url: str) -> list[str]:
    announced, posted = [], []
    async with FakeSlack() as fake:
        world = await open_world(
            fake, redis_url, settings=CoreSettings(default_model="m1", drain=0.1, most_waiting=1000)
        )
        for number in range(SINGLE):
            channel = fake.new_channel(world.team, f"c{number}", [world.alice])
            began, calls = time.monotonic(), len(fake.calls("chat.postMessage"))
            await fake.mention(world.alice, channel, "a fox")
            await world.until(lambda calls=calls: len(fake.calls("chat.postMessage")) > calls)
            announced.append(time.monotonic() - began)
            updates = len(fake.calls("chat.update"))
            await world.until(lambda updates=updates: len(fake.calls("chat.update")) > updates or None)
            posted.append(time.monotonic() - began)
            await world.quiet()
        await world.bot.close()
    return [row("mention to announced", announced), row("mention to picture (service answers at once)", posted)]


async def main() -> None:
    with TemporaryDirectory(prefix="imagine-") as home:
        socket = Path(home) / "redis.sock"
        command = [find_server(), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", home]
        server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        try:
            url = f"unix://{socket}"
            while not socket.exists():
                await asyncio.sleep(0.05)
            for http in (False, True):
                async with Redis.from_url(url) as redis:
                    await redis.flushall()
                print(await burst(url, http=http), flush=True)
            async with Redis.from_url(url) as redis:
                await redis.flushall()
            for line in await singles(url):
                print(line, flush=True)
        finally:
            server.terminate()
            await server.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
