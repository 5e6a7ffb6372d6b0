"""The version tree of a thread: every finished turn is a node, and any of them can be gone on from.

Keys, per thread, expiring together after their last use:

    thread:<thread>         hash    `current`, a picture; `current_order`, its number in the order; switches
    nodes:<thread>          hash    node id -> the node
    tree:<thread>           hash    node id -> "<when it was asked for> <its parent's id>": the bare tree
    messages:<thread>       hash    message id -> "<image index> <node id>": which picture a message shows

and for all of them

    order                   string  the number of what was asked for last
    move:<thread>:<event>   string  an event that changed the current picture

A node keeps only what its own turn added to the provider's history, so the bytes of a turn do not grow with the depth
of the thread; what came before is read from its parents.

The current picture is that of the turn or the going back that has the highest number. Numbers are given by the store
when a turn is taken on and when somebody goes back, so that they rise for every process alike, whatever its clock says
and whenever a turn ends. Of a picture whose message was deleted, the nearest ancestor that still stands is current.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from redis.asyncio import Redis

from core.packing import key, pack, text, unpack
from core.statuses import History
from core.turn_scripts import NEXT_ORDER
from core.turns import ImageRef, Node, ThreadKey, TurnId

AT_ONCE = 16
"""How many nodes are read in one go."""

_REMEMBER = """
local thread, nodes, tree, messages = unpack(KEYS)
local id, json, place, order, ttl = unpack(ARGV)
if tonumber(order) == 0 or redis.call('HEXISTS', nodes, id) == 0 then redis.call('HSET', nodes, id, json) end
redis.call('HSET', tree, id, place)
for i = 6, #ARGV do redis.call('HSET', messages, ARGV[i], '0 ' .. id) end
if tonumber(order) >= tonumber(redis.call('HGET', thread, 'current_order') or '0') then
  redis.call('HSET', thread, 'current', '0 ' .. id, 'current_order', order)
end
for i = 1, 4 do redis.call('EXPIRE', KEYS[i], ttl) end
return 1
"""

_MOVE = (
    NEXT_ORDER
    + """
local thread, nodes, move, order = unpack(KEYS)
local id, image, ttl = unpack(ARGV)
if redis.call('HEXISTS', nodes, id) == 0 then return 0 end
if not redis.call('SET', move, '1', 'NX', 'EX', ttl) then return 0 end
redis.call('HSET', thread, 'current', image, 'current_order', next_order(order, ttl))
redis.call('EXPIRE', thread, ttl)
return 1
"""
)

_REPLACE = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A node's place in the tree of its thread. `made_at` is in seconds since the epoch."""

    id: TurnId
    made_at: float
    parent: TurnId | None


class Conversations:
    """The trees of all threads."""

    def __init__(self, redis: Redis, *, ttl: int) -> None:
        """`ttl` is in seconds after the last use of a thread."""
        self.redis = redis
        self.ttl = ttl

    async def find(self, thread: ThreadKey, message: str) -> ImageRef | None:
        """Which picture of the thread a message shows."""
        found = await self.redis.hget(key("messages", thread), message)
        return _image(text(found)) if found is not None else None

    async def head(self, thread: ThreadKey) -> ImageRef | None:
        """The current picture of the thread: what an edit that names none goes on from."""
        found = await self.redis.hget(key("thread", thread), "current")
        if found is None:
            return None
        here = head = _image(text(found))
        async for node in self.ancestors(thread, head.node):
            if not node.removed:
                return here
            if node.parent is not None:
                here = node.parent
        return head

    async def node(self, thread: ThreadKey, node: TurnId) -> Node | None:
        """A finished turn of the thread."""
        found = await self.redis.hget(key("nodes", thread), node)
        return unpack(Node, found) if found is not None else None

    async def nodes(self, thread: ThreadKey, ids: Sequence[TurnId]) -> list[Node | None]:
        """Several of them, in one reading."""
        found = await self.redis.hmget(key("nodes", thread), ids) if ids else []
        return [unpack(Node, one) if one is not None else None for one in found]

    async def places(self, thread: ThreadKey) -> dict[TurnId, Place]:
        """Every node's place in the tree."""
        found = await self.redis.hgetall(key("tree", thread))
        return {place.id: place for place in (_place(text(one), text(where)) for one, where in found.items())}

    async def ancestors(self, thread: ThreadKey, node: TurnId) -> AsyncIterator[Node]:
        """A node, its parent, and so on to the root, or to where one is no longer kept. A few readings at most."""
        places, ids = await self.places(thread), list[TurnId]()
        here: TurnId | None = node
        while here in places and here not in ids:
            ids.append(here)
            here = places[here].parent
        for start in range(0, len(ids), AT_ONCE):
            for found in await self.nodes(thread, ids[start : start + AT_ONCE]):
                if found is None:
                    return
                yield found

    async def remember(self, thread: ThreadKey, node: Node, *, messages: Sequence[str], order: int = 0) -> None:
        """Add a node, and the messages that stand for it.

        `order` is the number of its turn: repeated with it, nothing is changed that became of the node since. Without
        one the node is as it is now, and becomes current only where nothing else is.
        """
        keys = [key(name, thread) for name in ("thread", "nodes", "tree", "messages")]
        place = f"{node.made_at!r} {node.parent.node if node.parent else ''}"
        json = pack(Node, node, terse=True)
        arguments: tuple[Any, ...] = (node.id, json, place, order, self.ttl, *filter(None, messages))
        await self.redis.eval(_REMEMBER, len(keys), *keys, *arguments)

    async def make_current(self, thread: ThreadKey, image: ImageRef, *, event: str) -> bool:
        """Go back (or forth) to a picture: what comes next without naming one goes on from there.

        True when it is done now; False when this event did it before, or there is no such picture.
        """
        keys = (key("thread", thread), key("nodes", thread), key("move", thread, event), key("order"))
        return bool(await self.redis.eval(_MOVE, len(keys), *keys, image.node, f"{image.index} {image.node}", self.ttl))

    async def switch(self, thread: ThreadKey, name: str) -> bool | None:
        """A switch of the thread; None where nobody has touched it."""
        found = await self.redis.hget(key("thread", thread), f"switch:{name}")
        return None if found is None else text(found) == "on"

    async def set_switch(self, thread: ThreadKey, name: str, *, on: bool) -> None:
        """Turn a switch of the thread on or off."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.hset(key("thread", thread), f"switch:{name}", "on" if on else "off")
            pipe.expire(key("thread", thread), self.ttl)
            await pipe.execute()

    async def mark_removed(self, thread: ThreadKey, node: TurnId) -> None:
        """Note that the message with a node's pictures was deleted; the node can still be gone on from."""
        name = key("nodes", thread)
        while (before := await self.redis.hget(name, node)) is not None:
            after = pack(Node, replace(unpack(Node, before), removed=True), terse=True)
            if await self.redis.eval(_REPLACE, 1, name, node, before, after, self.ttl):
                return

    async def history(self, thread: ThreadKey, image: ImageRef) -> History | None:
        """The provider's history up to and with a picture, oldest first; None where a part of it is missing."""
        parts: list[History] = []
        here: ImageRef | None = image
        async for node in self.ancestors(thread, image.node):
            if here is None or here.index >= len(node.images):
                return None
            picture = node.images[here.index]
            if picture.history is None:
                return None
            parts.append(picture.history)
            here = None if picture.rooted else node.parent
            if here is None:
                break
        return None if here else [turn for part in reversed(parts) for turn in part]


def _image(found: str) -> ImageRef:
    index, _, node = found.partition(" ")
    return ImageRef(TurnId(node), int(index))


def _place(node: str, found: str) -> Place:
    made_at, _, parent = found.partition(" ")
    return Place(TurnId(node), float(made_at), TurnId(parent) if parent else None)


def added(history: History | None, before: History | None) -> tuple[History | None, bool]:
    """What a turn added to the history it was sent with, and whether that stands alone.

    A service that changed what came before gets its whole new history kept.
    """
    if history is None:
        return None, True
    if before and history[: len(before)] == before:
        return history[len(before) :], False
    return history, True
