"""Where wishes become turns of the core: checked against the workspace's rules, recorded, and then acknowledged."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.slack.actions import PLATFORM
from adapters.slack.agent import MARK, Agent
from adapters.slack.offers import Offers, soon
from adapters.slack.outgoing import SlackChat
from adapters.slack.people import STRANGER, People, Profile
from adapters.slack.posting import Poster
from adapters.slack.posts import Post, Posts
from adapters.slack.settings import Defaults, Settings
from adapters.slack.web_api import WebApi
from core.avatars import Avatars
from core.choices import Choices
from core.conversation import Conversations
from core.errors import Declined
from core.estimates import with_estimates
from core.intake import Intake
from core.librarian import Librarian
from core.tree import Tree
from core.turns import ImageRef, Operation, Options, Person, Reference, ThreadKey, Turn, turn_id

PATIENCE_SECONDS = 20.0
RETRY_SECONDS = 0.5
ONCE_SECONDS = 86_400
AS_USUAL = Options()

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who does something, in a workspace that we are in."""

    workspace: str
    user: str
    profile: Profile
    stranger: bool = False
    """Whether Slack has yet to be asked who this is."""

    @property
    def person(self) -> Person:
        """The same, as the core knows them."""
        return Person(PLATFORM, self.workspace, self.user, self.profile.name)

    @property
    def locale(self) -> str:
        """The language to answer in."""
        return self.profile.locale


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants, before it is known whether they may have it.

    `event` is Slack's own id for what they did. `reply_to` is the message that asked. `of` is the turn that it goes on
    from, `agent` whether it was asked in an agent's thread.
    """

    event: str
    thread: ThreadKey
    prompt: str
    options: Options = AS_USUAL
    references: tuple[Reference, ...] = ()
    operation: Operation = Operation.IMAGINE
    parent: ImageRef | None = None
    of: Post | None = None
    reply_to: str = ""
    agent: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that handlers of events work with."""

    api: WebApi
    chat: SlackChat
    posts: Posts
    poster: Poster
    settings: Settings
    offers: Offers
    agent: Agent
    intake: Intake
    conversations: Conversations
    tree: Tree
    avatars: Avatars

    @property
    def librarian(self) -> Librarian:
        """Who keeps saved pictures and styles."""
        return Librarian(self.intake.wording.library, self.intake.wording.styles)

    @property
    def redis(self) -> Redis:
        """The store."""
        return self.posts.redis

    async def choices(self, workspace: str) -> Choices:
        """The models that a workspace has chosen, with what has taken the place of those that have ended."""
        choices = await self._chosen(workspace)
        return await soon(self.intake.renewed(choices), choices)

    async def _chosen(self, workspace: str) -> Choices:
        return await self.intake.choices.of_workspace(PLATFORM, workspace)

    async def models(self, workspace: str) -> Mapping[str, str]:
        """The models that may be named in a workspace, and how they read."""
        names = (await self.choices(workspace)).allowed or await self.offers.models()
        return await with_estimates(self.chat.provider, names)

    @property
    def people(self) -> People:
        """Who is who."""
        return self.chat.people

    async def actor(self, workspace: str, user: str, *, name: str = "") -> Actor:
        """Who somebody is; `name` is what an event calls them, for when that is all there is."""
        profile = await self.people.of(workspace, user)
        return Actor(workspace, user, profile if profile.name else replace(profile, name=name))

    async def glimpse(self, workspace: str, user: str, *, name: str = "") -> Actor:
        """The same without asking Slack: enough for a wish, which is shown in the person's language all the same."""
        profile = await self.people.known(workspace, user)
        return Actor(workspace, user, profile or Profile(name), stranger=profile is None)

    async def met(self, actor: Actor) -> Actor:
        """Somebody who is to be spoken to, or to be let do what only some may."""
        return await self.actor(actor.workspace, actor.user, name=actor.profile.name) if actor.stranger else actor

    def language(self, actor: Actor) -> Callable[[], Awaitable[str]]:
        """Finds out which language somebody is to be answered in."""

        async def find() -> str:
            return (await self.met(actor)).locale

        return find

    async def ask(self, actor: Actor, wish: Wish, answer_at: str = "") -> None:
        """Take on what somebody wants; `answer_at` is for when it can be shown nowhere. Raises `Declined`."""
        turn = await self.turn(actor, wish)
        await self.chat.response_urls.keep(turn.id, answer_at)
        await self.take(turn)

    async def take(self, turn: Turn) -> bool:
        """Record a turn, against a store that stumbles: True when it is new."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self.intake.accept(turn)
            except (RedisError, OSError):
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    async def turn(self, actor: Actor, wish: Wish) -> Turn:
        """The turn that a wish asks for, by the workspace's rules. Raises `Declined`."""
        settings = await self.settings.of(actor.workspace)
        settings.check_place(wish.thread.channel)
        options = wish.options
        if wish.of:
            settings.check_editor(wish.of.turn, actor.person, actor.profile)
            options = replace(options, private=options.private or wish.of.turn.options.private)
        is_news = options.private and not (wish.of and wish.of.turn.options.private)
        if is_news and wish.thread.thread and not wish.thread.channel.startswith("D"):
            raise Declined("slack.private_in_thread")
        if wish.operation is Operation.IMAGINE:
            options = await self.completed(actor, options)
        return Turn(
            id=turn_id(PLATFORM, actor.workspace, wish.event),
            thread=wish.thread,
            author=actor.person,
            prompt=wish.prompt,
            asked_at=time.time(),
            operation=wish.operation,
            options=options,
            references=wish.references,
            parent=wish.parent,
            reply_to=wish.reply_to,
            locale=actor.locale,
            address={name: "1" for name, holds in ((MARK, wish.agent), (STRANGER, actor.stranger)) if holds},
            addition=wish.of.turn.addition if wish.of and wish.operation is Operation.AGAIN else "",
        )

    async def completed(self, actor: Actor, options: Options) -> Options:
        """How a new picture is wanted, with what is usual to the person and in the workspace."""
        settings, usual = await self.settings.of(actor.workspace), await self.settings.defaults(actor.person)
        return replace(
            options,
            model=options.model or await self.own_model(actor, usual) or None,
            aspect_ratio=options.aspect_ratio or usual.aspect_ratio or settings.aspect_ratio or None,
        )

    async def own_model(self, actor: Actor, known: Defaults) -> str:
        """The model that somebody usually wants, where it is to be had and may be used; empty for the workspace's."""
        if not known.model:
            return ""
        model, choices = await self.intake.current(known.model), await self._chosen(actor.workspace)
        allowed = choices.allows(known.model) or model in (await self.intake.renewed(choices)).allowed
        return model if allowed and await self.intake.services.is_offered(model) else ""

    async def usual_model(self, actor: Actor, known: Defaults, channel: str = "") -> str:
        """The model that draws in a channel for somebody who names none."""
        return await self.own_model(actor, known) or await self.intake.usual(channel_key(actor.workspace, channel))

    async def ratios(self, model: Awaitable[str]) -> Sequence[str]:
        """The shapes of a model that has to be found out; none where that takes too long."""
        found = await soon(model, "")
        return await self.offers.ratios(found) if found else ()

    async def once(self, what: str) -> bool:
        """Whether an action that makes no turn is seen for the first time: Slack and others may send it again."""
        return await self.posts.once(what, seconds=ONCE_SECONDS)


def channel_key(workspace: str, channel: str, thread: str = "") -> ThreadKey:
    """The conversation of a channel, or of a thread in it."""
    return ThreadKey(PLATFORM, workspace, channel, thread)


def declined_gone() -> Declined:
    """What to say when a button's turn is no longer kept."""
    return Declined("slack.button_gone")
