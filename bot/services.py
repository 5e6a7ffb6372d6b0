"""Opens what the settings name: the store, and the service that draws."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.settings import ImageProviderName, Settings
from bot.store import embedded_store
from bot.wiring import CoreSettings
from core.fetching import Fetcher
from core.providers.gmi.provider import GmiImages
from core.providers.http import service_client
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import SimulationSettings

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Store:
    """Where everything is kept, and how to say so."""

    url: str
    words: str


@dataclass(frozen=True, slots=True)
class Service:
    """Who draws, and how to say so."""

    images: GmiImages
    words: str
    simulated: bool


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The Redis of the settings, or a Valkey of our own in the data folder. Raises `SetupError`."""
    if settings.redis_url:
        yield Store(settings.redis_url.get_secret_value(), "the Redis of REDIS_URL")
        return
    async with embedded_store(settings.data_dir) as url:
        yield Store(url, f"a Valkey of its own in {settings.data_dir}")


@asynccontextmanager
async def open_service(settings: Settings, fetcher: Fetcher) -> AsyncIterator[Service]:
    """The image service of the settings."""
    match settings.image_provider:
        case ImageProviderName.SIMULATED:
            async with _simulated(settings.data_dir) as simulated, service_client() as client:
                images = GmiImages(
                    client,
                    fetcher,
                    base_url=simulated.url,
                    key=simulated.key,
                    storage_hosts=(simulated.storage_host,),
                    prices=settings.prices,
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
                    prices=settings.prices,
                )
                yield Service(images, "real, and cost money", simulated=False)


def core_settings(settings: Settings) -> CoreSettings:
    """What the core is told of the settings."""
    return CoreSettings(
        default_model=settings.image_model,
        request_deadline=settings.request_deadline,
        requests_in_flight=settings.requests_in_flight,
        most_running=settings.max_running_per_person,
        most_waiting=settings.max_waiting_per_person,
        daily_cap=settings.daily_spend_cap,
        conversation_ttl=settings.conversation_ttl * DAY,
        slots=settings.worker_slots,
        drain=settings.drain_seconds,
    )


def _simulated(data_dir: Path) -> SimulatedService:
    return SimulatedService(SimulationSettings(directory=data_dir / "simulated"))
