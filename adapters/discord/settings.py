"""What a server has decided for itself.

discord:settings:<guild>   JSON `ServerSettings`; never expires: a server's rules stand until it changes them
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from redis.asyncio import Redis

from core.librarian import Access, Savers, access
from core.packing import key, pack, unpack

CACHED_SECONDS = 3.0
MOST_CACHED = 10_000


class Editors(StrEnum):
    """Who may edit a picture."""

    ANYONE = "anyone"
    ASKER = "asker"
    """Who asked for it, and moderators."""
    MODERATORS = "moderators"


class AgeRestricted(StrEnum):
    """How channels with an age restriction are treated."""

    ALLOWED = "allowed"
    ONLY = "only"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The rules of one server. `off` are channels where we are silent; with `only` we are silent everywhere else.

    `saver_marks` are the roles whose members may save pictures where the savers are chosen.
    """

    editors: Editors = Editors.ANYONE
    savers: Savers = Savers.ANYONE
    saver_marks: tuple[str, ...] = ()
    every_message: bool = True
    age_restricted: AgeRestricted = AgeRestricted.ALLOWED
    off: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    avatars: bool = False
    aspect_ratio: str = ""

    def access(self, borne: Collection[str]) -> Access:
        """Which saved pictures those who do not moderate may change, by the marks that they bear.

        Who may not edit may not save, either, unless they were chosen to.
        """
        if self.savers is Savers.ANYONE and self.editors is Editors.MODERATORS:
            return Access.NONE
        return access(self.savers, self.saver_marks, borne)


class Settings:
    """The rules of all servers, remembered for a moment: they are asked for at every event."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._cache: dict[str, tuple[float, ServerSettings]] = {}

    async def of(self, guild: str | None) -> ServerSettings:
        """The rules of a server; the usual ones in direct messages."""
        if not guild:
            return ServerSettings()
        until, cached = self._cache.get(guild, (0.0, ServerSettings()))
        if time.monotonic() < until:
            return cached
        found = await self.redis.get(key("discord", "settings", guild))
        return self._note(guild, unpack(ServerSettings, found) if found else ServerSettings())

    async def change(self, guild: str, settings: ServerSettings) -> None:
        """Put new rules in the place of the old."""
        await self.redis.set(key("discord", "settings", guild), pack(ServerSettings, settings, terse=True))
        self._note(guild, settings)

    async def forget(self, guild: str) -> None:
        """Drop the rules of a server that we have left."""
        self._cache.pop(guild, None)
        await self.redis.delete(key("discord", "settings", guild))

    def _note(self, guild: str, settings: ServerSettings) -> ServerSettings:
        if len(self._cache) >= MOST_CACHED:
            self._cache.clear()
        self._cache[guild] = (time.monotonic() + CACHED_SECONDS, settings)
        return settings
