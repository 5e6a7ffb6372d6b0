"""Which token acts in which workspace.

One workspace has its token in the settings. Many have theirs in the store: `adapters.slack.installations`.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from core.errors import PlatformBusy

RETRY_SECONDS = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Installation:
    """We, in a workspace or a whole organisation. `scopes` is empty where Slack has not told."""

    token: str = field(repr=False)
    bot_user: str
    bot: str
    enterprise: str = ""
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a token belongs to, by `auth.test`. `team` names the workspace for the eye."""

    installation: Installation
    workspace: str
    org_wide: bool
    team: str


class Tokens(Protocol):
    """Finds out who we are in a workspace."""

    async def of(self, workspace: str, enterprise: str = "", *, org_wide: bool = False) -> Installation | None:
        """Our installation there; None where the app is not installed (any longer).

        `enterprise` and `org_wide` are what an event told, where one did. May raise RedisError and PlatformBusy.
        """
        ...

    async def died(self, workspace: str, token: str) -> None:
        """Slack takes this token no longer: forget what is remembered of it."""
        ...


async def identify(client: AsyncWebClient, token: str) -> Identity:
    """Ask Slack whom a token belongs to. Raises SlackApiError where it takes it not, and aiohttp's errors."""
    answer = await client.api_call("auth.test", headers={"Authorization": f"Bearer {token}"})
    said: dict[str, Any] = answer.data if isinstance(answer.data, dict) else {}
    headers = {str(name).lower(): value for name, value in dict(answer.headers).items()}
    scopes = frozenset(filter(None, str(headers.get("x-oauth-scopes", "")).replace(" ", "").split(",")))
    installation = Installation(
        token=token,
        bot_user=str(said.get("user_id") or ""),
        bot=str(said.get("bot_id") or ""),
        enterprise=str(said.get("enterprise_id") or ""),
        scopes=scopes,
    )
    org_wide = bool(said.get("is_enterprise_install"))
    return Identity(installation, str(said.get("team_id") or ""), org_wide, str(said.get("team") or ""))


class OneWorkspace:
    """The token of the settings, for the workspace that it belongs to, or all of its organisation."""

    def __init__(self, client: AsyncWebClient, token: str) -> None:
        self._client = client
        self._token = token
        self._identity: Identity | None = None
        self._asking = asyncio.Lock()

    async def of(self, workspace: str, enterprise: str = "", *, org_wide: bool = False) -> Installation | None:
        """Our installation, unless the workspace is another one. Asks Slack once."""
        del org_wide
        identity = self._identity or await self._identify()
        if identity is None:
            return None
        if identity.org_wide:
            known = not enterprise or enterprise == identity.installation.enterprise
        else:
            known = workspace == identity.workspace
        return identity.installation if known else None

    async def died(self, workspace: str, token: str) -> None:
        """Ask again before it is used again: an app may have been removed and brought back."""
        del workspace, token
        self._identity = None

    async def _identify(self) -> Identity | None:
        async with self._asking:
            if self._identity is None:
                try:
                    self._identity = await identify(self._client, self._token)
                except SlackApiError as error:
                    log.error("Slack does not take SLACK_BOT_TOKEN", why=str(error.response.get("error")))
                    return None
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    raise PlatformBusy(RETRY_SECONDS) from error
            return self._identity
