"""What `python -m bot check` asks of Slack: whether the tokens are good, and what they may do."""

from collections.abc import AsyncIterator

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.scopes import OPTIONAL, missing
from adapters.slack.start import SlackSetup
from adapters.slack.tokens import identify
from adapters.slack.web_api import make_client

SECONDS = 15.0
Found = tuple[str, bool | None, str]
"""What was tried, whether it holds (None: it does, and yet should be known), and what to do."""


async def check_slack(setup: SlackSetup, *, app_token: str = "", signing_secret: str = "") -> AsyncIterator[Found]:
    """Try the tokens. None of the words shows one."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session:
        client = make_client(session, setup.api_base, reads=True)
        if setup.bot_token:
            for row in await _bot_token(client, setup.bot_token):
                yield row
        if app_token:
            yield await _app_token(client, app_token)
    if setup.client and not signing_secret:
        yield "slack http", False, "Many workspaces need HTTP to install from: set SLACK_SIGNING_SECRET."
    elif not app_token and not signing_secret:
        yield "slack events", False, "Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)."


async def _bot_token(client: AsyncWebClient, token: str) -> list[Found]:
    try:
        identity = await identify(client, token)
    except SlackApiError as error:
        code = error.response.get("error")
        return [("slack token", False, f"Slack says {code}: put a bot token (xoxb-…) into SLACK_BOT_TOKEN.")]
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return [("slack token", False, f"Slack cannot be reached ({type(error).__name__}). See SLACK_API_BASE.")]
    return [("slack token", True, f"We are in {identity.team}."), *_scopes(identity.installation.scopes)]


async def _app_token(client: AsyncWebClient, token: str) -> Found:
    try:
        await client.api_call("apps.connections.open", headers={"Authorization": f"Bearer {token}"})
    except SlackApiError as error:
        code = error.response.get("error")
        return "slack sockets", False, f"Slack says {code}: SLACK_APP_TOKEN needs connections:write."
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return "slack sockets", False, f"Slack cannot be reached ({type(error).__name__})."
    return "slack sockets", True, "Socket Mode is allowed."


def _scopes(granted: frozenset[str]) -> list[Found]:
    lacking = missing(granted)
    rows: list[Found] = [
        ("slack scope", False, f"{scope} is missing ({purpose}): add it and install the app again.")
        for scope, purpose in lacking.items()
    ]
    if not lacking:
        rows.append(("slack scopes", True, "Everything that is needed was granted."))
    rows += [
        ("slack scope", None, f"{scope} was not granted; without it, {purpose} is off.")
        for scope, purpose in OPTIONAL.items()
        if scope not in granted
    ]
    return rows
