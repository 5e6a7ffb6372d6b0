"""The simulated service in a process of its own, which also tells when each request really ended.

python -m tests.bench.service held|queued SECONDS
"""

import asyncio
import json
import sys
from dataclasses import replace

from aiohttp import web

from bot.health import listening
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import Delivery, SimulationSettings

SPREAD = 0.15


async def main(mode: str, seconds: float) -> None:
    delivery = Delivery.HELD if mode == "held" else Delivery.QUEUED
    settings = SimulationSettings.quick().paced(delivery, waiting=0.5, drawing=seconds - 0.5, sigma=SPREAD)
    async with SimulatedService(replace(settings, list_limit=100)) as service:

        async def ends(_: web.Request) -> web.Response:
            ends = {record.prompt: record.ends_at for record in service.records}
            return web.json_response({"ends": ends, "polls": service.counts.looks + service.counts.lists})

        app = web.Application()
        app.router.add_get("/ends", ends)
        async with listening(app, "127.0.0.1", 0) as port:
            told = {"url": service.url, "key": service.key, "storage": service.storage_host, "port": port}
            print(json.dumps(told), flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
