"""`python -m tests.bench.discord`: how soon Discord is answered under a burst, with the store as slow as one likes.

The bot runs in a process of its own; Discord, the service and the people share another. Figures of one machine.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from simcord.backend.models import Channel

from adapters.discord.events import moment_of
from bot.store import find_server
from core.packing import pack
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import Delivery, SimulationSettings
from tests.chaos.discord_bot import DiscordOrders
from tests.conftest import wait_until
from tests.fakes.discord import FakeDiscord, Invocation

PEOPLE, CHANNELS = 50, 10
PATIENCE_SECONDS = 240.0


@asynccontextmanager
async def slow_store(delay: float) -> AsyncIterator[str]:
    """A store that answers so many seconds late, at an address for the bot."""
    with tempfile.TemporaryDirectory(prefix="imagine-") as home:
        socket = Path(home) / "redis.sock"
        command = [find_server(), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", home]
        server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        await wait_until(socket.exists)

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
            while data := await reader.read(65536):
                asyncio.get_running_loop().call_later(seconds, writer.write, data)
            asyncio.get_running_loop().call_later(seconds, writer.close)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            theirs, ours = await asyncio.open_unix_connection(str(socket))
            await asyncio.gather(carry(reader, ours, delay), carry(theirs, writer, 0), return_exceptions=True)

        proxy = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=4096)
        try:
            yield f"redis://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/0"
        finally:
            proxy.close()
            server.terminate()
            await server.wait()


def quantiles(values: Sequence[float]) -> str:
    """The median, the 99th percentile and the largest, in milliseconds."""
    known = sorted(values)
    if not known:
        return "none"
    middle, late = known[len(known) // 2], known[min(len(known) - 1, int(len(known) * 0.99))]
    return f"p50 {middle * 1000:6.0f} ms   p99 {late * 1000:6.0f} ms   max {known[-1] * 1000:6.0f} ms   ({len(known)})"


async def burst(commands: int, delay: float) -> None:
    """So many commands at the same moment, by fifty people in ten channels."""
    settings = SimulationSettings.quick(Delivery.QUEUED, waiting=0.2, drawing=1.0)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(SimulatedService(settings))
        url = await stack.enter_async_context(slow_store(delay))
        fake = await stack.enter_async_context(FakeDiscord())
        guild = fake.guild("Studio")
        channels = [fake.channel(guild, f"pictures-{number}") for number in range(CHANNELS)]
        people = [fake.person(f"person-{number}", guild) for number in range(PEOPLE)]
        orders = DiscordOrders(
            url,
            service.url,
            service.key,
            service.storage_host,
            fake.token,
            fake.api_base,
            fake.gateway_url,
            fake.cdn_base,
        )
        command = [sys.executable, "-m", "tests.chaos.discord_bot", pack(DiscordOrders, orders).decode()]
        bot = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))  # noqa: ASYNC220
        stack.callback(bot.kill)
        await fake.until(lambda: fake.world.find_command("imagine", None, 1) and fake.gateway.sessions, 60)
        warm = await people[0].slash(channels[0], "imagine", {"prompt": "warm"})
        await warm.answered()
        await fake.until(lambda: len(_pictures(fake, channels)) == 1, PATIENCE_SECONDS)
        before = len(fake.calls)
        began = time.monotonic()
        asked = await asyncio.gather(
            *(
                people[number % PEOPLE].slash(channels[number % CHANNELS], "imagine", {"prompt": f"bench {number}"})
                for number in range(commands)
            )
        )
        print(f"sent in            {(time.monotonic() - began) * 1000:.0f} ms, all of which counts as waiting")
        await fake.until(lambda: all(one.acknowledged or one.expired for one in asked), 30)
        await fake.until(lambda: len(_pictures(fake, channels)) == commands + 1, PATIENCE_SECONDS)
        await fake.until(lambda: _finished(fake, channels) == commands + 1, PATIENCE_SECONDS)
        _report(fake, channels, asked, {record.prompt: record.ends_at for record in service.records}, before)


def _report(
    fake: FakeDiscord,
    channels: Sequence[Channel],
    asked: Sequence[Invocation],
    ends: dict[str, float],
    before: int,
) -> None:
    print("answered          ", quantiles([one.ack_seconds for one in asked if one.ack_seconds is not None]))
    at = {f"bench {number}": moment_of(str(one.id)) for number, one in enumerate(asked)}
    announced = {_prompt(seen.content): moment_of(str(seen.id)) for place in channels for seen in fake.messages(place)}
    print("announced         ", quantiles([announced[prompt] - began for prompt, began in at.items()]))
    posted = _pictures(fake, channels)
    print("success to posted ", quantiles([posted[prompt] - ends[prompt] for prompt in at]))
    calls = Counter(call.status for call in fake.calls[before:])
    print(f"calls per turn     {sum(calls.values()) / len(asked):.2f}   by status {dict(calls)}")


def _pictures(fake: FakeDiscord, channels: Sequence[Channel]) -> dict[str, float]:
    places = [thread for channel in channels for thread in fake.threads(channel)]
    return {_prompt(s.content): moment_of(str(s.id)) for place in places for s in fake.messages(place) if s.files}


def _finished(fake: FakeDiscord, channels: Sequence[Channel]) -> int:
    return sum(seen.content.endswith("Done.") for place in channels for seen in fake.messages(place))


def _prompt(content: str) -> str:
    return content.partition(" · ")[2].partition("\n")[0]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.discord", description=__doc__)
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--store-delay", type=float, default=0.05, help="seconds that the store answers late")
    wishes = parser.parse_args()
    print(f"{wishes.commands} commands at once, the store {wishes.store_delay * 1000:g} ms late")
    asyncio.run(burst(wishes.commands, wishes.store_delay))


if __name__ == "__main__":
    main()
