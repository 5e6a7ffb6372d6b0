"""What the command line does besides playing a role."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.services import core_settings, open_services
from bot.settings import Settings
from bot.shell import PLATFORM, ShellChat, one_turn
from bot.store import embedded_store
from bot.wiring import open_core
from core.errors import Declined, ProviderError
from core.fetching import Fetcher
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import SimulationSettings
from core.replies import money, say
from core.turns import Options

UNREACHABLE = "The image service did not answer as it should. `python -m bot check` says more."


async def imagine(settings: Settings, prompt: str, options: Options, files: Sequence[Path], out: Path) -> int:
    """One turn, in a store of its own that is gone afterwards: the turns of others are not in its way."""
    console = Console()
    chat = ShellChat(out, lambda text: console.print(text, markup=False, highlight=False))
    async with AsyncExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="imagine-"))
        url = await stack.enter_async_context(embedded_store(Path(home)))
        fetcher = await stack.enter_async_context(Fetcher())
        quiet = settings.model_copy(update={"data_dir": Path(home)})
        opened = await stack.enter_async_context(open_services(quiet, fetcher, url))
        wishes = replace(core_settings(settings), drain=1.0)
        core = await stack.enter_async_context(open_core(url, opened.together, {PLATFORM: chat}, fetcher, wishes))
        await stack.enter_async_context(core.working())
        console.print(f"Pictures are {opened.words}.", markup=False)
        try:
            made = await one_turn(core.intake, chat, prompt, options, files)
        except Declined as refusal:
            console.print(say("en", refusal.reply, **refusal.details), markup=False)
            made = False
        except ProviderError:
            console.print(UNREACHABLE, markup=False)
            made = False
    return 0 if made else 1


async def simulate(host: str, port: int) -> int:
    """The simulated service, until interrupted."""
    async with SimulatedService(SimulationSettings(host=host, port=port)) as service:
        console = Console()
        console.print("The simulated image service is up. To use it from another process:", markup=False)
        console.print(f"  IMAGE_PROVIDER=gmi GMI_BASE_URL={service.url} GMI_API_KEY={service.key}", markup=False)
        console.print(f"  RESULT_HOSTS={service.storage_host}", markup=False)
        await asyncio.Event().wait()
    return 0


async def list_requests(settings: Settings, model: str | None, hours: float) -> int:
    """A table of the latest requests of a model."""
    async with Fetcher() as fetcher, open_services(settings, fetcher) as opened:
        wanted = model or await opened.together.current(settings.image_model)
        table = Table("made", "request", "status", title=wanted)
        try:
            route, _ = await opened.together.offer(wanted)
            provider = opened.together.of(route.provider)
            listed = await provider.recent(wanted, since=time.time() - hours * 3600)
        except Declined as refusal:
            Console(stderr=True).print(say("en", refusal.reply, **refusal.details), markup=False)
            return 1
        except ProviderError:
            Console(stderr=True).print(UNREACHABLE, markup=False)
            return 1
    if not provider.has_list:
        Console(stderr=True).print(f"{provider.name} keeps no list of its requests.", markup=False)
        return 1
    for item in listed:
        made = datetime.fromtimestamp(item.request.submitted_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(made, item.request.id, item.status.kind)
    Console().print(table)
    return 0


async def list_models(settings: Settings, model: str | None) -> int:
    """The models that there are, or all that is known of one."""
    console = Console()
    async with Fetcher() as fetcher, open_services(settings, fetcher) as opened:
        try:
            if model is None:
                for name in await opened.together.models():
                    console.print(name, markup=False, highlight=False)
                return 0
            able = await opened.together.capabilities(model)
        except Declined as refusal:
            Console(stderr=True).print(say("en", refusal.reply, **refusal.details), markup=False)
            return 1
        except ProviderError:
            Console(stderr=True).print(UNREACHABLE, markup=False)
            return 1
    table = Table("what", "value", title=model)
    for name, value in asdict(able).items():
        table.add_row(name.replace("_", " "), _shown(name, value))
    console.print(table)
    return 0


def _shown(name: str, value: object) -> str:
    match value:
        case int() if name == "price":
            return money(value)
        case dict():
            return ", ".join(f"{size} {money(price)}" for size, price in value.items())
        case tuple():
            return ", ".join(value)
        case _:
            return str(value)
