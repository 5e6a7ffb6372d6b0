"""The place: guilds, channels, threads, people, roles and permissions, set up and changed by tests at will."""

from typing import Any

import discord
from simcord.backend import serializers
from simcord.backend.models import Channel, Guild, Message, Overwrite, Role
from simcord.enums import ChannelType, OverwriteType

from tests.fakes.discord.people import AnyMessage, Person
from tests.fakes.discord.world import World


class Place:
    """Changes nobody has to be allowed to make. All of them are announced over the gateway."""

    world: World

    # -- guilds

    def guild(
        self,
        name: str,
        *,
        bot: bool = True,
        tier: int = 0,
        shard: tuple[int, int] | None = None,
        locale: str = "en-US",
    ) -> Guild:
        """A new guild; `shard` is (shard id, number of shards) that its id must fall to, `tier` its boost level."""
        guild = self.world.found_guild(name, with_bot=bot, shard=shard)
        guild.preferred_locale = locale
        self.world.boost_tiers[guild.id] = tier
        if tier or locale != "en-US":
            self.world.emit("GUILD_UPDATE", self.world.guild_payload(guild))
        return guild

    def add_bot(self, guild: Guild) -> None:
        """Invite the bot."""
        self.world.add_member(guild.id, self.world.bot_user.id, roles=[self._bot_role(guild).id])
        self.world.emit("GUILD_CREATE", self.world.guild_payload(guild))

    def remove_bot(self, guild: Guild) -> None:
        """Throw the bot out."""
        del guild.members[self.world.bot_user.id]
        self.world.emit("GUILD_DELETE", {"id": str(guild.id)})

    # -- channels and threads

    def channel(self, guild: Guild, name: str, *, nsfw: bool = False) -> Channel:
        """A text channel."""
        channel = self.world.create_channel(guild.id, name, announce=False)
        if nsfw:
            self.world.age_restricted.add(channel.id)
        self.world.emit("CHANNEL_CREATE", serializers.channel_payload(self.world, channel))
        return channel

    def dm(self, person: Person) -> Channel:
        """The person's direct messages with the bot."""
        return self.world.get_dm_channel(person.id)

    def group(self, *people: Person) -> Channel:
        """A group's direct messages, without the bot."""
        return self.world.group_channel(person.user for person in people)

    def thread(self, channel: Channel, name: str, *, by: Person | None = None, private: bool = False) -> Channel:
        """A thread that no message started."""
        kind = ChannelType.PRIVATE_THREAD if private else ChannelType.PUBLIC_THREAD
        return self.world.create_thread(channel.id, name, by.id if by else self.world.bot_user.id, type=kind)

    def archive(self, thread: Channel, *, locked: bool = False) -> None:
        """Close a thread; with `locked` only moderators can open it."""
        self.world.edit_channel(thread.id, {}, thread_metadata={"archived": True, "locked": locked})

    def lock(self, thread: Channel) -> None:
        """Only moderators may write any more."""
        self.world.edit_channel(thread.id, {}, thread_metadata={"locked": True})

    def unarchive(self, thread: Channel) -> None:
        """Open a thread again, for everybody."""
        self.world.edit_channel(thread.id, {}, thread_metadata={"archived": False, "locked": False})

    def threads(self, channel: Channel) -> list[Channel]:
        """A channel's threads, oldest first."""
        mine = [one for one in self.world.channels.values() if one.is_thread and one.parent_id == channel.id]
        return sorted(mine, key=lambda thread: thread.id)

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel with its threads, or a thread."""
        for thread in self.threads(channel):
            self.world.delete_channel(thread.id)
        self.world.delete_channel(channel.id)

    def delete(self, message: AnyMessage) -> None:
        """A moderator deletes a message."""
        self.world.delete_message(message.channel_id, message.id)

    # -- people, roles, permissions

    def role(self, guild: Guild, name: str, **permissions: bool) -> Role:
        """A role with these permissions (names as in `discord.Permissions`)."""
        return self.world.create_role(guild.id, name, permissions=discord.Permissions(**permissions).value)

    def close_dms(self, person: Person) -> None:
        """They take no direct messages from the bot: 50007."""
        self.world.closed_dms.add(person.id)

    def allow(self, place: Channel | Guild, *permissions: str, who: Person | Role | None = None) -> None:
        """Grant permissions, in a channel or in a whole guild; `who` is the bot unless given."""
        self._permit(place, permissions, who, granted=True)

    def deny(self, place: Channel | Guild, *permissions: str, who: Person | Role | None = None) -> None:
        """Take permissions away, in a channel or in a whole guild; `who` is the bot unless given."""
        self._permit(place, permissions, who, granted=False)

    def _permit(
        self, place: Channel | Guild, names: tuple[str, ...], who: Person | Role | None, *, granted: bool
    ) -> None:
        bits = discord.Permissions(**dict.fromkeys(names, True)).value
        if isinstance(place, Guild):
            self._permit_in_guild(place, bits, who, granted=granted)
        else:
            self._permit_in_channel(place, bits, who, granted=granted)

    def _permit_in_channel(self, channel: Channel, bits: int, who: Person | Role | None, *, granted: bool) -> None:
        channel = self.world.get_channel(channel.permission_channel_id())
        target = who.id if who is not None else self.world.bot_user.id
        kind = OverwriteType.ROLE if isinstance(who, Role) else OverwriteType.MEMBER
        old = next((one for one in channel.overwrites if one.target_id == target), Overwrite(target, kind))
        allow, deny = (old.allow | bits, old.deny & ~bits) if granted else (old.allow & ~bits, old.deny | bits)
        self.world.set_overwrite(channel.id, Overwrite(target, kind, allow, deny))

    def _permit_in_guild(self, guild: Guild, bits: int, who: Person | Role | None, *, granted: bool) -> None:
        """What any role grants is granted: to deny the bot something, @everyone must not have it either."""
        if isinstance(who, Person):
            own = self.world.create_role(guild.id, f"of {who.name}")
            self.world.add_member_role(guild.id, who.id, own.id)
            who = own
        roles = [who] if who is not None else [self._bot_role(guild)] + ([] if granted else [guild.everyone_role])
        for role in roles:
            role.permissions = role.permissions | bits if granted else role.permissions & ~bits
        self.world.announce_role_updates(guild.id, roles)

    def _bot_role(self, guild: Guild) -> Role:
        return next(role for role in guild.roles.values() if role.managed)

    # -- registered commands

    def command(self, name: str, guild: Guild | None = None, kind: int = 1) -> dict[str, Any]:
        """A command as the bot registered it; LookupError if it did not."""
        found = self.world.find_command(name, guild.id if guild else None, kind)
        if found is None:
            raise LookupError(f"no command {name!r} of type {kind}")
        return found

    def thread_of(self, message: AnyMessage) -> Channel | None:
        """The thread that was started from a message; it has the message's id."""
        return self.world.channels.get(message.id)

    def stored(self, message: AnyMessage) -> Message:
        """Simcord's record of a message."""
        return self.world.get_message(message.channel_id, message.id)
