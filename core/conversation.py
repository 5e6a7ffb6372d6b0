"""The version tree of a thread: every finished turn is a node, and any of them can be gone on from.

Keys, per thread, expiring together after their last use:

    thread:<thread>         hash    `head`, the current node; `head_at`, when it was asked for; switches of the thread
    nodes:<thread>          hash    node id -> the node
    messages:<thread>       hash    message id -> "<image index> <node id>": which picture a message shows

A node keeps only what its own turn added to the provider's history, so the bytes of a turn do not grow with the depth
of the thread; what came before is read from its parents.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from redis.asyncio import Redis

from core.state import key, pack, text, unpack
from core.turns import History, ImageRef, Node, ThreadKey, TurnId

_REMEMBER = """
local thread, nodes, messages = KEYS[1], KEYS[2], KEYS[3]
local id, json, asked, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
redis.call('HSET', nodes, id, json)
for i = 5, #ARGV do redis.call('HSET', messages, ARGV[i], '0 ' .. id) end
if asked >= tonumber(redis.call('HGET', thread, 'head_at') or '0') then
  redis.call('HSET', thread, 'head', id, 'head_at', ARGV[3])
end
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ttl) end
return 1
"""


class Conversations:
    """The trees of all threads."""

    def __init__(self, redis: Redis, *, ttl: int) -> None:
        """`ttl` is in seconds after the last use of a thread."""
        self.redis = redis
        self.ttl = ttl

    async def find(self, thread: ThreadKey, message: str) -> ImageRef | None:
        """Which picture of the thread a message shows."""
        found = await self.redis.hget(key("messages", thread), message)
        if found is None:
            return None
        index, node = text(found).split(" ", 1)
        return ImageRef(TurnId(node), int(index))

    async def head(self, thread: ThreadKey) -> ImageRef | None:
        """The current picture of the thread: the newest by the time it was asked for."""
        found = await self.redis.hget(key("thread", thread), "head")
        return ImageRef(TurnId(text(found))) if found is not None else None

    async def node(self, thread: ThreadKey, node: TurnId) -> Node | None:
        """A finished turn of the thread."""
        found = await self.redis.hget(key("nodes", thread), node)
        return unpack(Node, found) if found is not None else None

    async def remember(self, thread: ThreadKey, node: Node, *, asked_at: float, messages: Sequence[str]) -> None:
        """Add a node, and the messages that stand for it. Harmless when repeated."""
        keys = (key("thread", thread), key("nodes", thread), key("messages", thread))
        arguments: tuple[Any, ...] = (
            node.id,
            pack(Node, node, terse=True),
            repr(asked_at),
            self.ttl,
            *filter(None, messages),
        )
        await self.redis.eval(_REMEMBER, 3, *keys, *arguments)

    async def make_current(self, thread: ThreadKey, image: ImageRef) -> None:
        """Go back (or forth) to a node: what comes next without naming a picture goes on from there."""
        await self._write(thread, {"head": image.node, "head_at": repr(time.time())})

    async def switch(self, thread: ThreadKey, name: str) -> bool | None:
        """A switch of the thread; None where nobody has touched it."""
        found = await self.redis.hget(key("thread", thread), f"switch:{name}")
        return None if found is None else text(found) == "on"

    async def set_switch(self, thread: ThreadKey, name: str, *, on: bool) -> None:
        """Turn a switch of the thread on or off."""
        await self._write(thread, {f"switch:{name}": "on" if on else "off"})

    async def mark_removed(self, thread: ThreadKey, node: TurnId) -> None:
        """Note that the message with a node's pictures was deleted; the node can still be gone on from."""
        found = await self.node(thread, node)
        if found is not None:
            async with self.redis.pipeline(transaction=True) as pipe:
                pipe.hset(key("nodes", thread), node, pack(Node, replace(found, removed=True), terse=True))
                pipe.expire(key("nodes", thread), self.ttl)
                await pipe.execute()

    async def _write(self, thread: ThreadKey, fields: dict[Any, Any]) -> None:
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.hset(key("thread", thread), mapping=fields)
            pipe.expire(key("thread", thread), self.ttl)
            await pipe.execute()

    async def history(self, thread: ThreadKey, image: ImageRef) -> History | None:
        """The provider's history up to and with a picture, oldest first; None where a part of it is missing."""
        parts: list[History] = []
        here: ImageRef | None = image
        while here is not None:
            node = await self.node(thread, here.node)
            if node is None or here.index >= len(node.images):
                return None
            picture = node.images[here.index]
            if picture.history is None:
                return None
            parts.append(picture.history)
            here = None if picture.rooted else node.parent
        return [turn for part in reversed(parts) for turn in part]


def added(history: History | None, before: History | None) -> tuple[History | None, bool]:
    """What a turn added to the history it was sent with, and whether that stands alone.

    A service that changed what came before gets its whole new history kept.
    """
    if history is None:
        return None, True
    if before and history[: len(before)] == before:
        return history[len(before) :], False
    return history, True
