"""What Discord sends, as far as it is read. Unknown fields are passed over, so that Discord may add some."""

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Snowflake: TypeAlias = Annotated[str, BeforeValidator(str)]
"""An id, made by time: later ones are larger."""

_EPOCH_MS = 1_420_070_400_000


def moment_of(snowflake: str) -> float:
    """When an id was made, in seconds since the epoch."""
    return ((int(snowflake) >> 22) + _EPOCH_MS) / 1000


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class User(_Event):
    """An account. `avatar` is the hash of its picture."""

    id: Snowflake
    username: str = ""
    global_name: str | None = None
    avatar: str | None = None
    bot: bool = False

    @property
    def name(self) -> str:
        """What people call them."""
        return self.global_name or self.username


class Member(_Event):
    """An account in a server. `permissions` are those in the channel of an interaction; messages do not tell them."""

    user: User | None = None
    nick: str | None = None
    roles: tuple[Snowflake, ...] = ()
    permissions: int = 0


class Attachment(_Event):
    """A file of a message or of a command."""

    id: Snowflake
    filename: str
    url: str
    size: int = 0
    content_type: str | None = None


class MessageReference(_Event):
    """Which message a message answers or forwards (`type` 1)."""

    message_id: Snowflake | None = None
    channel_id: Snowflake | None = None
    type: int = 0


class Message(_Event):
    """A message. Without the message content intent most are without words and files."""

    id: Snowflake
    channel_id: Snowflake
    guild_id: Snowflake | None = None
    author: User = User(id="0")
    member: Member | None = None
    webhook_id: Snowflake | None = None
    type: int = 0
    content: str = ""
    flags: int = 0
    attachments: tuple[Attachment, ...] = ()
    mentions: tuple[User, ...] = ()
    message_reference: MessageReference | None = None
    referenced_message: "Message | None" = None
    components: tuple[dict[str, Any], ...] = ()
    edited_timestamp: str | None = None

    @property
    def private(self) -> bool:
        """Whether one person alone sees it."""
        return bool(self.flags & 1 << 6)


class Overwrite(_Event):
    """What a channel grants and denies a role, or a member, beside what their server does."""

    id: Snowflake
    allow: int = 0
    deny: int = 0


class Channel(_Event):
    """A channel or thread as an event carries it."""

    id: Snowflake
    type: int = 0
    parent_id: Snowflake | None = None
    nsfw: bool = False
    name: str | None = None
    guild_id: Snowflake | None = None
    permission_overwrites: tuple[Overwrite, ...] = ()


class Interaction(_Event):
    """What a person did with a command, a button, a menu or a form."""

    id: Snowflake
    application_id: Snowflake
    type: int
    token: str = Field(repr=False)
    data: dict[str, Any] = {}
    guild_id: Snowflake | None = None
    channel_id: Snowflake | None = None
    channel: Channel | None = None
    member: Member | None = None
    user: User | None = None
    message: Message | None = None
    app_permissions: int | None = None
    locale: str = "en-US"
    attachment_size_limit: int = 10 * 1024 * 1024
    authorizing_integration_owners: dict[str, str] = {}

    @property
    def person(self) -> User:
        """Who did it."""
        return self.user or (self.member and self.member.user) or User(id="0")

    @property
    def permissions(self) -> int:
        """What they may do in the channel."""
        return self.member.permissions if self.member else 0

    @property
    def place(self) -> str:
        """The channel or thread where it was done."""
        return self.channel.id if self.channel else self.channel_id or ""

    @property
    def visiting(self) -> bool:
        """Whether the app is here only because the person brought it, so that it may not post by itself."""
        return "0" not in self.authorizing_integration_owners and bool(self.authorizing_integration_owners)


class Guild(_Event):
    """A server as the gateway tells of it. `unavailable` ones are in an outage."""

    id: Snowflake
    name: str = ""
    preferred_locale: str = "en-US"
    premium_tier: int = 0
    system_channel_id: Snowflake | None = None
    unavailable: bool = False
    joined_at: str | None = None


class Role(_Event):
    """A role of a server, and what it permits everywhere there."""

    id: Snowflake
    permissions: int = 0


class Roles(_Event):
    """A server as far as permissions hang on it. The role of everybody has the server's own id."""

    id: Snowflake
    owner_id: Snowflake
    roles: tuple[Role, ...] = ()
