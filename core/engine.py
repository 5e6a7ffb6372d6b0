"""The job engine: calls a turn's line until the turn has ended, on whichever worker has a slot free.

A thin face of docket, which keeps the jobs in Redis streams, calls each at least once and takes over those of a dead
worker. A job's only argument is the id of its turn. Slots are short: a run that has to wait says for how long and
gives its slot back, and whoever has news for a turn wakes it.

Nothing rests on the engine alone: `sweep` fetches every open turn that has not been heard of when it should have been.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Self, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import structlog
from docket import Docket, Perpetual, Worker
from redis.exceptions import RedisError

from core.background import asked_to_stop, stop
from core.state import Turns
from core.turns import TurnId

Run: TypeAlias = Callable[[TurnId], Awaitable[float | None]]
"""One run of a turn's line: seconds until the next, or None once the turn has ended."""

RETRY_SECONDS = 2.0
SWEEP_SECONDS = 3.0
DRAIN_SECONDS = 30.0
"""Runs are short: one that takes longer to end than this is broken off, and comes again elsewhere."""
WAKES_AT_ONCE = 50
log = structlog.get_logger()


class Engine:
    """Wakes turns, and works on them where `work` is entered."""

    def __init__(self, url: str, *, slots: int = 100) -> None:
        """`slots` is how many runs a worker has at a time."""
        # docket's pool does not wait for a connection: too few of them look to it like an outage. A run takes up to
        # two, and so many turns may be woken beside the runs.
        connections = slots * 2 + WAKES_AT_ONCE + 50
        self.docket = Docket(name="imagine", url=_with_connections(url, connections), execution_ttl=timedelta(0))
        self.slots = slots
        self._waking = asyncio.Semaphore(WAKES_AT_ONCE)
        self._calls: set[asyncio.Task[None]] = set()
        self._run: Run | None = None

    async def __aenter__(self) -> Self:
        await self.docket.__aenter__()
        self.docket.register(self.advance)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._calls)
        await self.docket.__aexit__(None, None, None)

    def wake_soon(self, turn_id: TurnId) -> None:
        """Wake a turn without waiting for it. One that cannot be woken is fetched later."""
        call = asyncio.create_task(self._try_to_wake(turn_id))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _try_to_wake(self, turn_id: TurnId) -> None:
        try:
            await self.wake(turn_id)
        except (RedisError, OSError):
            log.warning("could not wake a turn; it will be fetched", turn=turn_id)

    async def wake(self, turn_id: TurnId, *, after: float = 0.0) -> None:
        """Have a turn's line run, in place of any later run that was planned. Raises RedisError."""
        when = datetime.now(UTC) + timedelta(seconds=after)
        schedule = self.docket.replace("advance", when, turn_id)
        async with self._waking:
            try:
                await schedule(turn_id)
            except (RedisError, OSError):
                # After an outage every pooled connection fails once.
                await schedule(turn_id)

    @asynccontextmanager
    async def work(self, run: Run, turns: Turns) -> AsyncIterator[None]:
        """Work on turns while the block runs; on leaving it, take no more and finish the runs that are under way."""
        self._run = run
        tasks = [asyncio.create_task(self._serve()), asyncio.create_task(self._sweep_on(turns))]
        try:
            yield
        finally:
            await stop(*tasks, again_after=DRAIN_SECONDS)

    async def _serve(self) -> None:
        # In a task of its own: docket's worker has to be left in the context that it was entered in.
        async with Worker(
            self.docket,
            concurrency=self.slots,
            message_batch=50,
            minimum_check_interval=timedelta(milliseconds=50),
            scheduling_resolution=timedelta(milliseconds=50),
            redelivery_timeout=timedelta(seconds=15),
            reconnection_delay=timedelta(seconds=0.5),
            schedule_automatic_tasks=False,
        ) as worker:
            await worker.run_forever()

    async def advance(self, turn_id: str, perpetual: Perpetual = Perpetual()) -> None:  # noqa: B008 - docket's way
        """The job: one run of a turn's line. It plans its return under this very name, so it is known by it."""
        assert self._run is not None  # noqa: S101 - only a worker is given jobs
        with structlog.contextvars.bound_contextvars(turn=turn_id):
            try:
                after = await self._run(TurnId(turn_id))
            except Exception:
                log.exception("a run broke off and comes again")
                after = RETRY_SECONDS
        if after is None:
            perpetual.cancel()
        else:
            perpetual.after(timedelta(seconds=after))

    async def sweep(self, turns: Turns) -> None:
        """Wake every open turn that should have been heard of by now."""
        for turn_id in await turns.silent():
            log.warning("fetching a turn that was not heard of", turn=turn_id)
            await turns.expect(turn_id, 0)
            await self.wake(turn_id)

    async def _sweep_on(self, turns: Turns) -> None:
        while not asked_to_stop():
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep(turns)
            except (RedisError, OSError):
                log.warning("the store does not answer; sweeping again soon")


def _with_connections(url: str, connections: int) -> str:
    parts = urlsplit(url)
    query = {"max_connections": str(connections), **dict(parse_qsl(parts.query))}
    return urlunsplit(parts._replace(query=urlencode(query)))
