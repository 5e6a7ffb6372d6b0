"""`python -m bot check`: tries every setting, and says what to do about what fails."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from rich.console import Console
from rich.table import Table

from adapters.discord.addresses import use_addresses
from adapters.discord.check import check_discord
from adapters.slack.check import check_slack
from bot.platforms.slack import slack_setup
from bot.services import Service, open_services, open_store
from bot.settings import ImageProviderName, Settings, SetupError
from bot.wiring import connect
from core.errors import Declined, ProviderError, Unavailable
from core.fetching import Fetcher
from core.packing import key
from core.services import Services
from core.statuses import FailureReason

OLDEST_SERVER = (6, 2)
CLOCK_SECONDS = 5.0
MARKS = {True: "[green]ok[/]", False: "[red]fails[/]", None: "[yellow]note[/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: what was tried, whether it holds (None: it holds, and yet should be known), and what to do."""

    what: str
    holds: bool | None
    words: str


async def check_all(settings: Settings, console: Console) -> int:
    """Try everything and print a table. Exit code 1 when something fails."""
    table = Table("what", "", "found")
    failures = 0
    async for finding in _findings(settings):
        failures += finding.holds is False
        table.add_row(finding.what, MARKS[finding.holds], finding.words)
    console.print(table)
    console.print("Everything works." if not failures else f"{failures} to mend.")
    return 1 if failures else 0


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(open_store(settings))
        except SetupError as error:
            yield Finding("store", holds=False, words=str(error))
            return
        redis = await stack.enter_async_context(connect(store.url, connections=5))
        yield Finding("store", None if settings.redis_url is None else True, f"Using {store.words}.")
        async for finding in check_store(redis):
            yield finding
        fetcher = await stack.enter_async_context(Fetcher())
        try:
            opened = await stack.enter_async_context(open_services(settings, fetcher, store.url))
        except SetupError as error:
            yield Finding("image service", holds=False, words=str(error))
            return
        for service in opened.each:
            yield Finding(service.images.name, None if service.simulated else True, f"Pictures are {service.words}.")
            async for finding in check_service(service):
                yield finding
        if (note := check_location(settings)) is not None:
            yield note
        yield await check_model(opened.together, settings.image_model)
        async for finding in _check_discord(settings):
            yield finding
        if settings.slack_on:
            async for finding in _check_slack(settings):
                yield finding


async def _check_discord(settings: Settings) -> AsyncIterator[Finding]:
    if settings.discord_token:
        use_addresses(settings.discord_api_base, settings.discord_gateway_url)
        token = settings.discord_token.get_secret_value()
        async for row in check_discord(token, message_content=settings.discord_message_content):
            yield Finding("discord", holds=row.well, words=row.text)


async def _check_slack(settings: Settings) -> AsyncIterator[Finding]:
    app_token, secret = settings.slack_app_token, settings.slack_signing_secret
    async for what, holds, words in check_slack(
        slack_setup(settings),
        app_token=app_token.get_secret_value() if app_token else "",
        signing_secret=secret.get_secret_value() if secret else "",
    ):
        yield Finding(what, holds, words)


async def check_store(redis: Redis) -> AsyncIterator[Finding]:
    """Reachable, writable, new enough, and set up to keep what it is given."""
    try:
        info = await redis.info("server")
        await redis.set(key("check"), "1", ex=10)
        await redis.delete(key("check"))
        seconds, microseconds = await redis.time()
    except AuthenticationError:
        yield Finding("store answers", holds=False, words="It refuses our password: put the right one into REDIS_URL.")
        return
    except (RedisError, OSError) as error:
        words = f"It does not answer as it should ({type(error).__name__}). Is REDIS_URL right, and is it running?"
        yield Finding("store answers", holds=False, words=words)
        return
    version = str(info.get("valkey_version") or info.get("redis_version", "0"))
    new = tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_SERVER
    yield Finding("store answers", new, f"Version {version}." + ("" if new else " It has to be 6.2 or later."))
    async for finding in _check_keeping(redis):
        yield finding
    skew = abs(time.time() - (int(seconds) + int(microseconds) / 1e6))
    words = f"{skew:.1f} s apart from the store's." + (" Set this machine's clock." if skew > CLOCK_SECONDS else "")
    yield Finding("clock", skew <= CLOCK_SECONDS, words)


async def _check_keeping(redis: Redis) -> AsyncIterator[Finding]:
    try:
        policy = (await redis.config_get("maxmemory-policy"))["maxmemory-policy"]
        appends = (await redis.config_get("appendonly"))["appendonly"]
    except (ResponseError, KeyError):
        yield Finding(
            "store keeps", None, "It does not say how it is set up: see to an append-only file and noeviction."
        )
        return
    yield Finding(
        "store keeps",
        None if policy != "noeviction" else True,
        f"maxmemory-policy is {policy}." + ("" if policy == "noeviction" else " Set noeviction, or turns may vanish."),
    )
    yield Finding(
        "store on disk",
        None if appends != "yes" else True,
        f"appendonly is {appends}." + ("" if appends == "yes" else " A crash of the store loses what was accepted."),
    )


async def check_service(service: Service) -> AsyncIterator[Finding]:
    """The key, by a call that costs nothing."""
    what = f"{service.images.name} key"
    try:
        known = await service.images.models()
    except Unavailable as refusal:
        words = _SERVICE_WORDS.get(refusal.failure.reason, "It refuses the call.")
        yield Finding(what, holds=False, words=words.format(key=service.key, address=service.address))
    except ProviderError:
        yield Finding(what, holds=False, words="It cannot be reached. Is the address right, and the network up?")
    else:
        yield Finding(what, holds=True, words=f"Accepted; {len(known)} models are offered.")


def check_location(settings: Settings) -> Finding | None:
    """What no free call tells: which models a location of Vertex AI has. Its image models are at `global`."""
    on_vertex = ImageProviderName.GOOGLE in settings.image_provider and settings.vertex_project
    if not on_vertex or settings.vertex_location == "global":
        return None
    words = (
        f"VERTEX_LOCATION={settings.vertex_location} may have fewer models than are listed. "
        "Set it to global if a model is said to be gone."
    )
    return Finding("google location", None, words)


async def check_model(services: Services, model: str) -> Finding:
    """The usual model, by the services' own word."""
    successor = await services.current(model)
    if successor != model:
        known = services.known(model)
        day = f" on {known.ends}" if known and known.ends else ""
        words = f"IMAGE_MODEL={model} has ended{day}: {successor} draws in its place. Set IMAGE_MODEL to it."
        return Finding("model", None, words)
    try:
        able = await services.capabilities(model)
        listed = await services.models()
    except Declined as refusal:
        words = f"IMAGE_MODEL={model} is not offered. There are: {refusal.details.get('known', '')}"
        return Finding("model", holds=False, words=words)
    except ProviderError:
        return Finding("model", holds=False, words=f"No service says whether it has IMAGE_MODEL={model}.")
    ended = bool(able.ends) and able.ends <= datetime.now(UTC).date().isoformat()
    note = f" It was announced to end on {able.ends}; {able.successor} comes after it." if able.ends else ""
    offered = model in listed
    words = f"{model} is offered.{note}" if offered else f"{model} is in no service's list.{note}"
    return Finding("model", offered and (None if ended else True), words)


_SERVICE_WORDS = {
    FailureReason.BAD_KEY: "The service does not accept the key: put the right one into {key}.",
    FailureReason.NO_CREDIT: "The account is empty: add credit.",
    FailureReason.OVERLOADED: "It does not answer as it should. Is {address} right, and the network up?",
    FailureReason.UNREACHABLE: "It cannot be reached. Is {address} right, and the network up?",
    FailureReason.WRONG_REGION: "The service is not for the country that this machine is in.",
    FailureReason.WRONG_HOST: "That address is not the image service: see {address}.",
}
