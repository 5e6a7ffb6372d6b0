"""The workspace as the core sees it: a chat platform.

Every message of a turn has an id made from the turn's, and the store takes an id once. So a repeated call finds what
the first one posted, whether or not anybody knows that there was a first one.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from adapters.web.messages import (
    PLATFORM,
    Author,
    Message,
    Shown,
    State,
    announcement_id,
    pictures_id,
    thread_key,
)
from adapters.web.workspace import Workspace
from core.errors import PlatformBusy, PlatformGone
from core.ports import Announcement, Delivered, Notice, Result
from core.replies import notice_text
from core.turns import Reference, Source, ThreadKey, Turn

BOT = Author("", "imagine")
DISK_SECONDS = 10.0
"""How soon a disk that is full may be asked again."""


class WebChat:
    """The local workspace behind the port."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def name(self) -> str:
        """The `platform` of its thread keys."""
        return PLATFORM

    async def announce(self, turn: Turn, notice: Notice, *, repeated: bool) -> Announcement:
        """Post the message that stands for the turn; a turn from a channel opens a thread that hangs on it."""
        del repeated  # the id of the message says it
        message, state = announcement_of(turn), state_of(notice, turn)
        with _troubles():
            if not await self._workspace.post(message, state):
                await self._workspace.set_state(message.id, state)
        return Announcement(thread_key(message.channel, message.root), message.id)

    async def update(self, turn: Turn, announcement: Announcement, notice: Notice) -> None:
        """Show the notice on the announcement."""
        with _troubles():
            await self._workspace.set_state(announcement.message, state_of(notice, turn))

    async def deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        """Post the pictures as one message in the thread."""
        del repeated
        with _troubles():
            message = Message(
                id=pictures_id(turn.id),
                channel=announcement.thread.channel,
                author=BOT,
                at=time.time(),
                thread=announcement.thread.thread,
                pictures=await self._kept(result),
                answers=announcement.message,
                model=result.model,
                notes=(result.using, *result.notes) if result.using else result.notes,
                only_for=_only_for(turn),
            )
            if not await self._workspace.post(message):
                posted = await self._workspace.message(message.id)
                message = posted.message if posted else message
        return Delivered(message.id, tuple(reference_to(message, shown) for shown in message.pictures))

    async def fetch(self, reference: Reference, thread: ThreadKey) -> bytes:
        """The bytes of a picture that somebody attached or that was delivered here."""
        del thread  # a digest is the same everywhere
        with _troubles():
            data = await self._workspace.files.get(reference.attachment)
        if data is None:
            raise PlatformGone("a picture is no longer kept")
        return data

    async def _kept(self, result: Result) -> tuple[Shown, ...]:
        return tuple(
            [
                Shown(
                    digest=await self._workspace.files.put(image.picture.data),
                    name=image.file_name,
                    alt=image.alt_text,
                    width=image.picture.width,
                    height=image.picture.height,
                )
                for image in result.images
            ]
        )


def announcement_of(turn: Turn) -> Message:
    """The message that stands for a turn: the person's own words and pictures."""
    own = (one for one in turn.references if one.attachment and one.source is not Source.SAVED)
    references = tuple(Shown(one.attachment, one.name) for one in own)
    return Message(
        id=announcement_id(turn.id),
        channel=turn.thread.channel,
        author=Author(turn.author.user, turn.author.name),
        at=turn.asked_at,
        thread=turn.thread.thread,
        text=turn.prompt,
        pictures=references,
        turn=turn,
        only_for=_only_for(turn),
    )


def state_of(notice: Notice, turn: Turn) -> State:
    """What the announcement of a turn says and draws."""
    return State(
        stage=notice.stage,
        text=notice_text(notice, turn.locale),
        position=notice.position,
        seconds=notice.seconds,
        usual=notice.usual,
        since=notice.since,
        may_retry=notice.may_retry,
    )


def reference_to(message: Message, shown: Shown) -> Reference:
    """A picture of a message, by place."""
    return Reference(name=shown.name, channel=message.channel, message=message.id, attachment=shown.digest)


def _only_for(turn: Turn) -> str:
    return turn.author.user if turn.options.private else ""


@contextmanager
def _troubles() -> Iterator[None]:
    """The store's and the disk's troubles, in the port's words."""
    try:
        yield
    except RedisError as error:
        raise PlatformBusy from error
    except OSError as error:
        raise PlatformBusy(DISK_SECONDS) from error
