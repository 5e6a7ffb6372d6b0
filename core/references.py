"""Makes ready what a turn works from: the pictures people point at, and what came before the one that is edited.

Each reference is fetched, verified by its content, converted, and uploaded to where the service reads it. One that
cannot be used is left out and named with the reason; nothing is dropped in silence.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from core.continuation import Continuation, Continuations
from core.errors import Declined
from core.histories import Moved
from core.names import folded, meant
from core.numbering import Edited, Numbered, called, legend, using
from core.pointing import MOST_LINKS, TOO_MANY_LINKS
from core.ports import Capabilities, ChatPlatform, ImageProvider, Upload
from core.records import Prepared
from core.replies import say
from core.restart import retold
from core.statuses import History, RefusalReason
from core.turns import Operation, Reference, Source, ThreadKey, Turn
from core.uploads import CannotBeUsed, Uploads, Way
from core.wording import PARAGRAPH, for_model, name_of

MOST_NAMED = 10
"""How many of what a prompt has too much of, or wrong, are told one by one."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A reference that is left out, and the name of the sentence that says why."""

    reference: Reference
    reason: str


@dataclass(frozen=True, slots=True)
class Named:
    """What the turn itself points at: each upload with its numbered reference, and what is said of the others."""

    uploads: tuple[Upload, ...]
    used: tuple[Numbered, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Along:
    """A picture that nobody named and that goes along: where it is, and what the model is told it is."""

    upload: Upload
    reference: Reference
    words: str


class References:
    """Prepares the references of turns."""

    def __init__(self, uploads: Uploads, continuations: Continuations) -> None:
        self.uploads = uploads
        self.continuations = continuations

    async def prepare(
        self,
        turn: Turn,
        thread: ThreadKey,
        platform: ChatPlatform,
        provider: ImageProvider,
        able: Capabilities,
        refused: RefusalReason | None = None,
    ) -> Prepared:
        """The uploads of a turn to the service that draws it, and what has to be said about them.

        `refused` is why the service did not go on from what came before.
        Raises `Declined` when none of the given pictures can be used, `PlatformBusy` and `ProviderError` to be tried
        again.
        """
        way = Way(platform, provider, able)
        before = await self.continuations.of(turn, way, refused)
        room = max(0, able.max_references - (before.basis is not None))
        named = await self._named(turn, thread, way, room)
        along = await self._along(before, turn, way, room - len(named.uploads))
        notes = [say(turn.locale, before.note, model=able.model)] if before.note else []
        notes += await self._unknown_names(turn)
        return Prepared(
            uploads=named.uploads,
            used=tuple(replace(item[1], copy=at.url) for item, at in zip(named.used, named.uploads, strict=True)),
            notes=(*notes, *named.notes),
            basis=before.basis,
            using=using(named.used, turn.locale, numbered=len(turn.references) + (turn.parent is not None) > 1),
            legend=_legend(turn, before, named.used, along, able.max_prompt),
            moved=before.moved,
            along=tuple(item.upload for item in along),
            carried=(before.shown, *(item.reference for item in along)) if before.shown else (),
        )

    async def history(self, turn: Turn, moved: Moved) -> History | None:
        """What the service has to be told of the picture that is edited; None where there is nothing to tell."""
        return await self.continuations.history(turn, moved)

    async def _named(self, turn: Turn, thread: ThreadKey, way: Way, room: int) -> Named:
        """The pictures that the turn itself points at, as many as there is room for."""
        numbers = list(enumerate(turn.references, 1))
        refused = [Unusable(reference, why) for reference in turn.references if (why := self._refusal(reference))]
        wanted = [(number, reference) for number, reference in numbers if not self._refusal(reference)]
        taken, over = wanted[:room], wanted[room:]
        results = await asyncio.gather(*(self._one(reference, thread, way) for _, reference in taken))
        uploads = tuple(item for item in results if not isinstance(item, Unusable))
        used = tuple(number for number, item in zip(taken, results, strict=True) if not isinstance(item, Unusable))
        unusable = [item for item in results if isinstance(item, Unusable)]
        unusable += (item for item in refused if item.reason != TOO_MANY_LINKS)
        notes = [self._left_out(turn.locale, item) for item in unusable]
        if crowded := [item.reference for item in refused if item.reason == TOO_MANY_LINKS]:
            notes.append(_too_many_links(turn.locale, crowded))
        notes += [_changed(turn.locale, reference) for _, reference in used if reference.changed]
        if over:
            notes.append(_too_many(turn.locale, way.able, used, over))
        if wanted and not uploads:
            reply = "references_gone" if turn.operation is Operation.AGAIN else "references_needed"
            raise Declined(f"declined.{reply}", {"reasons": " ".join(notes)})
        return Named(uploads, used, tuple(notes))

    def _refusal(self, reference: Reference) -> str:
        """Why a picture that was only spoken of does not go along; the turn goes on without it."""
        foreign = reference.source is Source.LINK and not self.uploads.fetcher.may_fetch(reference.url)
        return reference.refused or ("not_allowed" if foreign else "")

    async def _one(self, reference: Reference, thread: ThreadKey, way: Way) -> Upload | Unusable:
        try:
            return await self.uploads.bring(reference, thread, way)
        except CannotBeUsed as problem:
            return Unusable(reference, problem.reason)

    async def _along(self, before: Continuation, turn: Turn, way: Way, room: int) -> Sequence[Along]:
        """What there is room for of the pictures in place of the history. Nobody asked for them: none is missed."""
        wanted = before.story.pictures(turn.references)[: max(0, room)]
        results = await asyncio.gather(*(self._one(reference, turn.thread, way) for reference, _ in wanted))
        return [
            Along(item, replace(reference, copy=item.url), words)
            for (reference, words), item in zip(wanted, results, strict=True)
            if not isinstance(item, Unusable)
        ]

    async def _unknown_names(self, turn: Turn) -> list[str]:
        """What to say of names that no picture was saved under, where some are: they are text to the model."""
        words: dict[str, str] = {}
        for word in meant(turn.prompt):
            words.setdefault(folded(word) or "", word)
        unknown = words.keys() - {name_of(reference) for reference in turn.references}
        saved = await self.uploads.library.listed(turn.author) if unknown else ()
        names = {folded(one.name) or "": one.name for one in saved}
        wrong = [name for name in words if name in unknown and name not in names][:MOST_NAMED] if names else []
        return [_unknown_name(turn.locale, words[name], names, name) for name in wrong]

    def _left_out(self, locale: str, item: Unusable) -> str:
        reason = say(locale, f"picture.{item.reason}", limit=self.uploads.max_bytes // 1_000_000)
        return say(locale, "note.left_out", name=called(item.reference, locale), reason=reason)


def _legend(turn: Turn, before: Continuation, used: Sequence[Numbered], along: Sequence[Along], most: int) -> str:
    """What the model is told behind the prompt: what its pictures are, and what was asked for before."""
    room = most - len(for_model(turn)) - len(PARAGRAPH)
    edited = Edited.NOTHING
    if turn.parent is not None:
        edited = Edited.EARLIER if before.basis is None else Edited.FIRST
    pictures = legend(used, edited, room, [item.words for item in along])
    earlier = retold(before.story.requests, room - len(pictures) - len(PARAGRAPH))
    return PARAGRAPH.join(filter(None, (pictures, earlier)))


def _changed(locale: str, reference: Reference) -> str:
    return say(locale, "note.changed", name=called(reference, locale))


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


def _too_many_links(locale: str, over: Sequence[Reference]) -> str:
    names = ", ".join(called(reference, locale) for reference in over[:MOST_NAMED])
    unused = names + (" …" if len(over) > MOST_NAMED else "")
    return say(locale, "note.too_many_links", limit=MOST_LINKS, unused=unused)


def _unknown_name(locale: str, typed: str, names: Mapping[str, str], name: str) -> str:
    """`names` are those that are known, by how they are folded."""
    near = get_close_matches(name, names, n=1)
    if not near:
        return say(locale, "note.unknown_name", name=typed)
    return say(locale, "note.unknown_name_near", name=typed, near=f"@{names[near[0]]}")
