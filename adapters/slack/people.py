"""Who somebody is: their name, their language, and whether they run the workspace.

slack:person:<workspace>:<user>   JSON `Profile`, for a day
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.slack.web_api import Refused, Unsure, WebApi
from core.background import stop
from core.errors import PlatformBusy
from core.packing import key, pack, unpack

KEPT_SECONDS = 86_400
CACHED_SECONDS = 300.0
MOST_CACHED = 20_000
AT_ONCE = 8
READS_AT_ONCE = 16
MINUTE, MOST_A_MINUTE = 60.0, 40
"""Slack takes about a hundred such questions a minute, from all of our processes together."""
PATIENCE_SECONDS = 0.7
"""How long an answer may wait for a name. Whoever is not known by then is spoken to in English, once."""

STRANGER = "stranger"
"""Stands in the address of a turn whose author Slack has yet to be asked about."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Profile:
    """A member as Slack knows them."""

    name: str = ""
    locale: str = "en-US"
    admin: bool = False
    avatar: str = ""
    """Where their own picture is, to be read by anybody; empty while they have none."""


class People:
    """Asks Slack about each person once a day, and never waits long for the answer."""

    def __init__(self, api: WebApi, redis: Redis) -> None:
        self._api = api
        self._redis = redis
        self._cache: dict[tuple[str, str], tuple[float, Profile]] = {}
        self._asked: deque[float] = deque(maxlen=MOST_A_MINUTE)
        self._reading = asyncio.Semaphore(READS_AT_ONCE)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._asking: dict[tuple[str, str], asyncio.Task[Profile | None]] = {}

    async def known(self, workspace: str, user: str) -> Profile | None:
        """What is known of a person without asking Slack: no acknowledgement waits for that."""
        until, cached = self._cache.get((workspace, user), (0.0, None))
        if cached and time.monotonic() < until:
            return cached
        kept = await self._kept(workspace, user)
        return self._note(workspace, user, kept) if kept else None

    async def of(self, workspace: str, user: str) -> Profile:
        """Who a person is, by Slack where nothing is known; the usual where it does not tell."""
        until, cached = self._cache.get((workspace, user), (0.0, Profile()))
        if time.monotonic() < until:
            return cached
        task = self._asking.get((workspace, user))
        if task is None:
            task = asyncio.create_task(self._find(workspace, user))
            self._asking[workspace, user] = task
            task.add_done_callback(lambda _: self._asking.pop((workspace, user), None))
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        return (task.result() or Profile()) if done else Profile()

    async def close(self) -> None:
        """Give up what is being asked."""
        await stop(*self._asking.values())

    async def _find(self, workspace: str, user: str) -> Profile | None:
        if known := await self.known(workspace, user):
            return known
        now = time.monotonic()
        full = len(self._asked) == MOST_A_MINUTE and now - self._asked[0] < MINUTE
        if full or self._slots.locked():
            return None
        self._asked.append(now)
        async with self._slots:
            return await self._ask(workspace, user)

    async def _kept(self, workspace: str, user: str) -> Profile | None:
        try:
            # A burst of people is no burst of connections to the store.
            async with asyncio.timeout(PATIENCE_SECONDS), self._reading:
                found = await self._redis.get(key("slack", "person", workspace, user))
        except (RedisError, OSError):
            return None
        return unpack(Profile, found) if found else None

    async def _ask(self, workspace: str, user: str) -> Profile | None:
        try:
            answer = await self._api.call(workspace, "users.info", user=user, include_locale=True)
        except (Refused, Unsure, PlatformBusy, RedisError, OSError) as error:
            log.info("a person is not known", problem=str(error) or type(error).__name__)
            return None
        said = answer.get("user") or {}
        profile = said.get("profile") or {}
        name = profile.get("display_name") or said.get("real_name") or said.get("name") or ""
        admin = bool(said.get("is_admin") or said.get("is_owner") or said.get("is_primary_owner"))
        avatar = profile.get("image_1024") or profile.get("image_512") if profile.get("is_custom_image") else ""
        found = Profile(str(name), str(said.get("locale") or "en-US"), admin, str(avatar or ""))
        try:
            await self._redis.set(key("slack", "person", workspace, user), pack(Profile, found), ex=KEPT_SECONDS)
        except (RedisError, OSError):
            log.info("a person could not be noted")
        return self._note(workspace, user, found)

    def _note(self, workspace: str, user: str, profile: Profile) -> Profile:
        if len(self._cache) >= MOST_CACHED:
            self._cache.clear()
        self._cache[workspace, user] = (time.monotonic() + CACHED_SECONDS, profile)
        return profile
