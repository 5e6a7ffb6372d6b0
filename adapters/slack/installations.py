"""Where the app is installed: Bolt's store of installations, over Redis.

slack:installation:<workspace or organisation>   Fernet of JSON `Kept`; never expires: it ends with the installation
slack:organisation:<workspace>                   string  the organisation whose installation serves the workspace
slack:rotating:<workspace or organisation>       string  somebody is renewing its token, for half a minute

Tokens are encrypted with the first of the keys and decrypted with any, so that a key is changed by putting a new one
in front. A workspace's own installation goes before its organisation's.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import structlog
from cryptography.fernet import InvalidToken, MultiFernet
from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.oauth.installation_store.models.installation import Installation as SlackInstallation
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.tokens import Installation
from core.packing import key, pack, text, unpack

CACHED_SECONDS = 30.0
MOST_CACHED = 10_000
ORGANISATION_SECONDS = 90 * 86_400
RENEW_BEFORE_SECONDS = 2 * 3600
RENEWING_SECONDS = 30
STORE_SECONDS = 1.0
RENEW_PATIENCE_SECONDS = 10.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kept:
    """An installation as it is kept. `expires_at` is in seconds since the epoch, 0 where tokens do not expire."""

    token: str = field(repr=False)
    bot_user: str
    bot: str
    app: str = ""
    enterprise: str = ""
    workspace: str = ""
    org_wide: bool = False
    scopes: tuple[str, ...] = ()
    refresh: str = field(default="", repr=False)
    expires_at: int = 0
    installed_at: float = 0.0
    installer: str = ""

    @property
    def place(self) -> str:
        """What it is an installation in."""
        return self.enterprise if self.org_wide else self.workspace

    def bot_record(self) -> Bot:
        """The same in Bolt's words."""
        return Bot(
            app_id=self.app,
            enterprise_id=self.enterprise or None,
            team_id=self.workspace or None,
            bot_token=self.token,
            bot_id=self.bot,
            bot_user_id=self.bot_user,
            bot_scopes=list(self.scopes),
            bot_refresh_token=self.refresh or None,
            bot_token_expires_at=self.expires_at or None,
            is_enterprise_install=self.org_wide,
            installed_at=self.installed_at,
        )


class Installations(AsyncInstallationStore):
    """Every installation of the app, with their tokens encrypted."""

    def __init__(self, redis: Redis, keys: MultiFernet) -> None:
        self._redis = redis
        self._keys = keys

    @property
    def logger(self) -> logging.Logger:
        """Where Bolt would log what the store does."""
        return logging.getLogger(__name__)

    async def async_save(self, installation: SlackInstallation) -> None:
        """Keep an installation in place of an earlier one."""
        bot = installation.to_bot()
        await self.keep(replace(_kept(bot), installer=installation.user_id or ""))

    async def async_save_bot(self, bot: Bot) -> None:
        """Keep a token that was renewed."""
        await self.keep(_kept(bot))

    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        """The installation for these ids."""
        found = await self.find(team_id or "", enterprise_id or "", org_wide=bool(is_enterprise_install))
        return found.bot_record() if found else None

    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> SlackInstallation | None:
        """The same with who installed it; there are no tokens of people here."""
        found = await self.find(team_id or "", enterprise_id or "", org_wide=bool(is_enterprise_install))
        if found is None or (user_id and user_id != found.installer):
            return None
        values = found.bot_record().to_dict_for_copying()
        return SlackInstallation(user_id=found.installer, **values)

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Forget an installation: the workspace's, or without one the organisation's."""
        place = team_id or enterprise_id or ""
        await self._redis.delete(key("slack", "installation", place))

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """The same: an installation is kept once, whoever made it."""
        del user_id
        await self.async_delete_bot(enterprise_id=enterprise_id, team_id=team_id)

    async def keep(self, kept: Kept) -> None:
        """Write an installation."""
        sealed = self._keys.encrypt(pack(Kept, kept, terse=True))
        await self._redis.set(key("slack", "installation", kept.place), sealed)

    async def find(self, workspace: str, enterprise: str = "", *, org_wide: bool = False) -> Kept | None:
        """The installation that serves a workspace; what is known of its organisation is remembered."""
        if org_wide and enterprise and workspace:
            name = key("slack", "organisation", workspace)
            await self._redis.set(name, enterprise, ex=ORGANISATION_SECONDS)
        own = await self._read(workspace) if workspace and not org_wide else None
        if own is not None:
            return own
        if not enterprise and workspace:
            known = await self._redis.getex(key("slack", "organisation", workspace), ex=ORGANISATION_SECONDS)
            enterprise = text(known) if known else ""
        found = await self._read(enterprise) if enterprise else None
        return found if found and found.org_wide else None

    async def _read(self, place: str) -> Kept | None:
        sealed = await self._redis.get(key("slack", "installation", place))
        if sealed is None:
            return None
        try:
            return unpack(Kept, self._keys.decrypt(text(sealed)))
        except InvalidToken:
            log.error("an installation cannot be decrypted: put its key back into ENCRYPTION_KEY", place=place)
            return None


class InstalledTokens:
    """The tokens of many workspaces, renewed before they expire, by one process at a time."""

    def __init__(
        self, installations: Installations, redis: Redis, client: AsyncWebClient, client_id: str, client_secret: str
    ) -> None:
        self.installations = installations
        self._redis = redis
        self._client = client
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._cache: dict[str, tuple[float, Installation]] = {}

    async def of(self, workspace: str, enterprise: str = "", *, org_wide: bool = False) -> Installation | None:
        """Our installation in a workspace."""
        until, cached = self._cache.get(workspace or enterprise, (0.0, None))
        if cached and time.monotonic() < until:
            return cached
        try:
            async with asyncio.timeout(STORE_SECONDS):
                kept = await self.installations.find(workspace, enterprise, org_wide=org_wide)
        except (RedisError, OSError):
            if cached is None:
                raise
            return cached  # a store that is away for a moment keeps nobody from being answered
        if kept and kept.expires_at and kept.expires_at < time.time() + RENEW_BEFORE_SECONDS:
            kept = await self._renewed(kept)
        if kept is None:
            return None
        found = Installation(kept.token, kept.bot_user, kept.bot, kept.enterprise, frozenset(kept.scopes))
        if len(self._cache) >= MOST_CACHED:
            self._cache.clear()
        self._cache[workspace or enterprise] = (time.monotonic() + CACHED_SECONDS, found)
        return found

    async def died(self, workspace: str, token: str) -> None:
        """Read the store again before the next call."""
        self._cache = {place: known for place, known in self._cache.items() if known[1].token != token}
        self._cache.pop(workspace, None)

    async def removed(self, workspace: str, enterprise: str = "", *, org_wide: bool = False) -> bool:
        """Slack says that we were removed: forget the installation, unless its token still works.

        Word of a removal may come after the app was installed again.
        """
        kept = await self.installations.find(workspace, enterprise, org_wide=org_wide)
        if kept is None or await self._works(kept.token):
            return False
        await self.installations.async_delete_bot(
            enterprise_id=kept.enterprise, team_id=None if kept.org_wide else kept.workspace
        )
        await self.died(workspace, kept.token)
        return True

    async def _works(self, token: str) -> bool:
        try:
            await self._client.api_call("auth.test", headers={"Authorization": f"Bearer {token}"})
        except SlackApiError:
            return False
        return True

    async def _renewed(self, kept: Kept) -> Kept | None:
        """The installation with a fresh token. A refresh token works once, so one process uses it."""
        lock = key("slack", "rotating", kept.place)
        until = time.monotonic() + RENEW_PATIENCE_SECONDS
        while not await self._redis.set(lock, "1", nx=True, ex=RENEWING_SECONDS):
            if kept.expires_at > time.time() + 1 or time.monotonic() > until:
                return kept
            await asyncio.sleep(0.1)
        try:
            newest = await self.installations.find(kept.workspace, kept.enterprise, org_wide=kept.org_wide)
            if newest is None or newest.token != kept.token:
                return newest
            return await self._refresh(kept)
        finally:
            await self._redis.delete(lock)

    async def _refresh(self, kept: Kept) -> Kept:
        form = {**self._credentials, "grant_type": "refresh_token", "refresh_token": kept.refresh}
        try:
            answer: Any = await self._client.api_call("oauth.v2.access", data=form)
        except SlackApiError as error:
            log.error("a token cannot be renewed: re-install", place=kept.place, why=str(error.response.get("error")))
            return kept
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("a token could not be renewed yet", place=kept.place, problem=type(error).__name__)
            return kept
        fresh = replace(
            kept,
            token=str(answer["access_token"]),
            refresh=str(answer["refresh_token"]),
            expires_at=int(time.time()) + int(answer["expires_in"]),
        )
        await self.installations.keep(fresh)
        log.info("a token was renewed", place=kept.place)
        return fresh


def _kept(bot: Bot) -> Kept:
    return Kept(
        token=bot.bot_token,
        bot_user=bot.bot_user_id,
        bot=bot.bot_id,
        app=bot.app_id or "",
        enterprise=bot.enterprise_id or "",
        workspace=bot.team_id or "",
        org_wide=bot.is_enterprise_install,
        scopes=tuple(bot.bot_scopes),
        refresh=bot.bot_refresh_token or "",
        expires_at=bot.bot_token_expires_at or 0,
        installed_at=bot.installed_at,
    )
