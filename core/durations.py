"""How long a model takes, remembered from its last pictures, and what follows for people and for looking.

durations:<lane>        list    seconds of the last fifty pictures, expiring after a month without one
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from redis.asyncio import Redis

from core.packing import key

REMEMBERED = 50
ENOUGH = 10
FIRST_LOOK = 2.0
MANY = 20
MANY_SHARE = 0.4
MONTH = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for a model, in seconds: nearly the fastest, the middle and nearly the slowest."""

    fast: float
    middle: float
    slow: float
    learnt: bool = True


def usual_of(samples: Sequence[float], guess: float) -> Usual:
    """What is usual, from enough samples; a guess from the model's table otherwise."""
    if len(samples) < ENOUGH:
        middle = median(samples) if samples else guess
        return Usual(FIRST_LOOK, middle, middle * 3, learnt=False)
    twentieths = quantiles(samples, n=20, method="inclusive")
    return Usual(twentieths[0], median(samples), twentieths[-1])


def pause_before_look(age: float, usual: Usual, *, together: int = 1) -> float:
    """Seconds until a request that is `age` seconds old is worth a look, one of so many that are looked at together.

    Learnt: not before the fastest pictures are done, then in steps of 5 % of the usual time, and ever more slowly past
    the slowest ones. With too few samples: in proportion to the age. Backing off exponentially would make an average
    picture a quarter slower. One list shows many requests, so many of them may be looked at more often.
    """
    share = MANY_SHARE if together >= MANY else 1.0
    if not usual.learnt:
        return FIRST_LOOK - age if age < FIRST_LOOK else share * min(5.0, max(0.5, age * 0.1))
    if age < usual.fast:
        return usual.fast - age
    if age > usual.slow:
        return share * min(10.0, max(0.5, age * 0.15))
    return share * max(0.4, usual.middle * 0.05)


def estimate(position: int, capacity: int, usual: Usual) -> float:
    """Seconds until the picture of a turn at this place in line; 0 is a turn that was let in."""
    return usual.middle * (1 + math.ceil(position / max(1, capacity)))


class Durations:
    """The memory of every lane."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def remember(self, lane: str, seconds: float) -> None:
        """Note how long a picture took."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.lpush(key("durations", lane), f"{seconds:.2f}")
            pipe.ltrim(key("durations", lane), 0, REMEMBERED - 1)
            pipe.expire(key("durations", lane), MONTH)
            await pipe.execute()

    async def usual(self, lane: str, guess: float) -> Usual:
        """What is usual in a lane; `guess` seconds as long as too little is known."""
        samples = await self.redis.lrange(key("durations", lane), 0, -1)
        return usual_of([float(sample) for sample in samples], guess)
