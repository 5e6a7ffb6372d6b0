"""`python -m tests.bench.sheets --out DIR`: the pictures that the README shows, to be looked at.

The sheets are made by the real core over the simulated service, as they are posted: `path.jpg` and `compare.jpg`. With
`--workspace` a browser takes `workspace.png` too.
"""

import argparse
import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog
from playwright.async_api import async_playwright

from bot.store import embedded_store
from bot.wiring import Core, open_core
from core.fetching import Fetcher
from core.providers.gmi.provider import GmiImages
from core.providers.http import service_client
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import SimulationSettings
from core.services import Services
from core.tree import Drawn, Tree
from core.turns import ImageRef, Operation, Options, Turn
from tests.bench.runs import SETTINGS, turn_of
from tests.conftest import wait_until
from tests.e2e.conftest import ARGUMENTS, BROWSERS
from tests.e2e.web_app import Visitor, web_bot
from tests.fakes.chat import FakeChat

STORY = (("Ada", "a fox in the snow at dawn"), ("Ada", "make it night"), ("Bob", "let it snow harder"))
WINDOW = {"width": 1360, "height": 860}


@dataclass(frozen=True, slots=True)
class Gallery:
    """A core at work, and a chat platform that keeps its pictures."""

    core: Core
    chat: FakeChat

    async def told(self) -> Turn:
        """The last turn of the story; each goes on from the one before."""
        before: Turn | None = None
        for name, prompt in STORY:
            turn = replace(turn_of(prompt), options=Options(aspect_ratio="16:9"))
            turn = replace(turn, author=replace(turn.author, user=name, name=name))
            if before is not None:
                thread = self.chat.announcements[before.id].thread
                turn = replace(turn, thread=thread, parent=ImageRef(before.id), operation=Operation.EDIT)
            await self.core.intake.accept(turn)
            await wait_until(partial(self.core.redis.hexists, f"imagine:1:turn:{turn.id}", "ended"), timeout=60)
            before = turn
        assert before is not None
        return before

    async def sheets(self) -> list[Drawn]:
        """How the last picture came to be, and a comparison with the one before."""
        last, tree = await self.told(), Tree(self.core.conversations, self.core.workshop)
        image = ImageRef(last.id)
        return [
            await tree.path(last.thread, image, self.chat.fetch, "en"),
            await tree.compare(last.thread, image, None, self.chat.fetch, "en"),
        ]


@asynccontextmanager
async def gallery(url: str) -> AsyncIterator[Gallery]:
    """A core over a service that draws in full size."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(SimulatedService(replace(SimulationSettings.quick(), scale=1.0)))
        fetcher = await stack.enter_async_context(Fetcher())
        client = await stack.enter_async_context(service_client())
        images = GmiImages(
            client, fetcher, key=service.key, base_url=service.url, storage_hosts=(service.storage_host,)
        )
        chat = FakeChat("bench")
        core = await stack.enter_async_context(open_core(url, Services([images]), {"bench": chat}, fetcher, SETTINGS))
        await stack.enter_async_context(core.working())
        yield Gallery(core, chat)


async def take_workspace(url: str, home: Path, to: Path) -> None:
    """Ada imagines a lighthouse in the web workspace and edits it twice; the window as it is then."""
    binary = next(filter(None, map(shutil.which, BROWSERS)))
    async with (
        web_bot(url, home, replace(SimulationSettings.quick(), scale=1.0)) as bot,
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=binary, args=ARGUMENTS) as browser,
    ):
        visitor = await Visitor.arrive(bot, browser, "Ada Lovelace", viewport=WINDOW)
        await visitor.imagine("a lighthouse at dusk --ar 16:9")
        await visitor.open_thread()
        for words in ("make it night", "let it snow"):
            await visitor.edit(words)
        await visitor.page.wait_for_load_state("networkidle")
        await visitor.page.screenshot(path=to)
        await visitor.leave()


async def write(out: Path, *, workspace: bool) -> None:
    """Make the pictures and put them into a directory."""
    with tempfile.TemporaryDirectory(prefix="imagine-") as home:
        async with embedded_store(Path(home)) as url:
            async with gallery(url) as shown:
                for drawn in await shown.sheets():
                    (out / drawn.image.file_name).write_bytes(drawn.image.picture.data)
            if workspace:
                await take_workspace(url, Path(home), out / "workspace.png")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sheets", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where to put them (docs)")
    parser.add_argument("--workspace", action="store_true", help="the web workspace in a browser, too")
    wishes = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    wishes.out.mkdir(parents=True, exist_ok=True)
    asyncio.run(write(wishes.out, workspace=wishes.workspace))


if __name__ == "__main__":
    main()
