"""What has changed, told to every open page: one reader of the stream in each process, however many pages it serves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from redis.exceptions import RedisError

from adapters.web.messages import Posted
from adapters.web.workspace import MOST_CHANGES, Workspace, web_key
from core.background import stop
from core.packing import text

START = "0-0"
"""Before the first change."""
BLOCK_MILLISECONDS = 2000
RETRY_SECONDS = 0.5
QUIET_SECONDS = 15.0
MOST_BEHIND = 500
"""Changes that a page may be behind before it is cut off; it then comes back and catches up."""


@dataclass(frozen=True, slots=True)
class Change:
    """A message as it is now, or a channel that is new. `id` grows."""

    id: str
    posted: Posted | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """What came between is no longer known: the page has to load everything anew. `id` is where it goes on from."""

    id: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing has changed for a while."""


_Entry: TypeAlias = tuple[str, dict[str, str]]


class Changes:
    """The changes of the workspace, live. Enter it to start reading; pages `follow` it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._pages: set[asyncio.Queue[Change | None]] = set()
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading:
            await stop(self._reading, again_after=0.1)
        self.cut_off()

    def cut_off(self) -> None:
        """End what every page follows; each comes back by itself."""
        for page in tuple(self._pages):
            self._cut_off(page)

    async def newest(self) -> str:
        """The id of the newest change. Raises RedisError."""
        entries = _entries(await self._workspace.redis.xrevrange(web_key("changes"), count=1))
        return entries[0][0] if entries else START

    @asynccontextmanager
    async def follow(self, after: str) -> AsyncIterator[AsyncIterator[Change | Gap | Quiet]]:
        """Every change after the one with this id, those that were missed first, until the page is cut off.

        The iteration may raise RedisError.
        """
        page: asyncio.Queue[Change | None] = asyncio.Queue(MOST_BEHIND + 1)
        self._pages.add(page)
        try:
            yield self._following(after, page)
        finally:
            self._pages.discard(page)

    async def _following(self, after: str, page: "asyncio.Queue[Change | None]") -> AsyncIterator[Change | Gap | Quiet]:
        missed = await self._missed(after)
        if missed is None:
            after = await self.newest()
            yield Gap(after)
        for change in missed or ():
            after = change.id
            yield change
        while True:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    coming = await page.get()
            except TimeoutError:
                yield Quiet()
                continue
            if coming is None:
                return
            if _order(coming.id) > _order(after):
                yield coming

    async def _missed(self, after: str) -> list[Change] | None:
        stream, redis = web_key("changes"), self._workspace.redis
        if after == START:
            known = await redis.xlen(stream) < MOST_CHANGES
        else:
            known = bool(await redis.xrange(stream, after, after))
        if not known:
            return None
        return await self._loaded(_entries(await redis.xrange(stream, f"({after}", "+")))

    async def _read(self) -> None:
        stream, redis = web_key("changes"), self._workspace.redis
        last = ""
        while True:
            try:
                last = last or await self.newest()
                found: Any = await redis.xread({stream: last}, count=MOST_BEHIND, block=BLOCK_MILLISECONDS)
                streams = found.values() if isinstance(found, dict) else (entries for _, entries in found or ())
                entries = [entry for batch in streams for entry in _entries(batch)]
                changes = await self._loaded(entries)
            except RedisError:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            last = entries[-1][0] if entries else last
            for change in changes:
                self._tell(change)

    async def _loaded(self, entries: Sequence[_Entry]) -> list[Change]:
        """The changes that entries stand for, each message once, as it is now."""
        channels = [Change(entry, channel=fields["channel"]) for entry, fields in entries if "channel" in fields]
        newest = {fields["message"]: entry for entry, fields in entries if "message" in fields}
        posted = await self._workspace.messages(list(newest))
        messages = [Change(newest[one.message.id], posted=one) for one in posted]
        return sorted((*channels, *messages), key=lambda change: _order(change.id))

    def _tell(self, change: Change) -> None:
        for page in tuple(self._pages):
            if page.qsize() >= MOST_BEHIND:
                self._cut_off(page)
            else:
                page.put_nowait(change)

    def _cut_off(self, page: "asyncio.Queue[Change | None]") -> None:
        self._pages.discard(page)
        page.put_nowait(None)


def _entries(found: Any) -> list[_Entry]:
    return [
        (text(entry), {text(name): text(value) for name, value in fields.items()})
        for entry, fields in found
        if fields is not None
    ]


def _order(entry: str) -> tuple[int, int]:
    milliseconds, _, number = entry.partition("-")
    return int(milliseconds), int(number or 0)
