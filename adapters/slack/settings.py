"""What a workspace has decided for itself, and what a person usually wants.

slack:settings:<workspace>    JSON `TeamSettings`; never expires: a workspace's rules stand until it changes them
slack:defaults:<person>       JSON `Defaults`, for a year after the last use
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from redis.asyncio import Redis

from adapters.slack.people import Profile
from core.errors import Declined
from core.librarian import Access, Savers, access
from core.packing import key, pack, unpack
from core.turns import Person, Turn

CACHED_SECONDS = 3.0
MOST_CACHED = 10_000
DEFAULTS_SECONDS = 365 * 86_400


class Editors(StrEnum):
    """Who may edit a picture."""

    ANYONE = "anyone"
    ASKER = "asker"
    """Who asked for it, and workspace admins."""
    MODERATORS = "moderators"
    """Workspace admins."""


@dataclass(frozen=True, slots=True)
class TeamSettings:
    """The rules of a workspace. `off` are channels where we are silent; with `only` we are silent everywhere else.

    `saver_marks` are the people who may save pictures where the savers are chosen.
    """

    editors: Editors = Editors.ANYONE
    savers: Savers = Savers.ANYONE
    saver_marks: tuple[str, ...] = ()
    every_message: bool = True
    avatars: bool = False
    off: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    aspect_ratio: str = ""

    def access(self, borne: Collection[str]) -> Access:
        """Which saved pictures those who are no admins may change, by the marks that they bear.

        Who may not edit may not save, either, unless they were chosen to.
        """
        if self.savers is Savers.ANYONE and self.editors is Editors.MODERATORS:
            return Access.NONE
        return access(self.savers, self.saver_marks, borne)

    def check_place(self, channel: str) -> None:
        """Raise `Declined` where the workspace does not want us. Direct messages are nobody's business."""
        if channel.startswith("D"):
            return
        if channel in self.off or (self.only and channel not in self.only):
            raise Declined("slack.channel_off")

    def check_editor(self, turn: Turn, person: Person, profile: Profile) -> None:
        """Raise `Declined` where the workspace keeps this picture for others to edit."""
        if profile.admin or self.editors is Editors.ANYONE:
            return
        if self.editors is Editors.ASKER and turn.author.user == person.user:
            return
        name = "slack.editors_asker" if self.editors is Editors.ASKER else "slack.editors_moderators"
        raise Declined(name, {"name": turn.author.name or turn.author.user})


@dataclass(frozen=True, slots=True)
class Defaults:
    """What somebody wants when they do not say."""

    model: str = ""
    aspect_ratio: str = ""


class Settings:
    """The rules of all workspaces, remembered for a moment: they are asked for at every event."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._cache: dict[str, tuple[float, TeamSettings]] = {}

    async def of(self, workspace: str) -> TeamSettings:
        """The rules of a workspace."""
        until, cached = self._cache.get(workspace, (0.0, TeamSettings()))
        if time.monotonic() < until:
            return cached
        found = await self.redis.get(key("slack", "settings", workspace))
        return self._note(workspace, unpack(TeamSettings, found) if found else TeamSettings())

    async def change(self, workspace: str, settings: TeamSettings) -> None:
        """Put new rules in the place of the old."""
        await self.redis.set(key("slack", "settings", workspace), pack(TeamSettings, settings, terse=True))
        self._note(workspace, settings)

    async def forget(self, workspace: str) -> None:
        """Drop the rules of a workspace that has removed us."""
        self._cache.pop(workspace, None)
        await self.redis.delete(key("slack", "settings", workspace))

    async def defaults(self, person: Person) -> Defaults:
        """What a person usually wants."""
        found = await self.redis.getex(key("slack", "defaults", person), ex=DEFAULTS_SECONDS)
        return unpack(Defaults, found) if found else Defaults()

    async def change_defaults(self, person: Person, defaults: Defaults) -> None:
        """Note what a person usually wants."""
        await self.redis.set(key("slack", "defaults", person), pack(Defaults, defaults), ex=DEFAULTS_SECONDS)

    def _note(self, workspace: str, settings: TeamSettings) -> TeamSettings:
        if len(self._cache) >= MOST_CACHED:
            self._cache.clear()
        self._cache[workspace] = (time.monotonic() + CACHED_SECONDS, settings)
        return settings
