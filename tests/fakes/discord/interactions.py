"""Interactions as Discord sends them, and what became of each."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simcord import interactions as wire
from simcord.backend import serializers
from simcord.backend.models import Channel, Interaction, Message, User
from simcord.backend.models.interaction import ResponseKind

from tests.fakes.discord.rules import is_user_installed
from tests.fakes.discord.seen import Seen, look_at
from tests.fakes.discord.world import GROUP_DM, World

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord

_USER_INSTALL_PERMISSIONS = 0x0000_0000_0006_C000  # embed links, attach files, mention everyone, external emojis


class NotAllowed(Exception):
    """Discord's client would not let this person do that."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person attaches."""

    name: str
    data: bytes = field(repr=False)
    alt: str | None = None


class Invocation:
    """One interaction: how, and how soon, the bot answered."""

    def __init__(self, fake: "FakeDiscord", record: Interaction, payload: dict[str, Any]) -> None:
        self._fake = fake
        self._record = record
        self._payload = payload
        self._sent_at = time.monotonic()

    @property
    def id(self) -> int:
        """The interaction's id."""
        return self._record.id

    @property
    def token(self) -> str:
        """The interaction's token."""
        return self._record.token

    @property
    def record(self) -> Interaction:
        """Simcord's record of it."""
        return self._record

    @property
    def acknowledged(self) -> bool:
        """Whether the callback was accepted."""
        return self._record.responded

    @property
    def ack_seconds(self) -> float | None:
        """Seconds from the event to the accepted callback."""
        answered = self._fake.world.answered_at.get(self.id)
        return None if answered is None else answered - self._sent_at

    @property
    def kind(self) -> ResponseKind | None:
        """How the bot answered; DEFERRED becomes MESSAGE when the original is edited."""
        return self._record.response_kind

    @property
    def private(self) -> bool:
        """Whether only the person sees the answer."""
        return self._record.ephemeral

    @property
    def expired(self) -> bool:
        """Whether the token is dead, or the 3 seconds are over without an answer."""
        now, record = self._fake.world.now_iso(), self._record
        late = not record.responded and now >= str(record.initial_response_deadline)
        return late or now >= str(record.expires_at)

    @property
    def modal(self) -> dict[str, Any] | None:
        """The modal that was opened."""
        return self._record.modal

    @property
    def choices(self) -> list[dict[str, Any]] | None:
        """What autocomplete offered."""
        return self._record.autocomplete_choices

    @property
    def original(self) -> Seen | None:
        """The message that `@original` is now."""
        return self._look(self._record.message_id)

    @property
    def follow_ups(self) -> list[Seen]:
        """The follow-ups that are still there."""
        return [seen for message_id in self._record.followup_ids if (seen := self._look(message_id))]

    async def answered(self, timeout: float = 10) -> "Invocation":
        """Wait for the callback."""
        await self._fake.until(lambda: self.acknowledged, timeout, what="an answer to the interaction")
        return self

    def redeliver(self) -> None:
        """Send the event once more, as a gateway that resumes may."""
        self._fake.world.emit("INTERACTION_CREATE", self._payload)

    def _look(self, message_id: int | None) -> Seen | None:
        message = self._fake.world.messages.get(self._record.channel_id, {}).get(message_id or 0)
        return None if message is None else look_at(self._fake.world, self._fake.cdn, message)


async def send(
    fake: "FakeDiscord",
    kind: int,
    user: User,
    channel: Channel,
    data: dict[str, Any],
    *,
    source: Message | None = None,
) -> Invocation:
    """Build INTERACTION_CREATE, send it, and let the loop deliver it."""
    world = fake.world
    record, payload = wire.base_payload(
        world, type=kind, channel_id=channel.id, guild_id=channel.guild_id, user_id=user.id, data=data
    )
    payload["attachment_size_limit"] = world.file_limit(channel.guild_id)
    payload["locale"] = world.locales.get(user.id, "en-US")
    payload |= _context(world, record, channel)
    if source is not None:
        record.source_message_id = source.id
        payload["message"] = dict(serializers.message_payload(world, source))
    invocation = Invocation(fake, record, payload)
    world.emit("INTERACTION_CREATE", payload)
    await asyncio.sleep(0)
    return invocation


def _context(world: World, record: Interaction, channel: Channel) -> dict[str, Any]:
    owners: dict[str, str] = {}
    if record.user_id in world.user_installs:
        owners["1"] = str(record.user_id)
    context: dict[str, Any] = {"authorizing_integration_owners": owners}
    if channel.guild_id is None:
        context["context"] = 1 if world.bot_sees(channel.id) else 2
        if context["context"] == 1:
            owners["0"] = "0"
        context["app_permissions"] = str(_USER_INSTALL_PERMISSIONS)
        return context
    guild = world.guilds[channel.guild_id]
    context["guild_locale"] = guild.preferred_locale
    context["guild"] = {"id": str(guild.id), "locale": guild.preferred_locale, "features": []}
    if is_user_installed(world, record):
        context["app_permissions"] = str(_USER_INSTALL_PERMISSIONS)
    else:
        owners["0"] = str(guild.id)
    return context


def require_command(world: World, name: str, kind: int, user: User, channel: Channel) -> dict[str, Any]:
    """The command as registered; NotAllowed where this person would not be offered it."""
    command = world.find_command(name, channel.guild_id, kind)
    if command is None:
        raise NotAllowed(f"no command {name!r} of type {kind} here")
    here = 2 if channel.type == GROUP_DM else 0 if channel.guild_id else 1
    contexts, kinds = command.get("contexts"), command.get("integration_types") or [0]
    if contexts and here not in contexts:
        raise NotAllowed(f"{name!r} is not offered in context {here}")
    with_guild = here == 1 or (channel.guild_id and world.bot_user.id in world.guilds[channel.guild_id].members)
    by_user = user.id in world.user_installs and 1 in kinds
    if not (with_guild and (0 in kinds or here == 1)) and not by_user:
        raise NotAllowed(f"{name!r} is not installed here")
    needed = int(command.get("default_member_permissions") or 0)
    if channel.guild_id and world.compute_permissions(channel.guild_id, user.id, channel.id) & needed != needed:
        raise NotAllowed(f"{name!r} needs permissions that {user.name} has not")
    return command
