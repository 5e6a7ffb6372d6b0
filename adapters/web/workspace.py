"""The workspace itself: channels, messages and threads in Redis, pictures as files.

Keys, all below `imagine:1:web:{local}:` (one hash slot) and all with an expiry that every use renews:

    channels          hash    name -> a channel that somebody made
    channel:<name>    zset    messages of a channel by time
    thread:<root>     zset    messages of a thread by time
    message:<id>      hash    `body`, the message; `state` of its turn; `replies` and `preview` of its thread
    changes           stream  ids of messages and names of channels, as they were posted or changed
"""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from adapters.web.files import Files
from adapters.web.messages import Channel, Message, Posted, Preview, State
from core.errors import PlatformGone
from core.packing import key, pack, text, unpack

FIRST_CHANNELS = ("general", "design", "random")
MOST_CHANNELS = 100
MOST_MESSAGES = 2000
"""In a channel and in a thread; the oldest go first."""
MOST_CHANGES = 1000
"""A page that missed more than these loads everything anew."""

_NAME = re.compile(r"[^\W_](?:[\w-]{0,30}[^\W_])?")

_POST = """
local message, timeline, root, changes = unpack(KEYS)
local id, thread, body, state, at, preview, ttl, most_messages, most_changes = unpack(ARGV)
if thread ~= '' and redis.call('EXISTS', root) == 0 then return -1 end
if redis.call('HSETNX', message, 'body', body) == 0 then return 0 end
if state ~= '' then redis.call('HSET', message, 'state', state) end
redis.call('ZADD', timeline, at, id)
redis.call('ZREMRANGEBYRANK', timeline, 0, -1 - most_messages)
redis.call('XADD', changes, 'MAXLEN', '~', most_changes, '*', 'message', id)
if thread ~= '' then
  redis.call('HINCRBY', root, 'replies', 1)
  if preview ~= '' then redis.call('HSET', root, 'preview', preview) end
  redis.call('XADD', changes, 'MAXLEN', '~', most_changes, '*', 'message', thread)
end
for i = 1, 4 do redis.call('EXPIRE', KEYS[i], ttl) end
return 1
"""

_SET_STATE = """
local message, changes = unpack(KEYS)
local id, state, ttl, most_changes = unpack(ARGV)
if redis.call('EXISTS', message) == 0 then return 0 end
if redis.call('HGET', message, 'state') == state then return 1 end
redis.call('HSET', message, 'state', state)
redis.call('XADD', changes, 'MAXLEN', '~', most_changes, '*', 'message', id)
for i = 1, 2 do redis.call('EXPIRE', KEYS[i], ttl) end
return 1
"""

_OPEN_CHANNEL = """
local channels, changes = unpack(KEYS)
local name, json, ttl, most, most_changes = unpack(ARGV)
if redis.call('HEXISTS', channels, name) == 1 then return 1 end
if redis.call('HLEN', channels) >= tonumber(most) then return 0 end
redis.call('HSET', channels, name, json)
redis.call('XADD', changes, 'MAXLEN', '~', most_changes, '*', 'channel', name)
for i = 1, 2 do redis.call('EXPIRE', KEYS[i], ttl) end
return 1
"""


def web_key(*parts: object) -> str:
    """The name of a key of the workspace."""
    return key("web", "{local}", *parts)


class Workspace:
    """What is said and shown in the local workspace, shared by every process on the same Redis and directory.

    Methods may raise RedisError.
    """

    def __init__(self, redis: Redis, directory: Path, *, ttl: int) -> None:
        """`ttl` is in seconds after the last use."""
        self.redis = redis
        self.files = Files(directory, ttl=ttl)
        self.ttl = ttl

    async def channels(self) -> list[Channel]:
        """The first channels, then those that people made, oldest first."""
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.hvals(web_key("channels"))
            pipe.expire(web_key("channels"), self.ttl)
            found, _ = await pipe.execute()
        made = sorted((unpack(Channel, body) for body in found), key=lambda channel: channel.made_at)
        return [*map(Channel, FIRST_CHANNELS), *made]

    async def has_channel(self, name: str) -> bool:
        """Whether there is such a channel."""
        return name in FIRST_CHANNELS or bool(await self.redis.hexists(web_key("channels"), name))

    async def open_channel(self, name: str) -> bool:
        """Make a channel, if it is not there yet; False when there are too many."""
        if name in FIRST_CHANNELS:
            return True
        keys = (web_key("channels"), web_key("changes"))
        made = pack(Channel, Channel(name, time.time()))
        return bool(await self._eval(_OPEN_CHANNEL, keys, name, made, self.ttl, MOST_CHANNELS, MOST_CHANGES))

    async def post(self, message: Message, state: State | None = None) -> bool:
        """Post a message unless it was posted before; True when it is new.

        Raises:
            PlatformGone: the channel, or the message that the thread hangs on, is no more.
        """
        if not await self.has_channel(message.channel):
            raise PlatformGone(f"there is no channel {message.channel!r}")
        shown = Preview(message.id, message.pictures, message.model, message.notes)
        preview = pack(Preview, shown) if message.answers else ""
        keys = (
            web_key("message", message.id),
            _timeline(message.channel, message.thread),
            web_key("message", message.root),
            web_key("changes"),
        )
        posted = await self._eval(
            _POST,
            keys,
            message.id,
            message.thread,
            pack(Message, message, terse=True),
            pack(State, state, terse=True) if state else "",
            message.at,
            preview,
            self.ttl,
            MOST_MESSAGES,
            MOST_CHANGES,
        )
        if posted < 0:
            raise PlatformGone("the message that the thread hangs on has gone")
        return bool(posted)

    async def set_state(self, message: str, state: State) -> None:
        """Change how far the turn of an announcement is.

        Raises:
            PlatformGone: the message is no more.
        """
        keys = (web_key("message", message), web_key("changes"))
        if not await self._eval(_SET_STATE, keys, message, pack(State, state, terse=True), self.ttl, MOST_CHANGES):
            raise PlatformGone("the announcement has gone")

    async def message(self, message: str) -> Posted | None:
        """One message, or None when it is no more."""
        return next(iter(await self.messages([message])), None)

    async def messages(self, ids: Sequence[str]) -> list[Posted]:
        """Those of the messages that are still there, in the given order."""
        async with self.redis.pipeline(transaction=False) as pipe:
            for message in ids:
                pipe.hgetall(web_key("message", message))
                pipe.expire(web_key("message", message), self.ttl)
            found = await pipe.execute() if ids else []
        return [_posted(fields) for fields in found[::2] if fields]

    async def timeline(
        self, channel: str, thread: str = "", *, before: float | None = None, limit: int = 50
    ) -> tuple[list[Posted], bool]:
        """The newest messages of a channel, or of a thread in it, oldest first, and whether there are older ones."""
        name = _timeline(channel, thread)
        newest = "+inf" if before is None else f"({before!r}"
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.zrevrangebyscore(name, newest, "-inf", start=0, num=limit + 1)
            pipe.expire(name, self.ttl)
            found, _ = await pipe.execute()
        ids = [text(member) for member in found]
        return await self.messages(ids[:limit][::-1]), len(ids) > limit

    async def _eval(self, script: str, keys: Sequence[str], *arguments: Any) -> int:
        return int(await self.redis.eval(script, len(keys), *keys, *arguments))


def channel_name(wanted: str) -> str | None:
    """What people write as a channel's name (`#New ideas`) as it is kept (`new-ideas`); None where it cannot be one."""
    name = re.sub(r"\s+", "-", wanted.strip().lstrip("#").strip().lower())
    return name if _NAME.fullmatch(name) else None


def _timeline(channel: str, thread: str) -> str:
    return web_key("thread", thread) if thread else web_key("channel", channel)


def _posted(fields: dict[bytes, bytes]) -> Posted:
    state, preview = fields.get(b"state"), fields.get(b"preview")
    return Posted(
        message=unpack(Message, fields[b"body"]),
        state=unpack(State, state) if state else None,
        replies=int(fields.get(b"replies", 0)),
        preview=unpack(Preview, preview) if preview else None,
    )
