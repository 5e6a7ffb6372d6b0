"""`python -m tests.bench.references`: from an attachment to the uploaded reference, and what each odd file gets.

The files come from one server on loopback, as from a platform's, and go to another, the service's storage.
"""

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import structlog
from aiohttp import web
from PIL import Image

from bot.health import listening
from bot.store import embedded_store
from bot.wiring import Core, open_core
from core.fetching import Fetcher
from core.pictures import PictureRefused
from core.pictures.workshop import PictureWorkshop
from core.ports import ImageProvider
from core.providers.gmi.provider import GmiImages
from core.providers.http import service_client
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import SimulationSettings
from core.services import Services
from core.turns import Reference, ThreadKey
from tests.bench.runs import MODEL, SETTINGS, Clockwork, turn_of
from tests.fakes.odd_files import endless_files, foreign_files, odd_files
from tests.fakes.picture_files import exif, hostile_files, noise, packed

TIMES = 5


@dataclass(slots=True)
class Attached(Clockwork):
    """A chat platform that keeps its files on a server of its own."""

    fetcher: Fetcher | None = None
    place: str = ""

    async def fetch(self, reference: Reference, thread: ThreadKey) -> bytes:
        assert self.fetcher
        return await self.fetcher.fetch_trusted(f"http://{self.place}/{reference.attachment}", [self.place])


@dataclass(frozen=True, slots=True)
class Stage:
    """A core between a server of attachments and a service."""

    core: Core
    chat: Attached
    images: ImageProvider
    files: dict[str, bytes]

    async def seconds(self, data: bytes) -> float:
        """From the attachment to the upload, as the line does it."""
        name = uuid4().hex
        self.files[name] = data
        turn = replace(turn_of(name), references=(Reference(name, message="m", attachment=name),))
        able = await self.images.capabilities(MODEL)
        began = time.perf_counter()
        await self.core.line.crew.references.prepare(turn, turn.thread, self.chat, self.images, able)
        took = time.perf_counter() - began
        for key in await self.core.redis.keys("imagine:1:upload:*"):
            await self.core.redis.delete(key)
        return took


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """A store, a service, a server of files and a core."""
    files: dict[str, bytes] = {}

    async def serve(request: web.Request) -> web.Response:
        return web.Response(body=files[request.match_info["name"]])

    app = web.Application()
    app.router.add_get("/{name}", serve)
    async with AsyncExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="imagine-"))
        url = await stack.enter_async_context(embedded_store(Path(home)))
        service = await stack.enter_async_context(SimulatedService(SimulationSettings.quick()))
        fetcher = await stack.enter_async_context(Fetcher())
        client = await stack.enter_async_context(service_client())
        images = GmiImages(
            client, fetcher, key=service.key, base_url=service.url, storage_hosts=(service.storage_host,), name="bench"
        )
        chat = Attached(
            fetcher=fetcher, place=f"127.0.0.1:{await stack.enter_async_context(listening(app, '127.0.0.1', 0))}"
        )
        core = await stack.enter_async_context(open_core(url, Services([images]), {"bench": chat}, fetcher, SETTINGS))
        yield Stage(core, chat, images, files)


def photos() -> dict[str, bytes]:
    """The files that are timed."""
    soft = noise(504, 378).resize((4032, 3024), Image.Resampling.BICUBIC)
    heavy = noise(3648, 2736)
    return {
        "HEIC, 12 megapixels": packed(soft, "HEIF", quality=90, exif=exif(6)),
        "JPEG, 12 megapixels": packed(soft, "JPEG", quality=92, exif=exif(6)),
        "PNG, 30 MB of noise": packed(heavy, "PNG", compress_level=1),
    }


async def time_uploads() -> None:
    """Print how long each file takes, the first time and the usual time."""
    print(f"{'file':24}{'MB':>7}{'first s':>9}{'p50 s':>8}{'max s':>8}")
    for name, data in photos().items():
        async with staged() as stage:
            first, *others = [await stage.seconds(data) for _ in range(TIMES + 1)]
        others.sort()
        print(f"{name:24}{len(data) / 1e6:>7.1f}{first:>9.2f}{others[len(others) // 2]:>8.2f}{others[-1]:>8.2f}")


async def list_files() -> None:
    """Print what each hostile or odd file gets, as a table in Markdown."""
    table = {name: data for name, (data, _) in (hostile_files() | foreign_files() | endless_files()).items()}
    table |= {name: data for name, (data, _) in odd_files().items()}
    print("| file | KB | gets | s |\n| --- | ---: | --- | ---: |")
    async with PictureWorkshop(processes=1) as workshop:
        for name, data in table.items():
            began = time.perf_counter()
            try:
                picture = await workshop.prepare_reference(data)
                gets = f"{picture.media_type} {picture.width} × {picture.height}"
            except PictureRefused as refused:
                gets = refused.problem + (f" ({refused.found})" if refused.found else "")
            print(f"| {name} | {len(data) / 1000:.1f} | {gets} | {time.perf_counter() - began:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.references", description=__doc__)
    parser.add_argument("--files", action="store_true", help="the table of hostile and odd files instead")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(list_files() if parser.parse_args().files else time_uploads())


if __name__ == "__main__":
    main()
