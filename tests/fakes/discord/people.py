"""People at their Discord clients: what they type, attach, press and choose."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from simcord.backend import serializers
from simcord.backend.access import channel_accessible, message_accessible
from simcord.backend.errors import BackendError
from simcord.backend.models import AllowedMentions, Channel, Message, Role, User
from simcord.backend.permissions import flag

from tests.fakes.discord import commands, interactions
from tests.fakes.discord.interactions import Invocation, NotAllowed, Upload
from tests.fakes.discord.modals import ModalForm
from tests.fakes.discord.rules import is_locked
from tests.fakes.discord.seen import Control, Seen, look_at

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord

_COMMAND, _COMPONENT, _AUTOCOMPLETE, _MODAL = 2, 3, 4, 5
_SLASH, _USER_MENU, _MESSAGE_MENU = 1, 2, 3
_LINK_BUTTON, _PREMIUM_BUTTON = 5, 6
_ROLE_SELECT, _CHANNEL_SELECT = 6, 8


class AnyMessage(Protocol):
    """A message, however it was come by."""

    @property
    def id(self) -> int: ...
    @property
    def channel_id(self) -> int: ...


class Person:
    """One human. What Discord's client or server would not let them do raises NotAllowed."""

    def __init__(self, fake: "FakeDiscord", user: User) -> None:
        self._fake = fake
        self.user = user

    @property
    def id(self) -> int:
        """The user's id."""
        return self.user.id

    @property
    def name(self) -> str:
        """The user's name."""
        return self.user.name

    @property
    def mention(self) -> str:
        """What mentions them in a message."""
        return f"<@{self.id}>"

    def install(self) -> None:
        """Add the app to this account: it comes along wherever they are."""
        self._fake.world.user_installs.add(self.id)

    # -- messages

    def send(
        self,
        channel: Channel,
        text: str = "",
        *,
        files: Sequence[Upload] = (),
        reply_to: AnyMessage | None = None,
        ping: bool = True,
    ) -> Seen:
        """Post a message; a reply pings the one replied to unless `ping` is off."""
        world = self._fake.world
        needed = ["send_messages_in_threads" if channel.is_thread else "send_messages"]
        needed += ["attach_files"] if files else []
        self._require(channel, *needed)
        world.wake_thread(channel, self.id)
        stored = [
            world.cdn.store_attachment(world.snowflake(), channel.id, file.name, file.data, file.alt) for file in files
        ]
        reference = None
        if reply_to is not None:
            reference = {"channel_id": str(reply_to.channel_id), "message_id": str(reply_to.id)}
        try:
            message = world.create_message(
                channel.id,
                self.id,
                text,
                attachments=stored,
                reference=reference,
                allowed_mentions=AllowedMentions(replied_user=ping),
            )
        except BackendError as refused:
            raise NotAllowed(str(refused)) from None
        return look_at(world, self._fake.cdn, message)

    def edit(self, message: AnyMessage, text: str) -> None:
        """Change the text of one's own message."""
        self._own(message)
        self._fake.world.edit_message(message.channel_id, message.id, {"content": text})

    def delete(self, message: AnyMessage) -> None:
        """Delete one's own message, or anybody's as a moderator."""
        stored = self._visible(message)
        channel = self._fake.world.get_channel(stored.channel_id)
        if stored.author_id != self.id:
            if channel.guild_id is None:
                raise NotAllowed("not their message")
            self._require(channel, "manage_messages")
        self._fake.world.delete_message(stored.channel_id, stored.id)

    # -- commands

    async def slash(self, channel: Channel, name: str, options: Mapping[str, Any] | None = None) -> Invocation:
        """Run a slash command; `name` may go on with a group and a subcommand."""
        root, *path = name.split(" ")
        command = self._command(channel, root, _SLASH)
        filled = commands.fill_in(self._fake.world, self._fake.cdn, command, path, channel, options or {})
        data = {"id": command["id"], "name": root, "type": _SLASH} | filled
        return await interactions.send(self._fake, _COMMAND, self.user, channel, data)

    async def autocomplete(
        self, channel: Channel, name: str, option: str, typed: str, others: Mapping[str, Any] | None = None
    ) -> Invocation:
        """Type into an option."""
        root, *path = name.split(" ")
        command = self._command(channel, root, _SLASH)
        options = commands.typing(command, path, option, typed, others or {})
        data = {"id": command["id"], "name": root, "type": _SLASH, "options": options}
        return await interactions.send(self._fake, _AUTOCOMPLETE, self.user, channel, data)

    async def message_menu(self, message: AnyMessage, name: str) -> Invocation:
        """Choose an entry of a message's menu."""
        stored = self._visible(message)
        channel = self._fake.world.get_channel(stored.channel_id)
        command = self._command(channel, name, _MESSAGE_MENU)
        resolved = {"messages": {str(stored.id): dict(serializers.message_payload(self._fake.world, stored))}}
        data = {"target_id": str(stored.id), "resolved": resolved}
        return await self._menu(channel, command, _MESSAGE_MENU, data)

    async def user_menu(self, channel: Channel, target: "Person | User", name: str) -> Invocation:
        """Choose an entry of a user's menu."""
        command = self._command(channel, name, _USER_MENU)
        resolved: commands.Resolved = {}
        world = self._fake.world
        target_id = commands.resolve_user(world, world.get_user(target.id), channel, resolved)
        return await self._menu(channel, command, _USER_MENU, {"target_id": target_id, "resolved": resolved})

    async def _menu(self, channel: Channel, command: dict[str, Any], kind: int, data: dict[str, Any]) -> Invocation:
        about = {"id": command["id"], "name": command["name"], "type": kind}
        return await interactions.send(self._fake, _COMMAND, self.user, channel, about | data)

    # -- components and modals

    async def press(self, message: AnyMessage, button: str) -> Invocation:
        """Press the button with this label or custom_id."""
        stored, control = self._control(message, button)
        if control.wire.get("style") in (_LINK_BUTTON, _PREMIUM_BUTTON):
            raise NotAllowed(f"{button!r} tells the bot nothing")
        return await self._use(stored, control, {})

    async def select(self, message: AnyMessage, menu: str, *values: str) -> Invocation:
        """Choose from the select menu with this custom_id or placeholder."""
        stored, control = self._control(message, menu)
        if strange := set(values) - set(control.values):
            raise NotAllowed(f"{menu!r} does not offer {sorted(strange)}, only {control.values}")
        least, most = control.wire.get("min_values", 1), control.wire.get("max_values", 1)
        if not least <= len(values) <= most:
            raise NotAllowed(f"{menu!r} takes {least} to {most} values")
        return await self._use(stored, control, {"values": list(values)})

    async def choose_channel(self, message: AnyMessage, menu: str, channel: Channel) -> Invocation:
        """Choose a channel that they see from a menu of channels."""
        stored, control = self._control(message, menu)
        if control.type != _CHANNEL_SELECT or int(channel.type) not in control.wire.get("channel_types", ()):
            raise NotAllowed(f"{menu!r} does not offer #{channel.name}")
        self._require(channel, "view_channel")
        permissions = self._fake.world.compute_permissions(channel.guild_id or 0, self.id, channel.id)
        described = dict(serializers.channel_payload(self._fake.world, channel)) | {"permissions": str(permissions)}
        resolved = {"channels": {str(channel.id): described}}
        return await self._use(stored, control, {"values": [str(channel.id)], "resolved": resolved})

    async def choose_roles(self, message: AnyMessage, menu: str, *roles: Role) -> Invocation:
        """Choose roles of the server from a menu of roles."""
        stored, control = self._control(message, menu)
        least, most = control.wire.get("min_values", 1), control.wire.get("max_values", 1)
        if control.type != _ROLE_SELECT or not least <= len(roles) <= most:
            raise NotAllowed(f"{menu!r} does not offer so many roles")
        resolved = {"roles": {str(role.id): dict(serializers.role_payload(role)) for role in roles}}
        return await self._use(stored, control, {"values": [str(role.id) for role in roles], "resolved": resolved})

    async def submit(self, opened: Invocation, values: Mapping[str, Any]) -> Invocation:
        """Submit the modal that the bot opened; what is not given keeps its default."""
        world, record = self._fake.world, opened.record
        if record.modal is None or record.user_id != self.id:
            raise NotAllowed("no modal is open here")
        channel = world.get_channel(record.channel_id)
        data = ModalForm(world, self._fake.cdn, channel).fill_in(record.modal, values)
        source = world.messages[channel.id].get(record.source_message_id or 0)
        return await interactions.send(self._fake, _MODAL, self.user, channel, data, source=source)

    async def _use(self, message: Message, control: Control, chosen: dict[str, Any]) -> Invocation:
        channel = self._fake.world.get_channel(message.channel_id)
        data = {"custom_id": control.custom_id, "component_type": control.type, "id": control.wire["id"]} | chosen
        return await interactions.send(self._fake, _COMPONENT, self.user, channel, data, source=message)

    # -- what they may

    def _command(self, channel: Channel, name: str, kind: int) -> dict[str, Any]:
        self._require(channel, *(["use_application_commands"] if channel.guild_id else []))
        return interactions.require_command(self._fake.world, name, kind, self.user, channel)

    def _control(self, message: AnyMessage, name: str) -> tuple[Message, Control]:
        stored = self._visible(message)
        try:
            control = look_at(self._fake.world, self._fake.cdn, stored).control(name)
        except LookupError as missing:
            raise NotAllowed(str(missing)) from None
        if control.disabled:
            raise NotAllowed(f"{name!r} is disabled")
        return stored, control

    def _require(self, channel: Channel, *permissions: str) -> None:
        world = self._fake.world
        if channel.guild_id is None:
            if self.id not in channel.recipient_ids:
                raise NotAllowed(f"{self.name} is not in this conversation")
            return
        try:
            world.require_permissions(channel.guild_id, self.id, channel.id, *permissions)
        except BackendError as refused:
            raise NotAllowed(f"{self.name} may not: {permissions} ({refused})") from None
        moderator = world.compute_permissions(channel.guild_id, self.id, channel.id) & flag("manage_threads")
        if is_locked(channel) and not moderator:
            raise NotAllowed("the thread is locked")

    def _visible(self, message: AnyMessage) -> Message:
        world = self._fake.world
        stored = world.messages.get(message.channel_id, {}).get(message.id)
        if stored is None:
            raise NotAllowed("the message is gone")
        channel = world.get_channel(stored.channel_id)
        if channel.guild_id is None:
            seen = self.id in channel.recipient_ids and stored.visible_to(self.id)
        else:
            seen = message_accessible(world, stored.channel_id, stored, self.id)
        if not seen:
            raise NotAllowed(f"{self.name} does not see this message")
        return stored

    def _own(self, message: AnyMessage) -> None:
        if self._visible(message).author_id != self.id:
            raise NotAllowed("not their message")

    def sees(self, channel: Channel, message: Message) -> bool:
        """Whether the message is on their screen."""
        world = self._fake.world
        if channel.guild_id is None:
            return self.id in channel.recipient_ids and message.visible_to(self.id)
        readable = channel_accessible(world, channel.id, self.id, history=True)
        return readable and message.visible_to(self.id)
