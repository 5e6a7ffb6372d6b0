"""simcord's model of Discord, corrected where Discord is known to behave otherwise."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import discord
from simcord.backend import Backend, errors, serializers
from simcord.backend.access import channel_accessible
from simcord.backend.models import AllowedMentions, Channel, Guild, Interaction, Message, User
from simcord.backend.ops.guilds import DEFAULT_EVERYONE_PERMISSIONS
from simcord.enums import ChannelType, MessageType

from tests.fakes.discord.cdn import SignedCdn
from tests.fakes.discord.clock import MovableClock

GROUP_DM = 3
HAS_THREAD = 1 << 5
MIB = 1024 * 1024
FILE_LIMITS = (10 * MIB, 10 * MIB, 50 * MIB, 100 * MIB)  # bytes per file, by the guild's boost tier


@dataclass(frozen=True, slots=True)
class Ping:
    """Who a message really notified."""

    message_id: int
    users: tuple[int, ...]
    roles: tuple[int, ...]
    everyone: bool


@dataclass(frozen=True, slots=True)
class Sync:
    """One bulk overwrite of application commands; `guild_id` is None for the global ones."""

    guild_id: int | None
    commands: list[dict[str, Any]]


class World(Backend):
    """All state. Every change is emitted to `subscribers`, as Discord's gateway would announce it."""

    def __init__(self, clock: MovableClock, cdn: SignedCdn) -> None:
        super().__init__(clock=clock)
        self.cdn: SignedCdn = cdn
        self.boost_tiers: dict[int, int] = {}
        self.age_restricted: set[int] = set()
        self.closed_dms: set[int] = set()
        self.user_installs: set[int] = set()
        self.locales: dict[int, str] = {}
        self.answered_at: dict[int, float] = {}  # interaction id -> monotonic time of its first answer
        self.pings: list[Ping] = []
        self.syncs: list[Sync] = []
        self.ack_deadline = 3.0
        self.token_lifetime = 15 * 60.0
        self._quiet = False
        self._nonce: str | int | None = None

    # -- what is announced

    def emit(self, event: str, payload: Mapping[str, Any]) -> None:
        if self._quiet:
            return
        if event == "MESSAGE_CREATE" and self._nonce is not None:
            payload = {**payload, "nonce": self._nonce}
        # simcord would keep every payload in its transcript; subscribers are all that is needed here.
        for listener in list(self.subscribers):
            listener(event, payload)

    @contextmanager
    def sending(self, nonce: str | int) -> Iterator[None]:
        """The message created inside the block is announced with this nonce; fetched later, it has none."""
        self._nonce = nonce
        try:
            yield
        finally:
            self._nonce = None

    def commit_message(self, message: Message, *, broadcast: bool = True) -> Message:
        committed = super().commit_message(message, broadcast=broadcast)
        if committed.ping_user_ids or committed.ping_role_ids or committed.mention_everyone:
            users, roles = tuple(committed.ping_user_ids), tuple(committed.ping_role_ids)
            self.pings.append(Ping(committed.id, users, roles, committed.mention_everyone))
        return committed

    def _mention_state(
        self,
        channel: Channel,
        author_id: int,
        content: str,
        policy: AllowedMentions,
        reply_author_id: int | None,
    ) -> tuple[list[int], list[int], list[int], list[int], bool]:
        """A message's `mentions` are those it may ping; what allowed_mentions suppressed is not among them."""
        _, _, users, roles, everyone = super()._mention_state(channel, author_id, content, policy, reply_author_id)
        return users, roles, users, roles, everyone

    def edit_message(self, channel_id: int, message_id: int, fields: dict[str, Any]) -> Message:
        before = list(self.get_message(channel_id, message_id).attachments)
        message = super().edit_message(channel_id, message_id, fields)
        kept = {item["id"] for item in message.attachments}
        self.cdn.forget(item for item in before if item["id"] not in kept)
        return message

    def delete_message(self, channel_id: int, message_id: int) -> None:
        self.cdn.forget(self.get_message(channel_id, message_id).attachments)
        super().delete_message(channel_id, message_id)

    # -- guilds and people

    def found_guild(self, name: str, *, with_bot: bool, shard: tuple[int, int] | None = None) -> Guild:
        """A new guild whose members may do what Discord's defaults let them."""
        self._quiet = True
        try:
            guild = (
                self.create_guild(name)
                if shard is None
                else self.create_guild(name, shard_id=shard[0], shard_count=shard[1])
            )
        finally:
            self._quiet = False
        defaults = discord.Permissions(DEFAULT_EVERYONE_PERMISSIONS)
        defaults.update(use_external_apps=True, create_private_threads=True, mention_everyone=True)
        guild.everyone_role.permissions = defaults.value
        bot_role = next(role for role in guild.roles.values() if role.managed)
        bot_role.permissions = DEFAULT_EVERYONE_PERMISSIONS  # as a modest invitation asks for: nothing to moderate with
        if with_bot:
            self.emit("GUILD_CREATE", self.guild_payload(guild))
        else:
            del guild.members[self.bot_user.id]
        return guild

    def guild_payload(self, guild: Guild) -> dict[str, Any]:
        """GUILD_CREATE's body."""
        payload = dict(serializers.guild_create_payload(self, guild))
        payload["premium_tier"] = self.boost_tiers.get(guild.id, 0)
        active = self.active_threads(guild.id)
        payload["threads"] = [dict(serializers.thread_payload(self, thread)) for thread in active]
        return payload

    def bot_sees(self, channel_id: int) -> bool:
        """Whether the bot may view the channel."""
        channel = self.channels.get(channel_id)
        if channel is not None and channel.type == GROUP_DM:
            return False
        return channel_accessible(self, channel_id, self.bot_user.id)

    def require_permissions(self, guild_id: int | None, user_id: int, channel_id: int | None, *names: str) -> None:
        """Simcord lets the bot into every direct conversation; a group's is not the bot's."""
        if channel_id is not None and user_id == self.bot_user.id and self.get_channel(channel_id).type == GROUP_DM:
            raise errors.missing_access()
        super().require_permissions(guild_id, user_id, channel_id, *names)

    def file_limit(self, guild_id: int | None) -> int:
        """Bytes that one file may have."""
        return FILE_LIMITS[self.boost_tiers.get(guild_id or 0, 0)]

    def group_channel(self, people: Iterable[User]) -> Channel:
        """A group direct message, which the bot is not in."""
        channel = Channel(id=self.snowflake(), type=GROUP_DM, name=None)
        channel.recipient_ids = [user.id for user in people]
        self.channels[channel.id] = channel
        self.messages[channel.id] = {}
        return channel

    # -- threads

    def create_thread(  # noqa: PLR0913 - simcord's signature
        self,
        parent_id: int,
        name: str,
        owner_id: int,
        *,
        type: int = ChannelType.PUBLIC_THREAD,  # noqa: A002 - simcord's name
        auto_archive_duration: int = 1440,
        message_id: int | None = None,
        applied_tags: Iterable[int] = (),
        broadcast: bool = True,
    ) -> Channel:
        """Simcord announces every thread in its parent; Discord marks the message a thread was started from instead."""
        thread = super().create_thread(
            parent_id,
            name,
            owner_id,
            type=type,
            auto_archive_duration=auto_archive_duration,
            message_id=message_id,
            applied_tags=applied_tags,
            broadcast=broadcast and message_id is None,
        )
        if message_id is not None and broadcast:
            self._start_from_message(thread, parent_id, message_id)
        return thread

    def _start_from_message(self, thread: Channel, parent_id: int, message_id: int) -> None:
        self.announce_thread_create(thread)
        starter = Message(
            id=self.snowflake(),
            channel_id=thread.id,
            author_id=thread.owner_id or self.bot_user.id,
            timestamp=self.now_iso(),
            type=MessageType.THREAD_STARTER_MESSAGE,
            reference={"type": 0, "channel_id": str(parent_id), "message_id": str(message_id)},
        )
        self.commit_message(starter)
        thread.message_count = 0
        parent = self.get_message(parent_id, message_id)
        parent.flags |= HAS_THREAD
        if not parent.is_ephemeral:
            self.emit("MESSAGE_UPDATE", dict(serializers.message_payload(self, parent)))

    def wake_thread(self, channel: Channel, user_id: int) -> None:
        """Sending into a thread joins it, and opens it again if it was archived."""
        if not channel.is_thread or channel.thread_metadata is None:
            return
        if channel.thread_metadata.archived:
            self.edit_channel(channel.id, {}, thread_metadata={"archived": False, "archive_timestamp": self.now_iso()})
        self.add_thread_member(channel.id, user_id)

    # -- commands and interactions

    def register_commands(self, guild_id: int | None, payloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self.syncs.append(Sync(guild_id, payloads))
        kept = self.commands.get(guild_id, {})
        registered: dict[tuple[str, int], dict[str, Any]] = {}
        for payload in payloads:
            key = (payload["name"], payload.get("type", 1))
            old = kept.get(key)
            registered[key] = {
                "description": "",
                "options": [],
                "default_member_permissions": None,
                "dm_permission": True,
                "nsfw": False,
                **payload,
                "type": key[1],
                "id": old["id"] if old else str(self.snowflake()),
                "application_id": str(self.application_id),
                "version": str(self.snowflake()),
            }
            if guild_id is not None:
                registered[key]["guild_id"] = str(guild_id)
        self.commands[guild_id] = registered
        return list(registered.values())

    def new_interaction(self, type: int, channel_id: int, user_id: int, guild_id: int | None) -> Interaction:  # noqa: A002
        record = super().new_interaction(type, channel_id, user_id, guild_id)
        record.initial_response_deadline = self.iso_after(self.ack_deadline)
        record.expires_at = self.iso_after(self.token_lifetime)
        return record
