"""`python -m tests.bench`: what a turn costs, and how late its picture is. Figures of one machine, to compare by."""

import argparse
import asyncio
import logging
import tempfile
from pathlib import Path

import structlog

from bot.store import embedded_store
from tests.bench.runs import bench

DEPTHS = (1, 10, 50)


async def measure(counts: list[int], seconds: float, modes: list[str], *, deep: bool) -> None:
    for mode in modes:
        print(f"\n{mode}: the service takes about {seconds:g} s")
        print(
            f"{'in flight':>10}{'late p50 s':>12}{'late p99 s':>12}{'polls/image':>13}{'KB/turn':>9}{'CPU ms/turn':>13}"
        )
        for count in counts:
            with tempfile.TemporaryDirectory(prefix="imagine-") as home:
                async with embedded_store(Path(home)) as url, bench(url, mode, seconds) as stage:
                    await stage.at_once(1, "warm")
                    it = await stage.at_once(count, "turn")
            print(
                f"{count:>10}{it.late_p50:>12.3f}{it.late_p99:>12.3f}{it.polls:>13.2f}{it.memory_kb:>9.1f}{it.cpu_ms:>13.1f}",
                flush=True,
            )
    if deep:
        with tempfile.TemporaryDirectory(prefix="imagine-") as home:
            async with embedded_store(Path(home)) as url, bench(url, "held", 0.6) as stage:
                await stage.at_once(3, "warm")  # the keys that all turns share are there before it is counted
                grown = await stage.bytes_at(DEPTHS)
        print("\nbytes of Redis for the turn at depth: " + ", ".join(f"{d}: {size}" for d, size in grown.items()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--in-flight", type=int, nargs="*", default=[1, 10, 100, 1000])
    parser.add_argument("--seconds", type=float, default=10.0, help="what the service takes for a picture")
    parser.add_argument("--mode", choices=["held", "queued"], nargs="*", default=["queued", "held"])
    parser.add_argument("--no-depth", action="store_true", help="leave out the bytes at each depth")
    wishes = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(measure(wishes.in_flight, wishes.seconds, wishes.mode, deep=not wishes.no_depth))


if __name__ == "__main__":
    main()
