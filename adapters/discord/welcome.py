"""One short message to a server that we have just joined.

discord:press:welcome:<guild>   string   that it was greeted, for a day
"""

import time
from datetime import datetime

import structlog

from adapters.discord import render
from adapters.discord.desk import Desk
from adapters.discord.events import Guild
from adapters.discord.posting import Poster
from adapters.discord.rest import Refused
from adapters.discord.words import plain
from core.errors import PlatformError
from core.replies import say

JUST_NOW_SECONDS = 300
DAY = 86_400

log = structlog.get_logger()


async def welcome(desk: Desk, guild: Guild) -> None:
    """Say hello where the server wants to hear of newcomers.

    Discord tells of every server at every start: only one that was joined just now is greeted.
    """
    if not guild.system_channel_id or not _just_joined(guild):
        return
    if not await desk.posts.press(f"welcome:{guild.id}", guild.joined_at or "", seconds=DAY):
        return
    body = render.message(plain(say(guild.preferred_locale, "discord.welcome")))
    try:
        await Poster(desk.rest).post(guild.system_channel_id, body, guild.id, "welcome", guild.joined_at or "")
    except (Refused, PlatformError) as error:
        log.info("a server could not be greeted", why=str(error))


def _just_joined(guild: Guild) -> bool:
    if not guild.joined_at:
        return False
    return time.time() - datetime.fromisoformat(guild.joined_at).timestamp() < JUST_NOW_SECONDS
