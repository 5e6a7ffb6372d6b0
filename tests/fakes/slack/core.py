"""The double's state, shared by the Web API's methods and the control surface."""

import asyncio
import random
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.fakes.slack import text
from tests.fakes.slack.clock import Clock
from tests.fakes.slack.faults import Faults, RateLimits, Request
from tests.fakes.slack.files import Files
from tests.fakes.slack.model import (
    App,
    AssistantThread,
    Channel,
    Enterprise,
    Json,
    Message,
    Ping,
    Token,
    User,
    View,
    Violation,
    Workspace,
)
from tests.fakes.slack.outbox import Outbox
from tests.fakes.slack.sockets import Sockets
from tests.fakes.slack.tasks import Tasks

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 1800.0
RESPONSE_URL_USES = 5


@dataclass(slots=True)
class Trigger:
    """What a `trigger_id` stands for: one modal for this person, within 3 seconds."""

    user: User
    expires_at: float
    exchanged: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """What a `response_url` stands for: five messages within 30 minutes, without the rules of posting."""

    channel: Channel
    user: User
    expires_at: float
    source_ts: str | None = None
    uses: int = 0


@dataclass(slots=True)
class Grant:
    """An OAuth code waiting to be exchanged (10 minutes, once)."""

    team: Workspace
    installer: User
    scopes: frozenset[str]
    redirect_uri: str
    org_wide: bool
    expires_at: float


class Core:
    """State and services. The public control surface is `FakeSlack`, which adds to this."""

    def __init__(self, app: App | None = None, *, seed: int = 0) -> None:
        self.app = app or App()
        self.clock = Clock()
        self.chance = random.Random(seed)
        self.base_url = ""
        self.teams: dict[str, Workspace] = {}
        self.enterprises: dict[str, Enterprise] = {}
        self.tokens: dict[str, Token] = {}
        self.refresh_tokens: dict[str, Token] = {}
        self.grants: dict[str, Grant] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.modals: dict[User, list[View]] = {}
        self.homes: dict[User, View] = {}
        self.assistant_threads: dict[tuple[str, str], AssistantThread] = {}
        self.requests: list[Request] = []
        self.violations: list[Violation] = []
        self.pings: list[Ping] = []
        self.faults = Faults()
        self.limits = RateLimits(self.clock)
        self.sockets = Sockets(self.app, self.clock, self.chance)
        self.outbox = Outbox(self.app, self.clock, self.sockets)
        self.files = Files(self.clock)
        self._count = 0
        self._happened = asyncio.Event()
        self.tasks = Tasks()

    def new_id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}0{self._count:09X}"

    def happened(self) -> None:
        """Something changed: wake whoever waits for a condition."""
        happened, self._happened = self._happened, asyncio.Event()
        happened.set()

    async def wait_for(self, condition: Callable[[], object], *, timeout: float = 5.0, what: str = "") -> None:
        """Wait until the condition is true; it is looked at on every change and every 20 ms.

        Raises:
            AssertionError: it did not become true in `timeout` seconds; names the last calls of the app.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        while not condition():
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                last = [(r.method, r.answer.get("error") or r.fault or "ok") for r in self.requests[-12:]]
                raise AssertionError(f"waited {timeout} s for {what or 'the condition'}; last calls: {last}")
            try:
                await asyncio.wait_for(self._happened.wait(), min(left, 0.02))
            except TimeoutError:
                continue

    # Looking things up ------------------------------------------------------------------------------------

    def token_for(self, value: str) -> Token | None:
        return self.tokens.get(value)

    def installation(self, team: Workspace) -> Token | None:
        """The living token that acts in this workspace now."""
        alive = (t for t in self.tokens.values() if team in t.teams and not t.dead)
        return max(alive, key=lambda t: t.expires_at or float("inf"), default=None)

    def channel_of(self, token: Token, channel_id: str) -> Channel | None:
        """The conversation with this id that the token's workspaces hold."""
        return next((t.channels[channel_id] for t in token.teams if channel_id in t.channels), None)

    def user_of(self, token: Token, user_id: str) -> User | None:
        return next((t.users[user_id] for t in token.teams if user_id in t.users), None)

    def open_dm(self, user: User) -> Channel:
        """The conversation between this person and the app, opened when there is none."""
        team = user.team
        channel = team.dm(user.id)
        if channel is None:
            members = {user.id, team.bot_user_id}
            channel = Channel(self.new_id("D"), "", team, kind="im", members=members)
            team.channels[channel.id] = channel
        return channel

    # Making things ----------------------------------------------------------------------------------------

    def new_token(self, teams: Iterable[Workspace], scopes: frozenset[str], *, org_wide: bool = False) -> Token:
        """A fresh bot token; with token rotation it ends after 12 hours."""
        covered = tuple(teams)
        start = "xoxe.xoxb-1" if self.app.token_rotation else "xoxb"
        value = f"{start}-{covered[0].id}-{secrets.token_hex(10)}"
        ends = self.clock.now() + 43_200 if self.app.token_rotation else None
        enterprise = covered[0].enterprise if org_wide else None
        token = Token(value, covered, scopes, enterprise, ends)
        self.tokens[value] = token
        for team in covered:
            team.bot_token, team.installed, team.org_wide = value, True, org_wide
        return token

    def new_trigger(self, user: User) -> str:
        value = f"{self._number()}.{self._number()}.{secrets.token_hex(16)}"
        self.triggers[value] = Trigger(user, self.clock.now() + TRIGGER_SECONDS)
        return value

    def new_response_url(self, channel: Channel, user: User, source_ts: str | None = None) -> str:
        value = f"{channel.team.id}/{self._number()}/{secrets.token_hex(12)}"
        expires_at = self.clock.now() + RESPONSE_URL_SECONDS
        self.response_urls[value] = ResponseUrl(channel, user, expires_at, source_ts)
        return f"{self.base_url}/commands/{value}"

    def _number(self) -> int:
        return self.chance.randrange(10**10, 10**11)

    def add_message(self, message: Message, *, linked_names: bool = False) -> None:
        """Put a message into its conversation and note whom it notifies when the app wrote it."""
        message.channel.add(message)
        self.note_pings(message, linked_names=linked_names)
        self.happened()

    def note_pings(self, message: Message, *, linked_names: bool = False) -> None:
        channel = message.channel
        if message.user != channel.team.bot_user_id:
            return
        for kind, target in text.pings(message.text, message.blocks, linked_names=linked_names):
            self.pings.append(Ping(channel.team.id, channel.id, message.ts, kind, target))

    def violation(self, method: str, problem: str, sent: object) -> None:
        self.violations.append(Violation(method, problem, sent))

    def view_json(self, view: View) -> Json:
        """A view as Slack shows it to the app, with its ids, hash and state."""
        team = view.user.team
        return {
            **view.content,
            "id": view.id,
            "team_id": team.id,
            "state": {"values": view.state},
            "hash": view.hash,
            "private_metadata": view.content.get("private_metadata", ""),
            "callback_id": view.content.get("callback_id", ""),
            "external_id": view.content.get("external_id", ""),
            "clear_on_close": view.content.get("clear_on_close", False),
            "notify_on_close": view.content.get("notify_on_close", False),
            "previous_view_id": view.previous_id,
            "root_view_id": view.root_id,
            "app_id": self.app.app_id,
            "app_installed_team_id": team.id,
            "bot_id": team.bot_id,
        }
