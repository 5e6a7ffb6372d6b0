"""`python -m tests.chaos`: the long run, with a table at its end."""

import argparse
import asyncio
import sys
import time

from tests.chaos.driver import STEPS, kill_everywhere


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="kills at each step")
    parser.add_argument("--at-once", type=int, default=8, help="trials side by side")
    parser.add_argument("--step", action="append", choices=STEPS, help="only this step; may be given several times")
    wishes = parser.parse_args()
    began = time.monotonic()
    outcomes = asyncio.run(kill_everywhere(wishes.step or STEPS, wishes.times, wishes.at_once))
    heads = ("killed at", "kills", "done", "honest end", "lost", "posted twice", "submitted twice")
    print("  ".join(f"{head:>12}" for head in heads))
    bad = 0
    for step in wishes.step or STEPS:
        mine = [outcome for outcome in outcomes if outcome.step == step]
        lost, doubled = sum(one.lost for one in mine), sum(one.doubled for one in mine)
        twice, killed = sum(one.submits > 1 for one in mine), sum(one.killed for one in mine)
        bad += lost + doubled + twice + (len(mine) - killed)
        done, honest = sum(one.ended == "done" for one in mine), sum(one.honest for one in mine)
        print("  ".join(f"{cell:>12}" for cell in (step, killed, done, honest, lost, doubled, twice)))
    print(f"{len(outcomes)} kills in {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
