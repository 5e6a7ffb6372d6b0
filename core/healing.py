"""Keeps a history's pictures where the service can read them, although links die.

A picture whose link has died is taken from where it is shown and put where the service reads it; the history then
points there. A node's own bytes never change for that.

    links:<thread>  hash    a link of the thread's histories that has died -> where its picture is now
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import structlog
from redis.asyncio import Redis

from core.histories import Moved, extras, pictures
from core.packing import key, pack, unpack
from core.ports import Upload
from core.statuses import History
from core.turns import Node, Reference, ThreadKey
from core.uploads import CannotBeUsed

LOOKS_AT_ONCE = 16
PICTURES_AT_ONCE = 4

Readable: TypeAlias = Callable[[str], Awaitable[bool]]
Bring: TypeAlias = Callable[[Reference], Awaitable[Upload]]
"""Takes a picture from where it is shown to where the service reads it."""

log = structlog.get_logger()


class Healing:
    """Which links of a thread have died, and what is in their place."""

    def __init__(self, redis: Redis, *, ttl: int) -> None:
        """`ttl` is in seconds after the last picture that was moved."""
        self.redis = redis
        self.ttl = ttl

    async def moved(
        self, thread: ThreadKey, history: History, sources: Mapping[str, Reference], readable: Readable, bring: Bring
    ) -> Moved | None:
        """Where the pictures of dead links are now, by link; None where one of them is nowhere to be had.

        What was moved is remembered at once, so that a second attempt goes on where the first was stopped.
        """
        wanted = list(dict.fromkeys(pictures(history)))
        places = await self._known(thread, wanted)
        now = {link: places[link].url if link in places else link for link in wanted}
        dead = await _dead(list(dict.fromkeys(now.values())), readable)
        died = [link for link in wanted if now[link] in dead]
        if any(link not in sources for link in died):
            log.info("pictures of a history are nowhere to be had", links=len(died))
            return None
        gate = asyncio.Semaphore(PICTURES_AT_ONCE)

        async def move(link: str) -> Upload:
            async with gate:
                upload = await bring(sources[link])
            await self._remember(thread, link, upload)
            return upload

        try:
            uploads = await asyncio.gather(*map(move, died))
        except CannotBeUsed as problem:
            log.info("a picture of a history is nowhere to be had", why=problem.reason)
            return None
        return {**places, **dict(zip(died, uploads, strict=True))}

    async def is_whole(self, history: History, readable: Readable) -> bool:
        """Whether all is there that only the service itself could give again, such as its thought signatures."""
        return not await _dead(list(dict.fromkeys(extras(history))), readable)

    async def _known(self, thread: ThreadKey, wanted: Sequence[str]) -> dict[str, Upload]:
        found = await self.redis.hmget(key("links", thread), wanted) if wanted else []
        return {link: unpack(Upload, one) for link, one in zip(wanted, found, strict=True) if one is not None}

    async def _remember(self, thread: ThreadKey, link: str, upload: Upload) -> None:
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.hset(key("links", thread), link, pack(Upload, upload))
            pipe.expire(key("links", thread), self.ttl)
            await pipe.execute()


async def _dead(links: Sequence[str], readable: Readable) -> list[str]:
    gate = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def answers(link: str) -> bool:
        async with gate:
            return await readable(link)

    found = await asyncio.gather(*map(answers, links))
    return [link for link, is_there in zip(links, found, strict=True) if not is_there]


def sources(nodes: Sequence[Node]) -> dict[str, Reference]:
    """Where the pictures behind the links of these nodes' histories are shown."""
    found: dict[str, Reference] = {}
    for node in nodes:
        for image in node.images:
            for link in (image.url, *pictures(_last_answer(image.history or []))):
                found.setdefault(link, image.shown)
        for reference in (*node.references, *node.carried):
            found.setdefault(reference.copy, reference)
    found.pop("", None)
    return found


def _last_answer(history: History) -> object:
    """What the model said last; the service may spell the link of a picture in its own way there."""
    return next((turn for turn in reversed(history) if turn.get("role") == "model"), None)
