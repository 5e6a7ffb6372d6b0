"""What people write: replies to our pictures, messages in our threads, mentions, direct messages."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog
from redis.exceptions import RedisError

from adapters.discord import render
from adapters.discord.avatars import mentioned, mentions_somebody
from adapters.discord.desk import DIRECT, THREADS, Desk, references_of
from adapters.discord.events import Channel, Message, moment_of
from adapters.discord.gathering import gathered, replied_to
from adapters.discord.permissions import check_editor
from adapters.discord.pictures import FILE_BYTES
from adapters.discord.posting import Poster
from adapters.discord.posts import Place, Post, key_of
from adapters.discord.rest import Refused
from adapters.discord.words import plain
from core.commands import parse
from core.errors import Declined, PlatformError
from core.picking import picked
from core.replies import say
from core.turns import ImageRef, Operation, Options, Person, Reference, ThreadKey, Turn, TurnId, turn_id

HINT_SECONDS = 3600
MOMENTS, MOMENT_SECONDS = 5, 0.3
_DEFAULT, _REPLY = 0, 19

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What Discord told of a server; the usual where it has not told."""

    locale: str = "en-US"
    file_bytes: int = FILE_BYTES


@dataclass(frozen=True, slots=True)
class _Target:
    """What a message goes on from: a turn of ours that it answers, or the newest picture of our thread."""

    thread: ThreadKey
    post: Post | None
    parent: ImageRef | None
    replied: bool = False
    """Whether that is what the message replies to."""


class Listener:
    """Hears what people write."""

    def __init__(self, desk: Desk, facts: Callable[[str | None], Awaitable[ServerFacts]]) -> None:
        """`facts` gives what is known of a server by its id."""
        self.desk = desk
        self._facts = facts
        self._mention = re.compile(rf"<@!?{desk.rest.user}>")

    async def on_message(self, message: Message) -> None:
        """Take on what a message asks for, if it asks for anything."""
        if message.author.bot or message.webhook_id or message.type not in (_DEFAULT, _REPLY):
            return
        try:
            turn = await self._turn(message)
            if turn is not None:
                await self.desk.take(turn)
        except Declined as refusal:
            locale = (await self._facts(message.guild_id)).locale
            await self._reply(message, say(locale, refusal.reply, **refusal.details))
        except Refused as refused:
            log.warning("a message cannot be answered", why=str(refused))

    async def on_edit(self, message: Message) -> None:
        """A message was changed: so is its turn, while it waits."""
        if message.edited_timestamp is None or message.author.bot or message.webhook_id:
            return
        record = await self.desk.intake.turns.read(_turn_id(message))
        if record is None:
            return
        try:
            turn = await self._turn(message, before=record.turn.parent)
            if turn is not None:
                await self.desk.intake.revise(turn)
        except (Declined, Refused):
            log.info("a message was changed into what cannot be taken on; its turn stays as it was")

    async def on_delete(self, guild: str | None, message: str) -> None:
        """A message is gone: the turn that it asked for is cancelled, the picture that it showed is removed."""
        turn = turn_id("discord", guild or DIRECT, message)
        record = await self.desk.intake.turns.read(turn)
        if record is not None:
            try:
                await self.desk.intake.cancel(turn, record.turn.author)
            except Declined:
                log.info("a message was deleted too late to cancel its turn", turn=turn)
            return
        post = await self.desk.posts.by_message(message)
        if post is None:
            return
        thread = post.thread or post.turn.thread
        node = await self.desk.conversations.node(thread, post.turn.id)
        if node is not None and node.message == message:
            await self.desk.conversations.mark_removed(thread, node.id)

    # -- reading

    async def _turn(self, message: Message, *, before: ImageRef | None = None) -> Turn | None:
        """What a message asks for. `before` is what it went on from when it was first read: its thread has moved on."""
        target = await self._target(message)
        called = any(user.id == self.desk.rest.user for user in message.mentions)
        direct = message.guild_id is None
        if target is None and not called and not direct:
            return None
        words = self._mention.sub("", message.content).strip()
        if not words and not message.attachments:
            await self._explain(message, blank=target is not None and not called)
            return None
        place = await self._place(message)
        settings = await self.desk.rules_for(message.guild_id, place)
        person = _person(message)
        parent = target.parent if target else None
        if before and target and not target.replied:
            parent = before
        if parent and target:
            alone = not (message.attachments or mentions_somebody(words))
            alone = alone and (target.replied or not message.message_reference)
            parent, words = await picked(self.desk.conversations, target.thread, parent, words, alone=alone)
        prompt, options = parse(words)
        if options.private:
            raise Declined("discord.private_by_command")
        prompt, avatars = await mentioned(self.desk, prompt, message.guild_id, message.mentions)
        if target is None:
            options = replace(options, aspect_ratio=options.aspect_ratio or settings.aspect_ratio or None)
            references = (*await gathered(self.desk, message, prompt), *avatars)
            return await self._built(message, place, key_of(place, person.workspace), prompt, options, None, references)
        picked_from = await self.desk.posts.by_turn(parent.node) if parent else None
        if post := picked_from or target.post:
            check_editor(settings, post.turn, person, moderator=False)
        replied = () if target.replied else await replied_to(self.desk, message)
        return await self._built(message, place, target.thread, prompt, options, parent, (*replied, *avatars))

    async def _target(self, message: Message) -> _Target | None:
        reference = message.message_reference
        if message.type == _REPLY and reference and reference.message_id:
            post = await self.desk.posts.by_message(reference.message_id)
            if post is None:
                return await self._thread_target(message)
            thread = post.thread or post.turn.thread
            parent = await self._shown(thread, post, reference.message_id)
            if parent is None:
                raise Declined("discord.still_drawing")
            return _Target(thread, post, parent, replied=True)
        return await self._thread_target(message)

    async def _shown(self, thread: ThreadKey, post: Post, message: str) -> ImageRef | None:
        """The picture that a message shows. One that was posted this moment may not be remembered yet."""
        if message == post.message:
            return await self.desk.conversations.find(thread, message)
        return await _soon(lambda: self.desk.conversations.find(thread, message))

    async def _thread_target(self, message: Message) -> _Target | None:
        """The newest picture of a thread of ours, where messages in it are edits."""
        place = await self.desk.posts.place(message.channel_id)
        if place is None or not place.ours or message.guild_id is None:
            return None
        thread = key_of(place, message.guild_id)
        called = any(user.id == self.desk.rest.user for user in message.mentions)
        if not called:
            listening = await self.desk.conversations.switch(thread, "listening")
            if listening is None:
                listening = (await self.desk.settings.of(message.guild_id)).every_message
            if not listening or not self.desk.chat.plain_messages:
                return None
        head = await _soon(lambda: self.desk.conversations.head(thread))
        if head is None:
            raise Declined("discord.still_drawing")
        return _Target(thread, await self.desk.posts.by_turn(head.node), head)

    async def _built(
        self,
        message: Message,
        place: Place,
        thread: ThreadKey,
        prompt: str,
        options: Options,
        parent: ImageRef | None,
        gathered: tuple[Reference, ...],
    ) -> Turn:
        facts = await self._facts(message.guild_id)
        address = {"limit": str(facts.file_bytes)}
        if place.direct:
            address["direct"] = "1"
        if message.type == _REPLY and any(user.id == self.desk.rest.user for user in message.mentions):
            address["ping"] = "1"
        return Turn(
            id=_turn_id(message),
            thread=thread,
            author=_person(message),
            prompt=prompt,
            asked_at=moment_of(message.id),
            operation=Operation.EDIT if parent else Operation.IMAGINE,
            options=options,
            references=(*references_of(message.attachments, message.channel_id, message.id), *gathered),
            parent=parent,
            reply_to=message.id,
            locale=facts.locale,
            address=address,
        )

    async def _place(self, message: Message) -> Place:
        """Where a message is. Discord does not say with the message, so each channel is asked about once."""
        if message.guild_id is None:
            return Place(message.channel_id, direct=True)
        known = await self.desk.posts.place(message.channel_id)
        if known is not None:
            return known
        answer = await self.desk.rest.call("GET", "/channels/{channel_id}", channel_id=message.channel_id)
        channel = Channel.model_validate(answer)
        parent = (channel.parent_id or "") if channel.type in THREADS else ""
        place = Place(channel.id, parent, age_restricted=channel.nsfw)
        await self.desk.posts.learn(place)
        return place

    # -- answering

    async def _explain(self, message: Message, *, blank: bool) -> None:
        """Say how to be heard, once an hour in a channel: a reply came without its words, or a call without any."""
        if not await self.desk.posts.press(f"hint:{message.channel_id}", message.id, seconds=HINT_SECONDS):
            return
        name = "discord.blank_reply" if blank else "discord.empty_mention"
        await self._reply(message, say((await self._facts(message.guild_id)).locale, name))

    async def _reply(self, message: Message, text: str) -> None:
        body = render.reply_to(render.message(plain(text)), message.id)
        try:
            await Poster(self.desk.rest).post(message.channel_id, body, message.id, "reply")
        except (Refused, PlatformError, RedisError) as error:
            log.warning("a person could not be told why", why=str(error))


async def _soon(look: Callable[[], Awaitable[ImageRef | None]]) -> ImageRef | None:
    """What is there now, or in a moment: a picture is posted a little before it is remembered."""
    for _ in range(MOMENTS):
        if (found := await look()) is not None:
            return found
        await asyncio.sleep(MOMENT_SECONDS)
    return await look()


def _person(message: Message) -> Person:
    return Person("discord", message.guild_id or DIRECT, message.author.id, message.author.name)


def _turn_id(message: Message) -> TurnId:
    return turn_id("discord", message.guild_id or DIRECT, message.id)
