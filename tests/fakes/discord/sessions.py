"""Gateway sessions and the connections they speak through. A session outlives its connection and is resumed."""

import asyncio
import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import discord
from aiohttp import web


class Connection:
    """One socket. Frames are sent in order by a task of its own; `cut` ends it without a goodbye."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.session: Session | None = None
        self.silent = False
        self._request = request
        self._socket = socket
        self._outbox: asyncio.Queue[str | int] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    def send(self, op: int, data: Any = None, **fields: Any) -> None:
        """Queue one frame."""
        self.send_text(json.dumps({"op": op, "d": data, "s": None, "t": None} | fields))

    def send_text(self, frame: str) -> None:
        """Queue a frame that is already written; a silent connection swallows it."""
        if not self.silent:
            self._outbox.put_nowait(frame)

    def close(self, code: int) -> None:
        """Say goodbye with this code once everything queued is sent."""
        self._outbox.put_nowait(code)

    def cut(self) -> None:
        """Abort the line."""
        self.detach()
        self._writer.cancel()
        if self._request.transport is not None:
            self._request.transport.abort()

    def detach(self) -> None:
        """The session goes on without this connection."""
        if self.session is not None and self.session.connection is self:
            self.session.connection = None

    async def stop(self) -> None:
        """End the writing task."""
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            try:
                if isinstance(item, int):
                    await self._socket.close(code=item)
                    return
                await self._socket.send_str(item)
            except ConnectionError:
                return


@dataclass(eq=False)
class Session:
    """What a bot identified as one shard: its intents, its sequence and the events it may ask for again."""

    shard: int
    shards: int
    intents: discord.Intents
    replay_limit: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    connection: Connection | None = None
    buffer: deque[tuple[int, str]] = field(default_factory=deque, repr=False)

    def dispatch(self, event: str, data: Any) -> None:
        """Number an event, keep it, and send it if somebody listens."""
        self.sequence += 1
        frame = json.dumps({"op": 0, "t": event, "s": self.sequence, "d": data})
        self.buffer.append((self.sequence, frame))
        while len(self.buffer) > self.replay_limit:
            self.buffer.popleft()
        if self.connection is not None:
            self.connection.send_text(frame)

    def missed_since(self, sequence: int) -> list[str] | None:
        """The frames after `sequence`, or None if they are no longer all there."""
        oldest = self.buffer[0][0] if self.buffer else self.sequence + 1
        if sequence > self.sequence or sequence < oldest - 1:
            return None
        return [frame for number, frame in self.buffer if number > sequence]
