"""What exists in the double: the app, workspaces, people, conversations, messages, files, tokens, views."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]

BOT_SCOPES = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "reactions:write",
        "team:read",
        "users:read",
    }
)

BOT_EVENTS = frozenset(
    {
        "app_home_opened",
        "app_mention",
        "app_uninstalled",
        "assistant_thread_context_changed",
        "assistant_thread_started",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        "tokens_revoked",
    }
)


FAMILY = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
"""What a kind of conversation is called in scopes (`groups:history`) and subscriptions (`message.groups`)."""


@dataclass(slots=True)
class App:
    """The app's page on api.slack.com: its secrets, its subscriptions and where Slack sends things.

    With `request_url` set, events, commands and interactivity go there by signed HTTP; without it they go to
    the open Socket Mode connections. A `commercial` app outside the Marketplace reads threads once a minute,
    15 messages at a time.
    """

    app_id: str = "A0FAKE0APP"
    name: str = "imagine"
    client_id: str = "1111111111.2222222222"
    client_secret: str = "fake-client-secret"
    signing_secret: str = "fake-signing-secret"
    app_token: str = "xapp-1-A0FAKE0APP-1-fake"
    verification_token: str = "fake-verification-token"
    scopes: frozenset[str] = BOT_SCOPES
    events: frozenset[str] = BOT_EVENTS
    request_url: str | None = None
    token_rotation: bool = False
    commercial: bool = False


@dataclass(slots=True)
class Enterprise:
    id: str
    name: str


@dataclass(slots=True, eq=False)
class User:
    id: str
    name: str
    team: "Workspace" = field(repr=False)
    real_name: str = ""
    locale: str = "en-US"
    is_admin: bool = False
    is_bot: bool = False
    deleted: bool = False
    avatar: bytes = field(default=b"", repr=False)

    @property
    def at(self) -> str:
        """How a message mentions this person."""
        return f"<@{self.id}>"


@dataclass(slots=True, eq=False)
class Message:
    ts: str
    user: str
    channel: "Channel" = field(repr=False)
    text: str = ""
    thread_ts: str | None = None
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    metadata: Json | None = None
    subtype: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    client_msg_id: str | None = None
    edited: Json | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    only_for: str | None = None
    unfurl: tuple[bool, bool] = (True, True)
    broadcast: bool = False
    user_team: str | None = None

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(slots=True, eq=False)
class Channel:
    """A conversation. `kind` is Slack's `channel_type`; `shared` marks a Slack Connect channel."""

    id: str
    name: str
    team: "Workspace" = field(repr=False)
    kind: Literal["channel", "group", "im", "mpim"] = "channel"
    members: set[str] = field(default_factory=set)
    messages: dict[str, Message] = field(default_factory=dict, repr=False)
    ephemerals: list[Message] = field(default_factory=list, repr=False)
    replies: dict[str, list[Message]] = field(default_factory=dict, repr=False)
    archived: bool = False
    shared: bool = False

    def thread(self, root_ts: str) -> list[Message]:
        """The root and its replies, oldest first."""
        root = self.messages.get(root_ts)
        return ([root] if root else []) + self.replies.get(root_ts, [])

    def add(self, message: Message) -> None:
        self.messages[message.ts] = message
        if message.is_reply and message.thread_ts:
            self.replies.setdefault(message.thread_ts, []).append(message)

    def drop(self, message: Message) -> None:
        del self.messages[message.ts]
        if message.is_reply and message.thread_ts:
            self.replies[message.thread_ts].remove(message)


@dataclass(slots=True, eq=False)
class Workspace:
    """One team. Limits of its file storage are attributes: set them to make uploads fail."""

    id: str
    name: str
    bot_user_id: str
    bot_id: str
    bot_token: str = ""
    enterprise: Enterprise | None = None
    org_wide: bool = False
    users: dict[str, User] = field(default_factory=dict, repr=False)
    channels: dict[str, Channel] = field(default_factory=dict, repr=False)
    installed: bool = False
    storage_full: bool = False
    uploads_disabled: bool = False
    max_file_bytes: int | None = None

    @property
    def bot(self) -> User:
        return self.users[self.bot_user_id]

    @property
    def domain(self) -> str:
        return self.name.lower().replace(" ", "-")

    def dm(self, user_id: str) -> Channel | None:
        """The conversation between this person and the app, when it was opened."""
        pair = {user_id, self.bot_user_id}
        return next((c for c in self.channels.values() if c.kind == "im" and c.members == pair), None)


@dataclass(slots=True)
class Token:
    """A bot token. `expires_at` is the double's time; an org-wide token covers every team in `teams`."""

    value: str
    teams: tuple[Workspace, ...]
    scopes: frozenset[str]
    enterprise: Enterprise | None = None
    expires_at: float | None = None
    dead: Literal["", "token_revoked", "account_inactive"] = ""

    @property
    def team(self) -> Workspace:
        return self.teams[0]


@dataclass(slots=True, eq=False)
class Upload:
    """A file as a person picks it. `remote` is one that lives elsewhere (Drive, Dropbox)."""

    name: str
    data: bytes
    mimetype: str | None = None
    alt: str = ""
    remote: bool = False


@dataclass(slots=True, eq=False)
class File:
    id: str
    name: str
    owner: str
    team: Workspace = field(repr=False)
    data: bytes = field(default=b"", repr=False)
    title: str = ""
    alt: str = ""
    mimetype: str = ""
    created: float = 0.0
    size: int = 0
    width: int = 0
    height: int = 0
    promised: int = 0
    secret: str = ""
    received: bool = False
    completed: bool = False
    processed: bool = False
    remote: bool = False
    tombstone: bool = False
    given_to_app: bool = False
    shares: list[tuple[Channel, str, str | None]] = field(default_factory=list, repr=False)


@dataclass(slots=True, eq=False)
class View:
    """An open modal or a published Home tab. `errors` is what the app answered to the last submission."""

    id: str
    user: User
    content: Json = field(repr=False)
    hash: str
    root_id: str
    previous_id: str | None = None
    state: Json = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        return list(self.content.get("blocks", []))


@dataclass(slots=True)
class AssistantThread:
    """What the agent surface shows in one thread."""

    channel: Channel
    thread_ts: str
    status: str = ""
    status_set_at: float = 0.0
    statuses: list[str] = field(default_factory=list)
    loading_messages: list[str] = field(default_factory=list)
    prompts: list[Json] = field(default_factory=list)
    prompts_title: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Ping:
    """Someone a text of the app notified. `kind` is channel, here, everyone, user or usergroup."""

    team: str
    channel: str
    ts: str
    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Violation:
    """Something the app sent that Slack refuses or advises against."""

    method: str
    problem: str
    sent: Any = field(repr=False)
