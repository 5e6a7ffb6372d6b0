"""Takes pictures from where people see them to where a service reads them.

Keys:

    upload:<provider>:<digest>  string  where a picture was uploaded, for a day, so that it is not uploaded twice
    copy:<provider>:<place>     string  where the picture of a place was uploaded, for when it has gone from there
"""

import hashlib
from dataclasses import dataclass

from redis.asyncio import Redis

from core.avatars import Avatars
from core.errors import ImagineError, PlatformGone
from core.fetching import Fetcher, FetchFailed, FetchProblem
from core.library import Library
from core.packing import key, pack, unpack
from core.pictures import Picture, PictureProblem, PictureRefused
from core.pictures.workshop import PictureWorkshop
from core.ports import Capabilities, ChatPlatform, ImageProvider, Upload
from core.turns import Person, Reference, Source, ThreadKey

UPLOAD_KEPT_SECONDS = 86_400

_REASONS = {
    FetchProblem.GONE: "gone",
    FetchProblem.TOO_LARGE: "too_large_bytes",
    FetchProblem.NOT_ALLOWED: "not_allowed",
    FetchProblem.LOGIN_PAGE: "login_page",
    PictureProblem.CRASHED: "too_slow",
}


@dataclass(eq=False)
class CannotBeUsed(ImagineError):
    """A picture that is not to be had, or not one. `reason` names the sentence of `picture` that says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Way:
    """From a chat platform to a model of a service."""

    platform: ChatPlatform
    provider: ImageProvider
    able: Capabilities


class Uploads:
    """Fetches, verifies, converts and uploads."""

    def __init__(
        self,
        redis: Redis,
        workshop: PictureWorkshop,
        fetcher: Fetcher,
        library: Library,
        *,
        ttl: int,
        max_bytes: int = 30_000_000,
    ) -> None:
        """`ttl` is in seconds after the last use of a picture, `max_bytes` what a file may have before it is fitted."""
        self.redis = redis
        self.ttl = ttl
        self.workshop = workshop
        self.fetcher = fetcher
        self.library = library
        self.avatars = Avatars(redis)
        self.max_bytes = max_bytes

    async def bring(self, reference: Reference, thread: ThreadKey, way: Way) -> Upload:
        """Where the service reads a picture from now on: the copy that it has, where the picture itself has gone.

        Raises `CannotBeUsed`, and `PlatformBusy` and `ProviderError` to be tried again.
        """
        try:
            data = await self._fetch(reference, thread, way.platform)
            if len(data) > self.max_bytes:
                raise CannotBeUsed("too_large_bytes")
            picture = await self.workshop.prepare_reference(data, way.able.max_reference_bytes)
        except PictureRefused as refusal:
            raise CannotBeUsed(reason_of(refusal.problem)) from refusal
        except (FetchFailed, PlatformGone) as problem:
            if (copy := await self._copy(reference, thread, way.provider)) is not None:
                return copy
            raise CannotBeUsed(_why(problem)) from problem
        upload = await self._put(picture, way.provider)
        if not reference.face:
            name = _copy_key(reference, thread, way.provider)
            await self.redis.set(name, pack(Upload, upload), ex=self.ttl)
        return upload

    async def _copy(self, reference: Reference, thread: ThreadKey, provider: ImageProvider) -> Upload | None:
        """The copy that the service has of a picture, while it answers; none of an avatar, which people take back."""
        if reference.face:
            return None
        found = await self.redis.get(_copy_key(reference, thread, provider))
        copy = unpack(Upload, found) if found is not None else None
        return copy if copy and await provider.readable(copy.url) else None

    async def _fetch(self, reference: Reference, thread: ThreadKey, platform: ChatPlatform) -> bytes:
        if reference.face and not await self.avatars.allows(Person(thread.platform, thread.workspace, reference.face)):
            raise CannotBeUsed("avatar_refused")
        if reference.source is Source.SAVED:
            found = await self.library.picture(reference.attachment)
            if found is None:
                # What a workspace has removed is not brought back from a copy.
                raise CannotBeUsed("unsaved")
            return found
        if reference.message:
            return await platform.fetch(reference, thread)
        return await self.fetcher.fetch_given(reference.url)

    async def _put(self, picture: Picture, provider: ImageProvider) -> Upload:
        name = key("upload", provider.name, picture.digest)
        known = await self.redis.get(name)
        if known is not None:
            upload = unpack(Upload, known)
            if await provider.readable(upload.url):
                return upload
        upload = await provider.upload(picture)
        await self.redis.set(name, pack(Upload, upload), ex=UPLOAD_KEPT_SECONDS)
        return upload


def _why(problem: FetchFailed | PlatformGone) -> str:
    return reason_of(problem.problem) if isinstance(problem, FetchFailed) else problem.reason or "gone"


def _copy_key(reference: Reference, thread: ThreadKey, provider: ImageProvider) -> str:
    where = (thread.platform, thread.workspace, *reference.place)
    return key("copy", provider.name, hashlib.sha256(repr(where).encode("utf-8", "replace")).hexdigest()[:32])


def reason_of(problem: PictureProblem | FetchProblem) -> str:
    """The name of the sentence, among those of `picture`, that says why a picture is left out."""
    usual = problem.value if isinstance(problem, PictureProblem) else "unreachable"
    return _REASONS.get(problem, usual)
