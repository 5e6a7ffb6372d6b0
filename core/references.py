"""Makes ready what a turn goes on from: the pictures people point at, and the picture that is edited.

Each reference is fetched, verified by its content, converted, and uploaded to where the service reads it. One that
cannot be used is left out and named with the reason; nothing is dropped in silence.

    upload:<provider>:<digest>  string  where a picture was uploaded, for a day, so that it is not uploaded twice
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from core.conversation import Conversations
from core.errors import Declined, PlatformGone
from core.fetching import Fetcher, FetchFailed, FetchProblem
from core.library import Library
from core.numbering import Edited, Numbered, called, legend, using
from core.pictures import Picture, PictureProblem, PictureRefused
from core.pictures.workshop import PictureWorkshop
from core.ports import Capabilities, ChatPlatform, ImageProvider, Upload
from core.records import Prepared
from core.replies import say
from core.state import key, pack, unpack
from core.turns import KEPT, History, NodeImage, Operation, Reference, Source, ThreadKey, Turn
from core.wording import PARAGRAPH, for_model

UPLOAD_KEPT_SECONDS = 86_400

_SENTENCES = {
    FetchProblem.GONE: "gone",
    FetchProblem.TOO_LARGE: "too_large_bytes",
    FetchProblem.NOT_ALLOWED: "not_allowed",
    FetchProblem.LOGIN_PAGE: "login_page",
    PictureProblem.CRASHED: "too_slow",
    PictureProblem.CANNOT_FIT: "too_many_pixels",
}


@dataclass(frozen=True, slots=True)
class Unusable:
    """A reference that is left out, and the name of the sentence that says why."""

    reference: Reference
    reason: str


class References:
    """Prepares the references of turns."""

    def __init__(
        self,
        redis: Redis,
        conversations: Conversations,
        workshop: PictureWorkshop,
        fetcher: Fetcher,
        library: Library,
        *,
        max_bytes: int = 30_000_000,
    ) -> None:
        """`max_bytes` is what a person's file may have before it is fitted."""
        self.redis = redis
        self.conversations = conversations
        self.workshop = workshop
        self.fetcher = fetcher
        self.library = library
        self.max_bytes = max_bytes

    async def prepare(
        self, turn: Turn, thread: ThreadKey, platform: ChatPlatform, provider: ImageProvider, able: Capabilities
    ) -> Prepared:
        """The uploads of a turn to the service that draws it, and what has to be said about them.

        Raises `Declined` when none of the given pictures can be used, `PlatformBusy` and `ProviderError` to be tried
        again.
        """
        basis = await self._basis(turn, platform, provider, able.model)
        numbers = list(enumerate(turn.references, 1))
        foreign = [number for number in numbers if self._is_foreign(number[1])]
        wanted = [number for number in numbers if number not in foreign]
        room = max(0, able.max_references - (basis is not None))
        taken, over = wanted[:room], wanted[room:]
        results = await asyncio.gather(
            *(self._one(reference, thread, platform, provider, able) for _, reference in taken)
        )
        uploads = [item for item in results if not isinstance(item, Unusable)]
        used = [number for number, item in zip(taken, results, strict=True) if not isinstance(item, Unusable)]
        unusable = [item for item in results if isinstance(item, Unusable)]
        unusable += [Unusable(reference, "not_allowed") for _, reference in foreign]
        notes = [_left_out(turn.locale, item, self.max_bytes) for item in unusable]
        if over:
            notes.append(_too_many(turn.locale, able, used, over))
        if wanted and not uploads:
            raise Declined("declined.references_needed", {"reasons": " ".join(notes)})
        return Prepared(
            uploads=tuple(uploads),
            used=tuple(reference for _, reference in used),
            notes=tuple(notes),
            basis=basis,
            using=using(used, turn.locale, numbered=len(numbers) + (turn.parent is not None) > 1),
            legend=legend(used, _edited(turn, basis), able.max_prompt - len(for_model(turn)) - len(PARAGRAPH)),
        )

    def _is_foreign(self, reference: Reference) -> bool:
        """Whether it is an address in the prompt that is not fetched here: it may be there for its words."""
        return reference.source is Source.LINK and not self.fetcher.may_fetch(reference.url)

    async def history(self, turn: Turn) -> History | None:
        """What the service has to be told of the picture that is edited; None where there is nothing to tell."""
        return await self.conversations.history(turn.thread, turn.parent) if turn.parent else None

    async def _basis(self, turn: Turn, platform: ChatPlatform, provider: ImageProvider, model: str) -> Upload | None:
        """The edited picture itself, where its history cannot be gone on from.

        Its tree is where the turn was asked for, wherever that is answered.
        """
        if turn.parent is None:
            return None
        node = await self.conversations.node(turn.thread, turn.parent.node)
        if node is None or turn.parent.index >= len(node.images):
            raise Declined("declined.parent_gone")
        same_model = (node.provider, node.model) == (provider.name, model)
        if same_model and turn.operation is not Operation.VARIATIONS:
            history = await self.history(turn)
            if history and await self._readable(provider, history):
                return None
        try:
            picture = await self._picture(node.images[turn.parent.index], turn.thread, platform)
            return await self._upload(provider, picture)
        except (PlatformGone, PictureRefused, FetchFailed) as error:
            raise Declined("declined.parent_gone") from error

    async def _picture(self, image: NodeImage, thread: ThreadKey, platform: ChatPlatform) -> Picture:
        data = await platform.fetch(image.shown, thread)
        return await self.workshop.prepare_reference(data)

    async def _readable(self, provider: ImageProvider, history: History) -> bool:
        """Whether every picture that a history points at still answers."""
        links = {link for turn in history for link in _links(turn)}
        return all(await asyncio.gather(*(provider.readable(link) for link in links)))

    async def _one(
        self,
        reference: Reference,
        thread: ThreadKey,
        platform: ChatPlatform,
        provider: ImageProvider,
        able: Capabilities,
    ) -> Upload | Unusable:
        try:
            data = await self._fetch(reference, thread, platform)
            if len(data) > self.max_bytes:
                return Unusable(reference, "too_large_bytes")
            picture = await self.workshop.prepare_reference(data, able.max_reference_bytes)
            return await self._upload(provider, picture)
        except PictureRefused as refusal:
            return Unusable(reference, reason_of(refusal.problem))
        except FetchFailed as failure:
            return Unusable(reference, reason_of(failure.problem))
        except PlatformGone as gone:
            return Unusable(reference, gone.reason or "gone")

    async def _fetch(self, reference: Reference, thread: ThreadKey, platform: ChatPlatform) -> bytes:
        if reference.source is Source.SAVED:
            found = await self.library.picture(reference.attachment)
            if found is None:
                raise PlatformGone("a saved picture is no more", reason="unsaved")
            return found
        if reference.message:
            return await platform.fetch(reference, thread)
        return await self.fetcher.fetch_given(reference.url)

    async def _upload(self, provider: ImageProvider, picture: Picture) -> Upload:
        name = key("upload", provider.name, picture.digest)
        known = await self.redis.get(name)
        if known is not None:
            upload = unpack(Upload, known)
            if await provider.readable(upload.url):
                return upload
        upload = await provider.upload(picture)
        await self.redis.set(name, pack(Upload, upload), ex=UPLOAD_KEPT_SECONDS)
        return upload


def _edited(turn: Turn, basis: Upload | None) -> Edited:
    if turn.parent is None:
        return Edited.NOTHING
    return Edited.EARLIER if basis is None else Edited.FIRST


def reason_of(problem: PictureProblem | FetchProblem) -> str:
    """The name of the sentence, among those of `picture`, that says why a picture is left out."""
    usual = problem.value if isinstance(problem, PictureProblem) else "unreachable"
    return _SENTENCES.get(problem, usual)


def _links(value: object) -> Sequence[str]:
    """Every link to a picture inside an opaque history, and to all else that the provider keeps."""
    match value:
        case {"fileUri": str(link)} | {"file_uri": str(link)} if link.startswith("http"):
            return [link]
        case str() if value.startswith(KEPT):
            return [value]
        case dict():
            return [link for name, inner in value.items() if name != "text" for link in _links(inner)]
        case list():
            return [link for inner in value for link in _links(inner)]
        case _:
            return []


def _left_out(locale: str, item: Unusable, max_bytes: int) -> str:
    reason = say(locale, f"picture.{item.reason}", limit=max_bytes // 1_000_000)
    return say(locale, "note.left_out", name=called(item.reference, locale), reason=reason)


def _too_many(locale: str, able: Capabilities, used: Sequence[Numbered], over: Sequence[Numbered]) -> str:
    def names(some: Sequence[Numbered]) -> str:
        return ", ".join(called(reference, locale) for _, reference in some) or "–"

    return say(
        locale,
        "note.too_many_references",
        model=able.model,
        limit=able.max_references,
        used=names(used),
        unused=names(over),
    )
