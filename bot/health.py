"""What a supervisor and a scraper ask: alive, ready, and the numbers."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from bot.wiring import Core
from core.breaker import Position

BACKLOG = 1024
"""Connections that may wait to be taken: one that finds no room is tried again a second later, too late for Slack."""
OPENNESS = {Position.CLOSED: 0.0, Position.HALF_OPEN: 0.5, Position.OPEN: 1.0}


class Health:
    """The health page of one process. It is ready while its store answers and it is not stopping."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.stopping = False

    def application(self) -> web.Application:
        """`/live`, `/ready` and `/metrics`."""
        app = web.Application()
        app.router.add_get("/live", self._live)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)
        return app

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _ready(self, _: web.Request) -> web.Response:
        if self.stopping:
            return web.Response(status=503, text="stopping\n")
        try:
            await self._core.redis.ping()
        except (RedisError, OSError):
            return web.Response(status=503, text="the store does not answer\n")
        return web.Response(text="".join(["ready\n", *[f"{line}\n" async for line in self._down()]]))

    async def _down(self) -> AsyncIterator[str]:
        """A line for each model that is not asked just now: turns wait or go elsewhere, and this process is ready."""
        for lane in await self._core.queue.lanes():
            condition = await self._core.breaker.condition(lane)
            if condition.position is not Position.CLOSED:
                seconds = time.time() - condition.since
                yield f"{lane} is {condition.position} ({condition.reason}), down for {seconds:.0f} s"

    async def _metrics(self, _: web.Request) -> web.Response:
        metrics = self._core.metrics
        metrics.open.set(await self._core.turns.count_open())
        metrics.sending.set(self._core.sender.under_way)
        for lane in await self._core.queue.lanes():
            waiting, running = await self._core.queue.lengths(lane)
            metrics.waiting.labels(lane=lane).set(waiting)
            metrics.running.labels(lane=lane).set(running)
            metrics.breaker.labels(lane=lane).set(OPENNESS[(await self._core.breaker.condition(lane)).position])
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve an application while the block runs; gives the port. Raises OSError when the address is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=BACKLOG)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def is_ready(host: str, port: int) -> bool:
    """Whether the process behind a health page says that it is ready."""
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=3)) as session,
            session.get(f"http://{host}:{port}/ready") as answer,
        ):
            return answer.status == web.HTTPOk.status_code
    except (ClientError, OSError, TimeoutError):
        return False
