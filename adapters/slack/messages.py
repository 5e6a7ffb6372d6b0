"""What people write: mentions, replies in our threads, direct messages; and what they change or delete afterwards."""

from dataclasses import dataclass, replace
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict

from adapters.slack.actions import PLATFORM
from adapters.slack.answers import Answers
from adapters.slack.avatars import mentioned, mentions_somebody
from adapters.slack.desk import Actor, Desk, Wish, channel_key
from adapters.slack.files import references_of
from adapters.slack.gathering import above, pointed_at
from adapters.slack.posts import Post
from adapters.slack.spoken import Spoken
from adapters.slack.text import mentions, typed
from core.commands import parse
from core.errors import Declined
from core.picking import picked
from core.turns import ImageRef, Operation, Reference, Source, ThreadKey, TurnId, turn_id

SPOKEN = frozenset({None, "", "file_share", "thread_broadcast"})
"""The kinds of `message` that are something that somebody wrote."""
HINT_SECONDS = 3600
BARE_SECONDS = 60

log = structlog.get_logger()


class Message(BaseModel):
    """A message as an event tells of it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    ts: str
    channel: str = ""
    user: str = ""
    text: str = ""
    subtype: str | None = None
    bot_id: str | None = None
    thread_ts: str | None = None
    channel_type: str = ""
    files: tuple[dict[str, Any], ...] = ()

    @property
    def thread(self) -> str:
        """The thread that it is a reply in; empty for a root."""
        return self.thread_ts if self.thread_ts and self.thread_ts != self.ts else ""

    @property
    def direct(self) -> bool:
        """Whether it was written to us alone."""
        return self.channel_type == "im" or self.channel.startswith("D")


@dataclass(frozen=True, slots=True)
class Here:
    """Where an event happens: the workspace, and who we are there."""

    workspace: str
    bot_user: str
    bot: str


@dataclass(frozen=True, slots=True)
class _Target:
    """What a message goes on from: a picture of its thread, or nothing but the thread."""

    thread: ThreadKey
    post: Post | None = None
    parent: ImageRef | None = None
    drawing: bool = False
    """Its first picture is still on its way."""


class Listener:
    """Hears what people write."""

    def __init__(self, desk: Desk, answers: Answers) -> None:
        self._desk = desk
        self._answers = answers
        self._spoken = Spoken(desk)

    async def on_message(self, here: Here, event: dict[str, Any], *, called: bool = False) -> None:
        """Take on what a message asks for, if it asks for anything. `called` is for a mention."""
        match event.get("subtype"):
            case "message_changed":
                await self._changed(here, event)
            case "message_deleted":
                await self._deleted(here, str(event.get("channel", "")), str(event.get("deleted_ts", "")))
            case kind if kind in SPOKEN:
                await self._written(here, Message.model_validate(event), called=called)

    async def _written(self, here: Here, message: Message, *, called: bool) -> None:
        if _is_ours(here, message) or message.bot_id or not message.user:
            return
        called = called or mentions(message.text, here.bot_user)
        if called or message.direct or message.thread:
            await self._answers.soon(self._heard(here, message, called=called))

    async def _heard(self, here: Here, message: Message, *, called: bool) -> None:
        """Find out what a message is about, and deal with it. Raises RedisError: then Slack is to send it again."""
        target = await self._target(here, message, called=called)
        if target is None:
            return
        # Who may edit a picture is decided by who they are; a wish of its own is anybody's.
        known = self._desk.actor if target.post else self._desk.glimpse
        actor = await known(here.workspace, message.user)
        later = self._answers.by_post(here.workspace, message.channel, message.user, thread=message.thread)
        await self._answers.aside(self._take(here, actor, message, target), self._desk.language(actor), later)

    async def _take(self, here: Here, actor: Actor, message: Message, target: _Target) -> str:
        words = typed(message.text, bot=here.bot_user)
        files, event = references_of(message.files, message.channel, message.ts), f"{message.channel}.{message.ts}"
        if (said := await self._spoken.answer(actor, target.thread, words, files, event=event)) is not None:
            return said
        if not words and not message.files:
            first = await self._desk.posts.once(f"hint:{message.channel}:{message.user}", seconds=HINT_SECONDS)
            return self._spoken.help(await self._desk.met(actor)) if first else ""
        agent = message.direct and await self._desk.posts.is_agents(here.workspace, message.channel, message.thread)
        if target.parent:
            parent, words = await self._picked(target.thread, target.parent, words, message)
            post = await self._desk.posts.by_turn(parent.node) if parent.node != target.parent.node else target.post
            target = replace(target, parent=parent, post=post or target.post)
        wish = self._wish(message, target, words, agent=agent)
        turn = await self._desk.turn(actor, await self._gathered(actor, message, wish))
        # A mention and its message are two events, and only one of them may have carried the files.
        if not message.files:
            await self._desk.posts.once(f"bare:{turn.id}", seconds=BARE_SECONDS)
        if not await self._desk.take(turn) and message.files and await self._desk.posts.forget(f"bare:{turn.id}"):
            await self._desk.intake.revise(turn)
        return ""

    def _wish(self, message: Message, target: _Target, words: str, *, agent: bool) -> Wish:
        prompt, options = parse(words)
        if target.drawing:
            raise Declined("slack.still_drawing")
        return Wish(
            event=f"{message.channel}.{message.ts}",
            thread=target.thread,
            prompt=prompt,
            options=options,
            references=references_of(message.files, message.channel, message.ts),
            operation=Operation.EDIT if target.parent else Operation.IMAGINE,
            parent=target.parent,
            of=target.post,
            reply_to=message.ts,
            agent=agent,
        )

    async def _picked(self, thread: ThreadKey, parent: ImageRef, words: str, message: Message) -> tuple[ImageRef, str]:
        alone = not (message.files or mentions_somebody(words))
        return await picked(self._desk.conversations, thread, parent, words, alone=alone)

    async def _gathered(self, actor: Actor, message: Message, wish: Wish) -> Wish:
        """The same with the pictures that it means besides its own: its thread's, else "this"."""
        found: tuple[Reference, ...] = ()
        if wish.parent is None and message.thread:
            found = await above(self._desk, actor, message.channel, message.thread)
        if wish.parent is None and not found and not message.files:
            found = await pointed_at(
                self._desk, actor, wish.prompt, message.channel, thread=message.thread, message=message.ts
            )
        prompt, avatars = await mentioned(self._desk, actor, wish.prompt)
        return replace(wish, prompt=prompt, references=(*wish.references, *found, *avatars))

    async def _target(self, here: Here, message: Message, *, called: bool) -> _Target | None:
        if not message.thread:
            addressed = called or message.direct
            return _Target(channel_key(here.workspace, message.channel)) if addressed else None
        thread = channel_key(here.workspace, message.channel, message.thread)
        opened_for = await self._desk.posts.opened_for(here.workspace, message.channel, message.thread)
        if not called and not message.direct and not (opened_for and await self._listening(thread)):
            return None
        head = await self._desk.conversations.head(thread)
        if head is None:
            if opened_for and await self._desk.intake.turns.read(opened_for):
                return _Target(thread, drawing=True)
            return _Target(thread)
        return _Target(thread, await self._desk.posts.by_turn(head.node), head)

    async def _listening(self, thread: ThreadKey) -> bool:
        """Whether every message of a thread of ours is an edit."""
        switch = await self._desk.conversations.switch(thread, "listening")
        if switch is None:
            return (await self._desk.settings.of(thread.workspace)).every_message
        return switch

    # -- afterwards

    async def _changed(self, here: Here, event: dict[str, Any]) -> None:
        """A message was changed: so is its turn, while it waits."""
        channel = str(event.get("channel", ""))
        placed = {"channel": channel, "channel_type": str(event.get("channel_type", ""))}
        now = Message.model_validate({**(event.get("message") or {}), **placed})
        if now.subtype == "tombstone":
            await self._deleted(here, channel, now.ts)
            return
        before = event.get("previous_message") or {}
        same = now.text == before.get("text") and len(now.files) == len(before.get("files") or ())
        if same or _is_ours(here, now) or now.bot_id or not now.user:
            return
        record = await self._desk.intake.turns.read(_turn_id(here, channel, now.ts))
        if record is None:
            return
        turn = record.turn
        try:
            parent, words = turn.parent, typed(now.text, bot=here.bot_user)
            if parent:
                parent, words = await self._picked(turn.thread, parent, words, now)
            prompt, options = parse(words)
            # What was meant besides is what it was: the place has gone on since.
            meant = (one for one in turn.references if one.source in (Source.REPLIED, Source.NEWEST))
            actor = await self._desk.actor(here.workspace, now.user)
            prompt, avatars = await mentioned(self._desk, actor, prompt)
            references = (*references_of(now.files, channel, now.ts), *meant, *avatars)
            asked = replace(turn.options, aspect_ratio=options.aspect_ratio, size=options.size, style=options.style)
            if turn.operation is Operation.IMAGINE:
                asked = await self._desk.completed(actor, asked)
            await self._desk.intake.revise(
                replace(turn, prompt=prompt, options=asked, references=references, parent=parent)
            )
        except Declined:
            log.info("a message was changed into what cannot be taken on; its turn stays as it was")

    async def _deleted(self, here: Here, channel: str, ts: str) -> None:
        """A message is gone: the turn that it asked for is cancelled, the picture that it showed is removed."""
        turn = _turn_id(here, channel, ts)
        record = await self._desk.intake.turns.read(turn)
        if record is not None:
            try:
                await self._desk.intake.cancel(turn, record.turn.author)
            except Declined:
                log.info("a message was deleted too late to cancel its turn", turn=turn)
            return
        post = await self._desk.posts.by_message(here.workspace, channel, ts)
        if post and post.shown and post.message == ts:
            await self._desk.conversations.mark_removed(post.conversation, post.turn.id)


def _is_ours(here: Here, message: Message) -> bool:
    return bool(here.bot_user and message.user == here.bot_user) or bool(here.bot and message.bot_id == here.bot)


def _turn_id(here: Here, channel: str, ts: str) -> TurnId:
    return turn_id(PLATFORM, here.workspace, f"{channel}.{ts}")
