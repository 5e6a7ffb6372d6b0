"""What `python -m bot check` says about Discord: asked of Discord itself, and put as what to do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
import discord

from adapters.discord.permissions import NEEDED
from adapters.discord.rest import Refused, Rest, open_rest
from core.errors import PlatformBusy

_MESSAGE_CONTENT, _MESSAGE_CONTENT_LIMITED = 1 << 18, 1 << 19
_PORTAL = "developer portal → your app → Bot"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One line of the check: whether it is well, and a sentence that says what is or what to do."""

    well: bool
    text: str


async def check_discord(token: str, *, message_content: bool) -> AsyncIterator[CheckRow]:
    """Look at a token, its intents and its servers. Call `use_addresses` before, if at all."""
    try:
        async with open_rest(token) as rest:
            async for row in _rows(rest, message_content=message_content):
                yield row
    except discord.LoginFailure:
        yield CheckRow(
            well=False, text=f"Discord does not take DISCORD_TOKEN. Copy a fresh one: {_PORTAL} → Reset Token."
        )
    except (discord.DiscordException, aiohttp.ClientError, OSError, Refused, PlatformBusy) as error:
        yield CheckRow(well=False, text=f"Discord could not be asked ({type(error).__name__}). Is the network up?")


def invite_link(application: str) -> str:
    """Where an admin adds the bot to a server, with the permissions that it uses."""
    permissions = sum(NEEDED.values())
    query = {"client_id": application, "scope": "bot applications.commands", "permissions": str(permissions)}
    return f"https://discord.com/oauth2/authorize?{urlencode(query)}"


async def _rows(rest: Rest, *, message_content: bool) -> AsyncIterator[CheckRow]:
    application = await rest.call("GET", "/applications/@me")
    yield CheckRow(well=True, text=f"DISCORD_TOKEN is of {application.get('name') or 'a bot'}.")
    granted = bool(int(application.get("flags") or 0) & (_MESSAGE_CONTENT | _MESSAGE_CONTENT_LIMITED))
    if message_content and not granted:
        text = (
            f"DISCORD_MESSAGE_CONTENT is on, and the intent is not granted: {_PORTAL} → Privileged Gateway Intents → "
            "Message Content Intent. Or switch the setting off: replies, mentions and buttons work without it."
        )
        yield CheckRow(well=False, text=text)
    elif granted and not message_content:
        text = (
            "The message content intent is granted; DISCORD_MESSAGE_CONTENT=true makes messages in our threads edits."
        )
        yield CheckRow(well=True, text=text)
    if application.get("interactions_endpoint_url"):
        text = (
            "An Interactions Endpoint URL is set, so Discord sends commands there and not to us. Clear it: "
            "developer portal → your app → General Information."
        )
        yield CheckRow(well=False, text=text)
    limits = await rest.call("GET", "/gateway/bot")
    left = int(limits["session_start_limit"]["remaining"])
    yield CheckRow(well=left > 0, text=f"The gateway may be entered {left} more times today.")
    guilds = await rest.call("GET", "/users/@me/guilds", query={"limit": "200"})
    yield CheckRow(
        well=True, text=f"It is in {len(guilds)} servers. Add it to another: {invite_link(rest.application)}"
    )
    for guild in guilds:
        missing = _missing(int(guild["permissions"]))
        if missing:
            text = f"In {guild.get('name') or guild['id']} it lacks: {', '.join(missing)}."
            yield CheckRow(well=False, text=text)


def _missing(permissions: int) -> list[str]:
    if permissions & 1 << 3:  # Administrator has them all.
        return []
    return [name for name, bit in NEEDED.items() if not permissions & bit]
