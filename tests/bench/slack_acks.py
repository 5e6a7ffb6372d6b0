"""`python -m tests.bench.slack_acks`: how soon Slack is answered under a burst, and how soon people see something."""

import asyncio
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from redis.asyncio import Redis

from adapters.slack.http import EVENTS_PATH
from bot.store import find_server
from bot.wiring import CoreSettings
from tests.chaos.slack import bot, environment, free_port
from tests.conftest import wait_until
from tests.e2e.slack_world import open_world
from tests.fakes.slack import FakeSlack

BURST = 200
SINGLE = 20


def row(name: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p50, p99 = statistics.median(ordered), ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]
    return f"{name:<50} {len(ordered):>4}  p50 {p50 * 1000:7.1f} ms  p99 {p99 * 1000:7.1f} ms"


async def burst(redis_url: str, *, http: bool) -> str:
    """The bot hears in a process of its own, as it does where it is deployed; nobody works on the turns meanwhile."""
    async with FakeSlack() as fake:
        team = fake.workspace("Acme")
        people = [fake.person(team, f"p{number}") for number in range(2 * BURST)]
        first, others = people[:BURST], people[BURST:]
        channel = fake.new_channel(team, "general", people)
        told = environment(fake, team.bot_token, redis_url, DAILY_SPEND_CAP="1000")
        if http:
            port = str(free_port())
            del told["SLACK_APP_TOKEN"]
            told |= {"SLACK_SIGNING_SECRET": fake.app.signing_secret, "SLACK_HTTP_PORT": port}
            fake.app.request_url = f"http://127.0.0.1:{port}{EVENTS_PATH}"
        async with bot(fake, told, "slack") as process:
            if http:
                await wait_until(lambda: _up(fake), 60)
            await fake.slash(people[0], channel, "/imagine", "help")
            mode = "HTTP" if http else "Socket Mode"
            lines = []
            groups = {"by a process just started": first, "by known people": first, "by strangers": others}
            for who, crowd in groups.items():
                before, began = _cpu_seconds(process.pid), len(fake.outbox.sent)
                await asyncio.gather(*(fake.slash(person, channel, "/imagine", "a fox") for person in crowd))
                spent, asked = _cpu_seconds(process.pid) - before, fake.outbox.sent[began:]
                failed = sum(bool(d.failed) for d in asked)
                line = row(f"{mode}: acknowledged, {BURST} at once {who}", [d.latency for d in asked if d.latency])
                lines.append(f"{line}  failed {failed}, {spent / BURST * 1000:.1f} ms of processor time each")
    return "\n".join(lines)


async def _up(fake: FakeSlack) -> bool:
    try:
        return await fake.verify_url()
    except OSError:
        return False


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


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
            await world.until(partial(_more, fake, "chat.postMessage", calls))
            announced.append(time.monotonic() - began)
            await world.until(partial(_more, fake, "chat.update", number))
            posted.append(time.monotonic() - began)
            await world.quiet()
        await world.bot.close()
    return [row("mention to announced", announced), row("mention to picture (service answers at once)", posted)]


def _more(fake: FakeSlack, method: str, than: int) -> bool:
    return len(fake.calls(method)) > than


async def main() -> None:
    with TemporaryDirectory(prefix="imagine-") as home:
        socket = Path(home) / "redis.sock"
        command = [find_server(), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", home]
        server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        try:
            url = f"unix://{socket}"
            await wait_until(socket.exists)
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
