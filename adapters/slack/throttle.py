"""How often we write: about one post a second and channel, and no more edits than leave room for the last ones.

slack:posting:<channel>   string  when the next post may be made there, for a few seconds
slack:edits:<workspace>   string  edits of announcements on their way may be made again after this
slack:face:<key>          string  what an announcement shows, for a day
"""

import asyncio
import time

from redis.asyncio import Redis

from core.errors import PlatformBusy
from core.packing import key

POST_MS = 1000
BURST = 5
"""Posts that a channel takes at once: a root and an announcement are one thing to a person."""
PATIENCE_SECONDS = 1.5
EDIT_MS = 2500
"""Slack takes about fifty edits a minute in a workspace; this leaves half of them to results."""
FACE_SECONDS = 86_400

_POST = """
local now, every, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local at = math.max(now - every * (burst - 1), tonumber(redis.call('GET', KEYS[1]) or '0'))
if at - now > tonumber(ARGV[4]) then return at - now end
redis.call('SET', KEYS[1], at + every, 'PX', every * (burst + 2) + math.max(0, at - now))
return math.max(0, at - now)
"""

_EDIT = """
if redis.call('GET', KEYS[2]) == ARGV[1] then return 0 end
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
return 1
"""


class Throttle:
    """Says when we may write."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def wait_to_post(self, workspace: str, channel: str) -> None:
        """Wait for a moment to post in a channel. Raises `PlatformBusy` where that would take long."""
        name = key("slack", "posting", workspace, channel)
        patience = round(PATIENCE_SECONDS * 1000)
        wait = await self._redis.eval(_POST, 1, name, round(time.time() * 1000), POST_MS, BURST, patience) / 1000
        if wait > PATIENCE_SECONDS:
            raise PlatformBusy(wait)
        if wait > 0:
            await asyncio.sleep(wait)

    async def shows(self, name: str, face: str) -> None:
        """Note what an announcement shows from the start."""
        await self._redis.set(key("slack", "face", name), face, ex=FACE_SECONDS)

    async def may_edit(self, workspace: str, name: str, face: str) -> bool:
        """Whether an edit that may be left out may be made now, and would change anything."""
        keys = (key("slack", "edits", workspace), key("slack", "face", name))
        return bool(await self._redis.eval(_EDIT, 2, *keys, face, EDIT_MS, FACE_SECONDS))
