"""Arranging the world: workspaces, people, channels, installs, failures; and looking at what was exchanged."""

from collections.abc import Callable
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.slack import events, file_methods, oauth
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.faults import Drop, Fault, Request
from tests.fakes.slack.model import Channel, Enterprise, File, Json, Token, User, Workspace
from tests.fakes.slack.screen import Looking


class Arranging(Looking):
    """What a test sets up and looks up."""

    # The world --------------------------------------------------------------------------------------------

    def workspace(
        self, name: str, *, team_id: str = "", enterprise: Enterprise | None = None, install: bool = True,
        scopes: frozenset[str] | None = None,
    ) -> Workspace:  # fmt: skip
        """A new workspace with the app's bot user, installed (`team.bot_token`) unless told otherwise."""
        team = Workspace(team_id or self.new_id("T"), name, self.new_id("U"), self.new_id("B"), enterprise=enterprise)
        bot = User(team.bot_user_id, self.app.name, team, self.app.name, is_bot=True)
        team.users[bot.id] = bot
        self.teams[team.id] = team
        if install:
            self.install(team, scopes=scopes)
        return team

    def enterprise(self, name: str) -> Enterprise:
        """A new organisation; pass it to `workspace` and install with `org_wide=True`."""
        found = Enterprise(self.new_id("E"), name)
        self.enterprises[found.id] = found
        return found

    def person(
        self, team: Workspace, name: str, *, user_id: str = "", locale: str = "en-US", is_admin: bool = False
    ) -> User:
        user = User(user_id or self.new_id("U"), name, team, name.title(), locale, is_admin)
        team.users[user.id] = user
        return user

    def new_channel(
        self, team: Workspace, name: str, members: list[User] | None = None, *, channel_id: str = "",
        private: bool = False, with_bot: bool = True, shared: bool = False,
    ) -> Channel:  # fmt: skip
        """A channel; `channel_id` may repeat one of another workspace; `shared` makes it Slack Connect."""
        joined = {user.id for user in members or []} | ({team.bot_user_id} if with_bot else set())
        kind: Literal["group", "channel"] = "group" if private else "channel"
        channel = Channel(channel_id or self.new_id("C"), name, team, kind, joined, shared=shared)
        team.channels[channel.id] = channel
        return channel

    def invite(self, channel: Channel, user: User | None = None) -> None:
        """Let a person, or the app's bot, into a channel."""
        channel.members.add(user.id if user else channel.team.bot_user_id)

    def remove(self, channel: Channel, user: User | None = None) -> None:
        """Put a person, or the app's bot, out of a channel; the app is told of its own leaving if it subscribed."""
        channel.members.discard(user.id if user else channel.team.bot_user_id)
        left = "group_left" if channel.kind == "group" else "channel_left"
        if user is None and left in self.app.events:
            self.send_event(channel.team, {"type": left, "channel": channel.id})

    def send_event(self, team: Workspace, event: Json) -> Delivery:
        """Send any event that the double has no verb for, in Slack's outer payload."""
        return events.send(self, team, {"event_ts": self.clock.timestamp(), **event})

    def archive(self, channel: Channel) -> None:
        channel.archived = True

    def deactivate(self, user: User) -> None:
        """An admin deactivates a person: they act no more and cannot be messaged."""
        user.deleted = True

    def tombstone(self, file: File) -> None:
        """A file is deleted by its owner: everyone finds a tombstone."""
        file_methods.remove_file(self, file)

    # Installing -------------------------------------------------------------------------------------------

    def install(self, team: Workspace, *, scopes: frozenset[str] | None = None, org_wide: bool = False) -> Token:
        """Install without the browser; org-wide covers every workspace of the enterprise."""
        same = [t for t in self.teams.values() if t.enterprise is team.enterprise and t is not team]
        covered = [team, *same] if org_wide and team.enterprise else [team]
        return self.new_token(covered, self.app.scopes if scopes is None else scopes, org_wide=org_wide)

    def approve(
        self, url: str, installer: User, *, refused: frozenset[str] = frozenset(), org_wide: bool = False
    ) -> str:
        """Open an authorize address as this person and allow the app: the redirect with `code` and `state`."""
        query = dict(parse_qsl(urlsplit(url).query))
        return oauth.approve(self, query, installer, refused=refused, org_wide=org_wide)

    def uninstall(self, team: Workspace) -> list[Delivery]:
        """An admin removes the app: its tokens die (`account_inactive`) and the app is told."""
        for token in self.tokens.values():
            if team in token.teams:
                token.dead = "account_inactive"
        team.installed = False
        return events.uninstalled(self, team)

    # Failures and the log ---------------------------------------------------------------------------------

    def fail(  # noqa: PLR0913
        self, method: str, *, times: int = 1, drop: Drop | None = None, error: str | None = None,
        status: int | None = None, retry_after: int | None = None, delay: float = 0.0,
        when: Callable[[Json], bool] | None = None,
    ) -> None:  # fmt: skip
        """Make the next `times` calls of a method fail; see `Fault` for the ways."""
        self.faults.waiting.append(Fault(method, times, drop, error, status, retry_after, delay, when))

    def calls(self, method: str, *, team: Workspace | None = None) -> list[Request]:
        """The calls of one method so far, failed ones included."""
        return [r for r in self.requests if r.method == method and (team is None or r.team == team.id)]

    def deliveries(self, name: str = "") -> list[Delivery]:
        """What was sent to the app: all, or by event type, command or interaction type."""
        return [d for d in self.outbox.sent if name in ("", d.name)]

    def latencies(self, name: str = "") -> list[float]:
        """Seconds until the acknowledgement, for each delivery that was acknowledged."""
        return [d.latency for d in self.deliveries(name) if d.latency is not None]
