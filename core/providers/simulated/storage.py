"""Where reference pictures are put and results are fetched: readable by anybody who has the link, for a time.

The right to upload is in the link itself: its signature binds the name, the exact content type and the last moment.
"""

import hmac
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import uuid4

from core.providers.simulated.rejection import Rejection, StorageRefusal
from core.providers.simulated.settings import SimulationSettings
from core.providers.simulated.shelf import Shelf

PATH = "/storage/simulated-assests"
"""The real one spells it so."""

MEDIA_TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "jpg": "image/jpg",
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
}
"""What may be uploaded, with the one content type that each is taken with."""

_UPLOAD = re.compile(r"(?P<created>\d+)-[0-9a-f]{32}\.(?P<type>\w+)")


NOT_THERE = StorageRefusal(404, "NoSuchKey", "The specified key does not exist.")
EXPIRED = StorageRefusal(403, "AccessDenied", "Request has expired.")


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to one upload: the query that carries it, and the name that the file will have."""

    name: str
    query: str


class Storage:
    """Uploaded files. A name tells when it was granted and what it is."""

    def __init__(self, settings: SimulationSettings, shelf: Shelf, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._shelf = shelf
        self._clock = clock
        self._secret = f"storage:{settings.key}".encode()
        self.dead_until = 0.0
        """Links made before this moment (seconds since the epoch) are dead, whatever their age."""

    def grant(self, file_type: object) -> Grant:
        """The right to upload one file of this type. Raises `Rejection` for a type that is not taken."""
        if not isinstance(file_type, str) or file_type not in MEDIA_TYPES:
            raise Rejection(f"file_type must be one of {', '.join(MEDIA_TYPES)}")
        name = self._name(file_type)
        expires = f"{self._clock() + self._settings.grant_lifetime:.3f}"
        return Grant(name, f"expires={expires}&signature={self._sign(name, MEDIA_TYPES[file_type], expires)}")

    def check(self, name: str, query: Mapping[str, str], content_type: str | None) -> None:
        """Raises `StorageRefusal` unless the query gives the right to upload this with exactly this type."""
        if content_type is None:
            raise StorageRefusal(400, "MissingContentType", "A Content-Type header is required.")
        expires = query.get("expires", "")
        if not hmac.compare_digest(
            query.get("signature", "").encode(), self._sign(name, content_type, expires).encode()
        ):
            raise StorageRefusal(403, "SignatureDoesNotMatch", "The signature does not match the request.")
        if self._clock() > float(expires):
            raise StorageRefusal(400, "ExpiredToken", "The provided token has expired.")

    async def put(self, name: str, data: bytes) -> None:
        """Keep an upload."""
        await self._shelf.put(name, data)

    async def adopt(self, data: bytes) -> str:
        """Keep a picture that was fetched from elsewhere; its name here."""
        name = self._name("png")
        await self._shelf.put(name, data)
        return name

    async def read(self, name: str) -> bytes:
        """What the link of an upload gives now. Raises `StorageRefusal`."""
        found = _UPLOAD.fullmatch(name)
        data = await self._shelf.get(name) if found else None
        if found is None or data is None:
            raise NOT_THERE
        created = int(found["created"]) / 1000
        if created <= self.dead_until or expired(created, self._settings.upload_lifetime, self._clock()):
            raise EXPIRED
        return data

    async def get(self, name: str) -> bytes | None:
        """An upload, for drawing, however old its link is."""
        return await self._shelf.get(name)

    def _name(self, file_type: str) -> str:
        return f"{int(self._clock() * 1000)}-{uuid4().hex}.{file_type}"

    def _sign(self, name: str, content_type: str, expires: str) -> str:
        return hmac.digest(self._secret, f"{name}\n{content_type}\n{expires}".encode(), sha256).hex()


def expired(since: float, lifetime: float, now: float) -> bool:
    """Whether a link is dead."""
    return lifetime < math.inf and now > since + lifetime


def media_type(name: str) -> str:
    """The content type that a file is given out with, by its name."""
    return MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def xml(refusal: StorageRefusal) -> str:
    """The storage's error page."""
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f"<Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message></Error>"
    )
