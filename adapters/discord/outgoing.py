"""Discord behind the core's port, over REST alone: any worker can post and edit for any turn."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import structlog
from redis.exceptions import RedisError

from adapters.discord import render
from adapters.discord.events import Message
from adapters.discord.pictures import FILE_BYTES, Pictures, shown_in
from adapters.discord.posting import ANNOUNCING, MESSAGE, SHOWING, THREADS, Poster
from adapters.discord.posts import Place, Post, Posts, channel_of, event_of, short_key
from adapters.discord.private import PrivateAnswers, by_token, kept
from adapters.discord.rest import Refused, Rest
from adapters.discord.throttle import Throttle
from adapters.discord.words import thread_name
from core.errors import Declined, PlatformBusy, PlatformGone, ProviderError
from core.ports import Announcement, Delivered, Models, Notice, Result
from core.replies import say
from core.turns import Reference, ThreadKey, Turn

THREAD_EXISTS = 160004
TOO_LARGE = 40005
SMALLER = (8 * 1024 * 1024, 3 * 1024 * 1024)
"""What to shrink to where Discord finds a file too large although it should fit."""
ARCHIVE_MINUTES = 1440
STORE_SECONDS = 2.0
LONGEST_NAP = 2.5
"""How long the last edit may wait in a worker's slot for its moment; a longer wait gives the slot back."""

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger()


def _over_the_store(method: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The store's troubles, in the port's words."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except (RedisError, OSError) as error:
            raise PlatformBusy(STORE_SECONDS) from error

    return call


@dataclass(frozen=True, slots=True)
class DiscordChat:
    """The chat platform. `plain_messages` says whether we are given what people write without calling us."""

    rest: Rest
    posts: Posts
    poster: Poster
    pictures: Pictures
    private: PrivateAnswers
    throttle: Throttle
    provider: Models
    plain_messages: bool = False

    @property
    def name(self) -> str:
        """The `platform` of its thread keys."""
        return "discord"

    @_over_the_store
    async def announce(self, turn: Turn, notice: Notice, *, repeated: bool) -> Announcement:
        """Post the message that stands for the turn and open its thread."""
        await self.posts.keep(Post(turn, turn.thread))
        await self.throttle.shows(short_key(turn.id), render.face(notice))
        if by_token(turn):
            return await self.private.announce(turn, notice)
        body = render.announcement(turn, notice)
        message = await self._find_announcement(turn) if repeated else None
        message = message or await self._post_announcement(turn, body)
        thread = await self.open_conversation(turn, message)
        ours = Place(thread.thread, thread.channel, ours=True) if thread.thread == message.id else None
        post = Post(turn, thread, message.channel_id, message.id)
        await self.posts.keep(post, message.id, place=ours)
        return Announcement(thread, message.id)

    @_over_the_store
    async def update(self, turn: Turn, announcement: Announcement, notice: Notice) -> None:
        """Show the notice; one that is not the last is left out when the channel was edited within two seconds."""
        key = short_key(turn.id)
        post = await self.posts.by_turn(turn.id)
        channel = post.channel if post and post.channel else announcement.thread.channel
        # Private answers share no bucket: each is a channel of its own.
        scope = f"@{key}" if by_token(turn) else channel
        if notice.stage.final:
            wait = await self.throttle.until_last(scope, key)
            if wait > LONGEST_NAP:
                raise PlatformBusy(wait)
            await asyncio.sleep(wait)
        elif not await self.throttle.may_edit(scope, key, render.face(notice)):
            return
        if by_token(turn):
            await self.private.update(turn, notice)
            return
        body = render.without_flags(render.announcement(turn, notice))
        try:
            await self.rest.call("PATCH", MESSAGE, body, channel_id=channel, message_id=announcement.message)
        except Refused as refused:
            if notice.stage.final and notice.cause:
                await self._say_elsewhere(turn, announcement, render.announcement(turn, notice), refused)
            raise PlatformGone(str(refused)) from None

    @_over_the_store
    async def deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        """Post the pictures in the conversation, or at the next best place that takes them."""
        if by_token(turn):
            delivered = await self.private.deliver(turn, result, repeated=repeated)
        else:
            delivered = await self._deliver(turn, announcement, result, repeated=repeated)
        await self.posts.add_message(turn.id, delivered.message)
        return delivered

    @_over_the_store
    async def fetch(self, reference: Reference, thread: ThreadKey) -> bytes:
        """The bytes of a picture that people or we posted."""
        del thread  # a reference says by itself where it is
        return await self.pictures.fetch(reference)

    # -- announcing

    async def _find_announcement(self, turn: Turn) -> Message | None:
        async for channel, _ in self._places(turn, turn.thread):
            if found := await self.poster.find(channel, short_key(turn.id), ANNOUNCING, after=event_of(turn.id)):
                return found
        return None

    async def _post_announcement(self, turn: Turn, body: render.Body) -> Message:
        async for channel, first in self._places(turn, turn.thread):
            answers = render.reply_to(body, turn.reply_to) if turn.reply_to and first else body
            try:
                return await self.poster.post(channel, answers, turn.id, "announcement")
            except Refused as refused:
                log.error("a turn could not be announced here", channel=channel, why=str(refused))
        raise PlatformGone("no place takes the announcement")

    async def open_conversation(self, turn: Turn, message: Message) -> ThreadKey:
        """The conversation of a turn: its parent's, the thread it was asked in, or a new one on its announcement."""
        here = turn.thread
        in_channel = not here.thread and message.channel_id == here.channel
        if turn.parent is not None or not in_channel or "direct" in turn.address:
            return here
        body = {"name": thread_name(turn.prompt), "auto_archive_duration": ARCHIVE_MINUTES}
        try:
            await self.rest.call("POST", THREADS, body, channel_id=here.channel, message_id=message.id)
        except Refused as refused:
            if refused.code != THREAD_EXISTS:
                log.warning("no thread can be opened here", channel=here.channel, why=str(refused))
                return here
        return replace(here, thread=message.id)

    # -- delivering

    async def _deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        if repeated:
            after = announcement.message
            async for channel, _ in self._places(turn, announcement.thread):
                if found := await self.poster.find(channel, short_key(turn.id), SHOWING, after=after):
                    return _delivered(found)
        refusals: list[str] = []
        async for channel, first in self._places(turn, announcement.thread):
            notes = result.notes if first else (*result.notes, say(turn.locale, "discord.moved"))
            try:
                return _delivered(await self._post_result(turn, channel, replace(result, notes=notes)))
            except Refused as refused:
                refusals.append(f"{channel}: {refused}")
                log.error("a picture cannot be posted here", channel=channel, why=str(refused))
        if delivered := await self._keep(turn, announcement, result, repeated=repeated):
            return delivered
        raise PlatformGone("; ".join(refusals) or "no place takes the picture")

    async def _post_result(self, turn: Turn, channel: str, result: Result) -> Message:
        limit = int(turn.address.get("limit", FILE_BYTES))
        for smaller in (*SMALLER, 0):
            files, links = await self.pictures.fit(result.images, limit)
            body = render.result(turn, result, ratios=await self._ratios(turn), links=links, hint=self._hint(turn))
            if turn.reply_to and channel == channel_of(turn.thread):
                body = render.reply_to(body, turn.reply_to, ping="ping" in turn.address)
            try:
                return await self.poster.post(channel, body, turn.id, "pictures", files=files)
            except Refused as refused:
                if not smaller or (refused.code != TOO_LARGE and refused.status != 413):  # noqa: PLR2004 - too large
                    raise
                limit = smaller
        raise AssertionError

    async def _ratios(self, turn: Turn) -> tuple[str, ...]:
        try:
            return (await self.provider.capabilities(turn.options.model or "")).aspect_ratios
        except (Declined, ProviderError):
            return ()

    def _hint(self, turn: Turn) -> str:
        if turn.parent is not None:
            return ""
        name = "discord.hint_messages" if self.plain_messages else "discord.hint_replies"
        return say(turn.locale, name)

    async def _keep(
        self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool
    ) -> Delivered | None:
        """Put what no place takes aside for its person, who is told how to open it."""
        limit = int(turn.address.get("limit", FILE_BYTES))
        files, links = await self.pictures.fit(result.images, limit)
        body = render.result(turn, result, ratios=(), links=links)
        channel = announcement.thread.channel
        waits = await self.private.keep(turn, body, files, channel, "discord.kept_for_you", repeated=repeated)
        if waits is None:
            await self._say_nowhere(turn, announcement)
            return None
        return kept(turn, waits, files)

    async def _say_nowhere(self, turn: Turn, announcement: Announcement) -> None:
        body = render.message(say(turn.locale, "discord.nowhere"))
        post = await self.posts.by_turn(turn.id)
        channel = post.channel if post else announcement.thread.channel
        try:
            await self.rest.call(
                "PATCH", MESSAGE, render.without_flags(body), channel_id=channel, message_id=announcement.message
            )
        except Refused as refused:
            log.error("a person could not be told that their picture fits nowhere", why=str(refused))

    async def _say_elsewhere(self, turn: Turn, announcement: Announcement, body: render.Body, refused: Refused) -> None:
        """A failure that cannot be shown on the announcement is said where the person can see it."""
        log.warning("an announcement has gone; saying the end elsewhere", why=str(refused))
        async for channel, _ in self._places(turn, announcement.thread):
            try:
                await self.poster.post(channel, body, turn.id, "end")
            except Refused:
                continue
            return

    async def _places(self, turn: Turn, thread: ThreadKey) -> AsyncIterator[tuple[str, bool]]:
        """Where a turn may be shown, best first, and whether it is the best; the last is a direct message."""
        best = channel_of(thread)
        yield best, True
        if thread.channel != best:
            yield thread.channel, False
        if "direct" not in turn.address:
            direct = await self.private.direct_channel(turn.author.user)
            if direct:
                yield direct, False


def _delivered(message: Message) -> Delivered:
    return Delivered(message.id, shown_in(message))
