"""Opens what the settings name: the store, and the service that draws."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from redis.asyncio import Redis

from bot.settings import ImageProviderName, Settings, SetupError
from bot.store import embedded_store
from bot.wiring import CoreSettings, connect
from core.fetching import Fetcher
from core.ports import ImageProvider
from core.providers.gmi.provider import GmiImages
from core.providers.google import (
    ApiKey,
    CredentialsError,
    GoogleImages,
    Sampling,
    find_credentials,
    gemini_api,
    vertex_ai,
)
from core.providers.http import service_client
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import SimulationSettings
from core.services import Services

DAY = 86_400
NO_STORE = "redis://"
VERTEX_KEY = "GOOGLE_APPLICATION_CREDENTIALS, of an account with the role Vertex AI User where that API is switched on"
GOOGLE_CONNECTIONS = 10


@dataclass(frozen=True, slots=True)
class Store:
    """Where everything is kept, and how to say so."""

    url: str
    words: str


@dataclass(frozen=True, slots=True)
class Service:
    """Who draws, and how to say so. `key` and `address` name the settings that it hangs on."""

    images: ImageProvider
    words: str
    simulated: bool
    key: str = "GMI_API_KEY"
    address: str = "GMI_BASE_URL"


@dataclass(frozen=True, slots=True)
class Opened:
    """All who draw, the preferred one first: each, and `together` as the core knows them."""

    each: tuple[Service, ...]
    together: Services

    @property
    def words(self) -> str:
        """How to say who draws."""
        return "; else ".join(service.words for service in self.each)

    @property
    def simulated(self) -> bool:
        """Whether no picture is real."""
        return all(service.simulated for service in self.each)


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The Redis of the settings, or a Valkey of our own in the data folder. Raises `SetupError`."""
    if settings.redis_url:
        yield Store(settings.redis_url.get_secret_value(), "the Redis of REDIS_URL")
        return
    async with embedded_store(settings.data_dir) as url:
        yield Store(url, f"a Valkey of its own in {settings.data_dir}")


@asynccontextmanager
async def open_services(settings: Settings, fetcher: Fetcher, store_url: str = NO_STORE) -> AsyncIterator[Opened]:
    """The image services of the settings; to ask them what there is, they need no store. Raises `SetupError`."""
    async with AsyncExitStack() as stack:
        opening = [_open(name, settings, fetcher, store_url) for name in settings.image_provider]
        each = tuple([await stack.enter_async_context(service) for service in opening])
        yield Opened(each, Services([service.images for service in each], prices=settings.prices))


@asynccontextmanager
async def _open(
    name: ImageProviderName, settings: Settings, fetcher: Fetcher, store_url: str
) -> AsyncIterator[Service]:
    match name:
        case ImageProviderName.SIMULATED:
            async with _simulated(settings.data_dir) as simulated, service_client() as client:
                images = GmiImages(
                    client,
                    fetcher,
                    base_url=simulated.url,
                    key=simulated.key,
                    storage_hosts=(simulated.storage_host,),
                    name=name,
                )
                yield Service(images, "simulated (set GMI_API_KEY for real ones)", simulated=True)
        case ImageProviderName.GMI:
            key = settings.gmi_api_key
            async with service_client() as client:
                images = GmiImages(
                    client,
                    fetcher,
                    base_url=settings.gmi_base_url,
                    key=key.get_secret_value() if key else "",
                    organization=settings.gmi_organization_id or "",
                    storage_hosts=settings.result_hosts,
                )
                yield Service(images, "real, and cost money", simulated=False)
        case ImageProviderName.GOOGLE:
            async with service_client() as client, connect(store_url, connections=GOOGLE_CONNECTIONS) as redis:
                google = await _google(settings, client, redis)
                words = "real, by Google, and cost money"
                names = ("GEMINI_API_KEY", "GEMINI_BASE_URL")
                if settings.vertex_project:
                    names = (VERTEX_KEY, "VERTEX_LOCATION or VERTEX_BASE_URL")
                yield Service(google, words, simulated=False, key=names[0], address=names[1])


def core_settings(settings: Settings) -> CoreSettings:
    """What the core is told of the settings."""
    return CoreSettings(
        default_model=settings.image_model,
        substitutes=settings.fallback_models,
        request_deadline=settings.request_deadline,
        requests_in_flight=settings.requests_in_flight,
        most_running=settings.max_running_per_person,
        most_waiting=settings.max_waiting_per_person,
        daily_cap=settings.daily_spend_cap,
        conversation_ttl=settings.conversation_ttl * DAY,
        slots=settings.worker_slots,
        drain=settings.drain_seconds,
    )


async def _google(settings: Settings, client: httpx.AsyncClient, redis: Redis) -> GoogleImages:
    """Google's API of the settings: Vertex AI where a project is named, else the Gemini API. Raises `SetupError`."""
    sampling = Sampling(settings.google_temperature, settings.google_top_p)
    if settings.vertex_project:
        place = vertex_ai(settings.vertex_project, settings.vertex_location, settings.vertex_base_url or "")
        try:
            tokens = await find_credentials(settings.google_application_credentials)
        except CredentialsError as error:
            raise SetupError(str(error)) from error
        return GoogleImages(client, redis, place=place, authority=tokens, sampling=sampling)
    key = settings.gemini_api_key
    try:
        authority = ApiKey(key.get_secret_value() if key else "")
    except ValueError as error:
        raise SetupError(f"GEMINI_API_KEY is none: {error}.") from error
    return GoogleImages(
        client,
        redis,
        place=gemini_api(settings.gemini_base_url),
        authority=authority,
        sampling=sampling,
    )


def _simulated(data_dir: Path) -> SimulatedService:
    return SimulatedService(SimulationSettings(directory=data_dir / "simulated"))
