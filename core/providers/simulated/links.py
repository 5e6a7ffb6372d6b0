"""Which links lead to a picture that the service can read, and which do not."""

import ipaddress
from collections.abc import Callable

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from core.providers.simulated.faults import Fate
from core.providers.simulated.rejection import StorageRefusal
from core.providers.simulated.requests import RESULT, Record, Requests
from core.providers.simulated.settings import SimulationSettings
from core.providers.simulated.storage import EXPIRED, NOT_THERE, PATH, Storage, expired
from core.providers.simulated.studio import result_of

_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
_HEIF = b"ftyp"
_TIMEOUT = ClientTimeout(total=5)


class Links:
    """Links of the service's own storage, and, where the settings allow it, of other loopback addresses."""

    def __init__(
        self, settings: SimulationSettings, storage: Storage, requests: Requests, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._requests = requests
        self._clock = clock
        self.origin = ""
        """Scheme, host and port, known when the server listens."""

    def to(self, name: str) -> str:
        """The link of a file."""
        return f"{self.origin}{PATH}/{name}"

    def result(self, name: str) -> Record:
        """The request whose result the link of this name gives now. Raises `StorageRefusal`."""
        record = self._requests.find(result_of(name))
        now = self._clock()
        if record is None or record.file_name != name or record.fate.fails or record.fate is Fate.DEAD_LINK:
            raise NOT_THERE
        if now < record.ends_at + record.plan.late:
            raise NOT_THERE
        dead = record.ends_at <= self._storage.dead_until
        if dead or expired(record.ends_at, self._settings.result_lifetime, now):
            raise EXPIRED
        return record

    async def resolve(self, link: str) -> str | None:
        """The name in the storage of the picture at a link, None when there is none to be read."""
        url = _loopback(link)
        if url is None:
            return None
        folder, _, name = url.path.rpartition("/")
        if folder != PATH:
            return await self._fetch(url) if self._settings.fetches_loopback else None
        try:
            if name.startswith(RESULT):
                return self.result(name).file_name
            return name if self._takes(await self._storage.read(name)) else None
        except StorageRefusal:
            return None

    async def _fetch(self, url: URL) -> str | None:
        try:
            async with ClientSession(timeout=_TIMEOUT) as session, session.get(url, allow_redirects=False) as answer:
                data = bytearray()
                async for chunk in answer.content.iter_any():
                    data += chunk
                    if len(data) > self._settings.max_reference_bytes:
                        return None
        except (ClientError, TimeoutError):
            return None
        return await self._storage.adopt(bytes(data)) if answer.ok and self._takes(bytes(data)) else None

    def _takes(self, data: bytes) -> bool:
        known = data.startswith(_STARTS) or data[4:8] == _HEIF
        return known and len(data) <= self._settings.max_reference_bytes


def _loopback(link: str) -> URL | None:
    """The address, when it is one of this machine: of this service or of another that shares its directory."""
    try:
        url = URL(link)
        here = url.host == "localhost" or ipaddress.ip_address(url.host or "").is_loopback
        return url if here and url.scheme == "http" else None
    except ValueError:
        return None
