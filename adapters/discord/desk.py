"""Where wishes become turns of the core: checked against the server's rules, recorded, and only then acknowledged."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog
from redis.exceptions import RedisError

from adapters.discord.answers import Said, sentence
from adapters.discord.events import Attachment, Channel, Interaction, moment_of
from adapters.discord.outgoing import DiscordChat
from adapters.discord.permissions import check_editor, check_owner, check_place, moderates, writes
from adapters.discord.pictures import LOOSE
from adapters.discord.posts import Place, Post, Posts, key_of, private_thread, short_key
from adapters.discord.rest import Refused, Rest
from adapters.discord.settings import AgeRestricted, ServerSettings, Settings
from adapters.discord.vault import Vault
from core.avatars import Avatars
from core.conversation import Conversations
from core.errors import Declined
from core.intake import Intake
from core.ports import Models
from core.tree import Tree
from core.turns import ImageRef, Operation, Options, Person, Reference, Turn, turn_id

PATIENCE_SECONDS = 20.0
RETRY_SECONDS = 0.5
DIRECT = "@me"
"""The workspace of direct messages."""
AS_USUAL = Options()
_DIRECT_CHANNELS = (1, 3)
THREADS = (10, 11, 12)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants, before it is known whether they may have it."""

    prompt: str
    options: Options = AS_USUAL
    references: tuple[Reference, ...] = ()
    operation: Operation = Operation.IMAGINE
    parent: ImageRef | None = None
    of: Post | None = None
    """The turn that it goes on from."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that handlers of events work with. `cdn` is where Discord serves avatars from."""

    rest: Rest
    posts: Posts
    vault: Vault
    settings: Settings
    chat: DiscordChat
    intake: Intake
    conversations: Conversations
    provider: Models
    tree: Tree
    cdn: str
    avatars: Avatars

    async def ask(self, interaction: Interaction, wish: Wish) -> Said:
        """Take on what an interaction asks for. Raises `Declined`."""
        turn = await self.turn_of(interaction, wish)
        if turn.address.get("via") == "token":
            made_at = moment_of(interaction.id)
            await self.vault.keep_token(short_key(turn.id), interaction.token, made_at=made_at)
        await self.take(turn)
        if turn.address.get("via") == "token":
            return Said()
        ours = interaction.app_permissions
        here = ours is None or writes(ours, place_of(interaction))
        return sentence(turn.locale, "discord.taken_on" if here else "discord.taken_on_elsewhere")

    async def post_of(self, interaction: Interaction, name: str) -> Post:
        """The turn that a button, a menu or a form names by its key.

        Raises `Declined` where it is of another server or another direct conversation, or private and somebody else's.
        """
        post, person = await self.posts.by_key(name), person_of(interaction)
        if post is None:
            raise declined_gone()
        own, there = post.turn.author.user == person.user, post.turn.thread
        # A picture that fitted nowhere else is in its person's direct messages, with its buttons.
        same = there.workspace == person.workspace and (
            person.workspace != DIRECT or there.channel == place_of(interaction).root
        )
        if not own and not same:
            raise declined_gone()
        if post.turn.options.private:
            check_owner(post.turn, person, moderator=False)
        return post

    async def rules_for(self, guild: str | None, place: Place) -> ServerSettings:
        """The rules of a server, by which we may be in a place. Raises `Declined` where we may not."""
        settings = await self.settings.of(guild)
        if settings.age_restricted is not AgeRestricted.ALLOWED:
            place = await self.with_age(place)
        check_place(settings, place)
        return settings

    async def with_age(self, place: Place) -> Place:
        """The same place, age-restricted as it is now.

        A thread is what its channel is, and does not tell: raises `Declined` where we may not look at that channel.
        """
        if place.direct:
            return place
        try:
            answer = await self.rest.call("GET", "/channels/{channel_id}", channel_id=place.root)
        except Refused as refused:
            log.info("whether a channel is age-restricted cannot be found out", why=str(refused))
            if place.parent:
                raise Declined("discord.age_unknown") from None
            return place
        return replace(place, age_restricted=Channel.model_validate(answer).nsfw)

    async def usual_model(self, interaction: Interaction) -> str:
        """The model that draws where an interaction happened, when nobody names one."""
        return await self.intake.usual(key_of(place_of(interaction), person_of(interaction).workspace))

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

    async def turn_of(self, interaction: Interaction, wish: Wish) -> Turn:
        """The turn that an interaction asks for, by the server's rules."""
        place = place_of(interaction)
        settings = await self.rules_for(interaction.guild_id, place)
        person = person_of(interaction)
        options = wish.options
        if wish.of:
            check_editor(settings, wish.of.turn, person, moderator=moderates(interaction.permissions))
            options = replace(options, private=options.private or wish.of.turn.options.private)
        else:
            ratio = options.aspect_ratio or settings.aspect_ratio or None
            options = replace(options, aspect_ratio=ratio)
        by_token = options.private or interaction.visiting
        thread = key_of(place, person.workspace)
        if by_token:
            thread = private_thread(place, person)
        if wish.of and (wish.parent or not by_token):
            thread = wish.of.thread or wish.of.turn.thread
        return Turn(
            id=turn_id("discord", person.workspace, interaction.id),
            thread=thread,
            author=person,
            prompt=wish.prompt,
            asked_at=moment_of(interaction.id),
            operation=wish.operation,
            options=options,
            references=wish.references,
            parent=wish.parent,
            locale=interaction.locale,
            address=_address(interaction, place, by_token=by_token),
            addition=wish.of.turn.addition if wish.of and wish.operation is Operation.AGAIN else "",
        )


def _address(interaction: Interaction, place: Place, *, by_token: bool) -> dict[str, str]:
    address = {"limit": str(interaction.attachment_size_limit)}
    if place.direct:
        address["direct"] = "1"
    if by_token:
        address["via"] = "token"
    if interaction.visiting:
        address["visiting"] = "1"
    return address


def person_of(interaction: Interaction) -> Person:
    """Who acts, as the core knows them."""
    user, member = interaction.person, interaction.member
    name = (member.nick if member else None) or user.name
    return Person("discord", interaction.guild_id or DIRECT, user.id, name)


def place_of(interaction: Interaction) -> Place:
    """Where an interaction happens."""
    channel = interaction.channel
    if channel is None:
        return Place(interaction.place, direct=interaction.guild_id is None)
    parent = (channel.parent_id or "") if channel.type in THREADS else ""
    direct = channel.type in _DIRECT_CHANNELS or interaction.guild_id is None
    return Place(channel.id, parent, age_restricted=channel.nsfw, direct=direct)


def references_of(attachments: Sequence[Attachment], channel: str = "", message: str = "") -> tuple[Reference, ...]:
    """Attached files as references; those of a command or a form belong to no message that could be read again."""
    return tuple(Reference(item.filename, item.url, channel, message or LOOSE, item.id) for item in attachments)


def declined_gone() -> Declined:
    """What to say when a button's turn is no longer kept."""
    return Declined("discord.button_gone")
