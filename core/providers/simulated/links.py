"""Which links lead to a picture that the service can read, and which do not."""

import ipaddress
from collections.abc import Callable

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from core.providers.simulated.faults import Fate
from core.providers.simulated.rejection import StorageRefusal
from core.providers.simulated.requests import RESULT, Record, Requests
from core.providers.simulated.settings import SimulationSettings
from core.providers.simulated.storage import PATH, Storage, expired
from core.providers.simulated.studio import result_of

_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
_HEIF = b"ftyp"
_TIMEOUT = ClientTimeout(total=5)

_NOT_THERE = StorageRefusal(404, "NoSuchKey", "The specified key does not exist.")
_EXPIRED = StorageRefusal(403, "AccessDenied", "Request has expired.")


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

    def check(self, name: str) -> None:
        """Raises `StorageRefusal` when the link of this file does not answer now."""
        if not name.startswith(RESULT):
            if self._storage.size(name) is None:
                raise _EXPIRED if self._storage.holds(name) else _NOT_THERE
            return
        record = self.result(name)
        now = self._clock()
        if expired(record.ends_at, self._settings.result_lifetime, now):
            raise _EXPIRED
        if now < record.ends_at + record.plan.late or record.fate.fails or record.fate is Fate.DEAD_LINK:
            raise _NOT_THERE

    def result(self, name: str) -> Record:
        """The request whose result has this name. Raises `StorageRefusal`."""
        record = self._requests.find(result_of(name))
        if record is None or record.file_name != name:
            raise _NOT_THERE
        return record

    async def resolve(self, link: str) -> str | None:
        """The name in the storage of the picture at a link, None when there is none to be read."""
        prefix = f"{self.origin}{PATH}/"
        if not link.startswith(prefix):
            return await self._fetch(link)
        name = link.removeprefix(prefix)
        try:
            self.check(name)
        except StorageRefusal:
            return None
        if name.startswith(RESULT):
            return name
        data = await self._storage.get(name) or b""
        return name if self._takes(data) else None

    async def _fetch(self, link: str) -> str | None:
        if not (self._settings.fetches_loopback and _is_loopback(link)):
            return None
        try:
            async with ClientSession(timeout=_TIMEOUT) as session, session.get(link, allow_redirects=False) as answer:
                data = await answer.content.read(self._settings.max_reference_bytes + 1)
        except (ClientError, TimeoutError):
            return None
        return await self._storage.adopt(data) if answer.ok and self._takes(data) else None

    def _takes(self, data: bytes) -> bool:
        known = data.startswith(_STARTS) or data[4:8] == _HEIF
        return known and len(data) <= self._settings.max_reference_bytes


def _is_loopback(link: str) -> bool:
    try:
        url = URL(link)
        return url.scheme == "http" and ipaddress.ip_address(url.host or "").is_loopback
    except ValueError:
        return False
