"""The last steps: the pictures are fetched from the service, posted once, and remembered."""

import asyncio
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import structlog

from core.conversation import Conversations, added
from core.errors import Declined, NotYet, ProviderError
from core.histories import relinked
from core.measures import mismatch
from core.pictures import Picture, PictureRefused
from core.pictures.workshop import PictureWorkshop, WorkshopUnavailable
from core.ports import ChatPlatform, Delivered, Image, Result
from core.records import Drawing, Prepared, Record
from core.replies import say
from core.sender import failed
from core.services import Services
from core.state import Hold
from core.statuses import KEPT, FailureReason, History, Output, Succeeded
from core.turns import Node, NodeImage, Operation, Reference, Turn

MOST_FETCHES = 6
ALT_TEXT_CHARACTERS = 1000
NAME_CHARACTERS = 48
AT_ONCE = 8
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}

log = structlog.get_logger()


class Delivery:
    """Fetches finished pictures and posts them."""

    def __init__(self, services: Services, conversations: Conversations, workshop: PictureWorkshop) -> None:
        self.services = services
        self.conversations = conversations
        self.workshop = workshop
        # Pictures are large: what waits here holds an id, what is inside holds bytes.
        self.gate = asyncio.Semaphore(AT_ONCE)

    async def collect(self, hold: Hold) -> dict[int, Picture]:
        """The verified pictures of a turn, by image. Raises `NotYet` while one is to be tried again."""
        pictures: dict[int, Picture] = {}
        for index, drawing in enumerate(hold.record.drawings):
            if not isinstance(drawing.status, Succeeded):
                continue
            try:
                pictures[index] = await self._picture(hold.record, index)
            except (ProviderError, PictureRefused, WorkshopUnavailable) as problem:
                log.warning("a picture could not be fetched", image=index, problem=type(problem).__name__)
                await _count_attempt(hold, index, problem)
                await hold.save_drawing(index, failed(drawing, FailureReason.DAMAGED))
        return pictures

    async def _picture(self, record: Record, index: int) -> Picture:
        drawing = record.drawings[index]
        output = next(iter(_outputs(drawing)), Output())
        provider = self.services.of(record.route.provider)
        if not output.url and drawing.request:
            status = await provider.look(drawing.request)
            output = next(iter(status.outputs), Output()) if isinstance(status, Succeeded) else Output()
        data = output.data or await provider.download(output)
        return await self.workshop.inspect_result(data)

    async def deliver(
        self,
        hold: Hold,
        platform: ChatPlatform,
        pictures: dict[int, Picture],
        notes: Sequence[str],
        *,
        repeated: bool,
    ) -> Delivered:
        """Post the pictures. The attempt has been written down; a repeated one looks before it posts.

        Raises `NotYet` while what does not fit in its place is to be tried again, at last `Declined`.
        """
        record = hold.record
        alt_text = await self._alt_text(record.turn)
        images = [_image(record, index, picture, alt_text) for index, picture in pictures.items()]
        edited = await self._edited(record.turn)
        most = max(len(_outputs(record.drawings[index])) for index in pictures)
        if most > 1:
            notes = (*notes, say(record.turn.locale, "note.more_drawn", count=most))
        mismatches = {note for picture in pictures.values() if (note := mismatch(record.turn, picture, edited))}
        using = record.prepared.using if record.prepared else ""
        notes = (*notes, *sorted(mismatches))
        result = Result(images=tuple(images), model=record.route.model, notes=notes, using=using)
        assert record.announcement is not None  # noqa: S101 - the line has announced
        try:
            return await platform.deliver(record.turn, record.announcement, result, repeated=repeated)
        except (PictureRefused, WorkshopUnavailable) as problem:
            log.warning("a picture could not be made smaller", problem=str(problem) or type(problem).__name__)
            await _count_attempt(hold, next(iter(pictures)), problem)
            raise Declined("note.unfit") from problem

    async def node(self, record: Record, pictures: dict[int, Picture], delivered: Delivered, cost: int) -> Node:
        """What the thread will remember of a turn whose pictures are posted."""
        turn, prepared = record.turn, record.prepared or Prepared()
        goes_on = turn.parent is not None and prepared.basis is None
        before = await self.conversations.history(turn.thread, turn.parent) if goes_on and turn.parent else None
        before = relinked(before or [], prepared.moved)
        if len(delivered.images) == len(pictures):
            images = [
                _remembered(record.drawings[index], picture, shown, before)
                for (index, picture), shown in zip(pictures.items(), delivered.images, strict=True)
            ]
        else:
            # What stands there is of an earlier attempt that had more or fewer: each is gone on from as it is shown.
            images = [NodeImage(shown) for shown in delivered.images]
        return Node(
            id=turn.id,
            author=turn.author,
            prompt=turn.prompt,
            made_at=turn.asked_at,
            operation=turn.operation,
            options=turn.options,
            provider=record.route.provider,
            model=record.route.model,
            images=tuple(images),
            references=prepared.used,
            parent=turn.parent,
            message=delivered.message,
            cost=cost,
            carried=prepared.carried,
        )

    async def _edited(self, turn: Turn) -> NodeImage | None:
        """The picture that a turn goes on from; None where there is none, or it is no longer known."""
        if turn.parent is None or turn.operation is Operation.IMAGINE:
            return None
        node = await self.conversations.node(turn.thread, turn.parent.node)
        return node.images[turn.parent.index] if node and turn.parent.index < len(node.images) else None

    async def _alt_text(self, turn: Turn) -> str:
        """What the picture shows, as far as words were given: the newest first."""
        words = [turn.prompt]
        if turn.parent is not None:
            async for node in self.conversations.ancestors(turn.thread, turn.parent.node):
                words.append(node.prompt)
                if sum(map(len, words)) >= ALT_TEXT_CHARACTERS:
                    break
        text = " ← ".join(" ".join(word.split()) for word in words)
        return text if len(text) <= ALT_TEXT_CHARACTERS else text[: ALT_TEXT_CHARACTERS - 1] + "…"


def _remembered(drawing: Drawing, picture: Picture, shown: Reference, before: History | None) -> NodeImage:
    status = drawing.status
    drawn = status if isinstance(status, Succeeded) else Succeeded(())
    part, rooted = added(drawn.history, before)
    url = drawn.outputs[0].url if drawn.outputs else ""
    outgrown = drawn.outgrown and bool(before)
    return NodeImage(shown, url, picture.width, picture.height, history=part, rooted=rooted, outgrown=outgrown)


async def _count_attempt(hold: Hold, index: int, problem: Exception) -> None:
    """Raise `NotYet` unless that was the last attempt at an image."""
    drawing = hold.record.drawings[index]
    fetches = drawing.fetches + 1
    await hold.save_drawing(index, replace(drawing, fetches=fetches))
    if fetches < MOST_FETCHES:
        raise NotYet(min(20.0, 2.0**fetches)) from problem


def _outputs(drawing: Drawing) -> Sequence[Output]:
    """The pictures of an answer. One was asked for, and the first is what people get."""
    return drawing.status.outputs if isinstance(drawing.status, Succeeded) else ()


def link_to(drawing: Drawing) -> str:
    """The original's address where people may be offered one; else empty."""
    link = next((output.url for output in _outputs(drawing)), "")
    return "" if link.startswith(KEPT) else link


def _image(record: Record, index: int, picture: Picture, alt_text: str) -> Image:
    link = link_to(record.drawings[index])
    number = f"-{index + 1}" if len(record.drawings) > 1 else ""
    ending = ENDINGS.get(picture.media_type, "bin")
    return Image(picture, alt_text, f"{file_stem(record.turn.prompt)}{number}.{ending}", link)


def file_stem(prompt: str) -> str:
    """A file name out of a prompt: plain letters, short, never empty."""
    plain = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:NAME_CHARACTERS].strip("-") or "picture"
