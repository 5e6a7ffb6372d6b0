"""Takes pictures from where people see them to where a service reads them.

upload:<provider>:<digest>  string  where a picture was uploaded, for a day, so that it is not uploaded twice
"""

from dataclasses import dataclass

from redis.asyncio import Redis

from core.errors import ImagineError, PlatformGone, ProviderError
from core.fetching import Fetcher, FetchFailed, FetchProblem
from core.library import Library
from core.pictures import Picture, PictureProblem, PictureRefused
from core.pictures.workshop import PictureWorkshop
from core.ports import Capabilities, ChatPlatform, ImageProvider, Upload
from core.state import key, pack, unpack
from core.turns import Output, Reference, Source, ThreadKey

UPLOAD_KEPT_SECONDS = 86_400

_REASONS = {
    FetchProblem.GONE: "gone",
    FetchProblem.TOO_LARGE: "too_large_bytes",
    FetchProblem.NOT_ALLOWED: "not_allowed",
    FetchProblem.LOGIN_PAGE: "login_page",
    PictureProblem.CRASHED: "too_slow",
    PictureProblem.CANNOT_FIT: "too_many_pixels",
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
        max_bytes: int = 30_000_000,
    ) -> None:
        """`max_bytes` is what a person's file may have before it is fitted."""
        self.redis = redis
        self.workshop = workshop
        self.fetcher = fetcher
        self.library = library
        self.max_bytes = max_bytes

    async def bring(self, reference: Reference, thread: ThreadKey, way: Way) -> Upload:
        """Where the service reads a picture from now on.

        Raises `CannotBeUsed`, and `PlatformBusy` and `ProviderError` to be tried again.
        """
        try:
            data = await self._fetch(reference, thread, way)
            if len(data) > self.max_bytes:
                raise CannotBeUsed("too_large_bytes")
            picture = await self.workshop.prepare_reference(data, way.able.max_reference_bytes)
        except PictureRefused as refusal:
            raise CannotBeUsed(reason_of(refusal.problem)) from refusal
        except FetchFailed as failure:
            raise CannotBeUsed(reason_of(failure.problem)) from failure
        except PlatformGone as gone:
            raise CannotBeUsed(gone.reason or "gone") from gone
        return await self._put(picture, way.provider)

    async def _fetch(self, reference: Reference, thread: ThreadKey, way: Way) -> bytes:
        """The bytes, from where the reference says; from the service's copy where that has gone."""
        if reference.source is Source.SAVED:
            # What a workspace has removed is not brought back.
            return await self._saved(reference)
        try:
            if reference.message:
                return await way.platform.fetch(reference, thread)
            return await self.fetcher.fetch_given(reference.url)
        except (PlatformGone, FetchFailed):
            copy = await self._copy(reference.copy, way.provider)
            if copy is None:
                raise
            return copy

    async def _saved(self, reference: Reference) -> bytes:
        found = await self.library.picture(reference.attachment)
        if found is None:
            raise CannotBeUsed("unsaved")
        return found

    async def _copy(self, link: str, provider: ImageProvider) -> bytes | None:
        try:
            return await provider.download(Output(link)) if link and await provider.readable(link) else None
        except ProviderError:
            return None

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


def reason_of(problem: PictureProblem | FetchProblem) -> str:
    """The name of the sentence, among those of `picture`, that says why a picture is left out."""
    usual = problem.value if isinstance(problem, PictureProblem) else "unreachable"
    return _REASONS.get(problem, usual)
