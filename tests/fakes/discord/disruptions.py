"""What befalls gateway connections and sessions when a test asks for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.discord.sessions import Connection, Session

_ENDS_SESSION = (4007, 4009)


class Disruptions:
    """The gateway's sessions and connections, and all that can go wrong with them."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.connections: list[Connection] = []
        self._refusals: list[int] = []
        self._open = asyncio.Event()
        self._open.set()
        self._silent = False

    def drop(self, shard: int | None = None) -> None:
        """Cut the lines (of one shard); their sessions can be resumed."""
        for connection in self._of(shard):
            connection.cut()

    def close(self, code: int, shard: int | None = None) -> None:
        """Close with a code; 4007 and 4009 also end the session."""
        for connection in self._of(shard):
            if code in _ENDS_SESSION and connection.session in self.sessions:
                self.sessions.remove(connection.session)
            connection.detach()
            connection.close(code)

    def reconnect(self, shard: int | None = None) -> None:
        """Op 7: the bot is asked to come again and resume."""
        for connection in self._of(shard):
            connection.send(7)

    def invalidate(self, *, resumable: bool, shard: int | None = None) -> None:
        """Op 9."""
        for connection in self._of(shard):
            if not resumable and connection.session in self.sessions:
                self.sessions.remove(connection.session)
            connection.send(9, resumable)

    def forget(self) -> None:
        """End all sessions without telling anybody: the next resume gets op 9 false."""
        for connection in list(self.connections):
            connection.cut()
        self.sessions.clear()

    def refuse(self, code: int, times: int = 1) -> None:
        """Close the next identifies or resumes with this code."""
        self._refusals += [code] * times

    def zombie(self, on: bool = True) -> None:
        """Lines stay up, but nothing comes over them any more; not over new ones either until switched off."""
        self._silent = on
        for connection in self.connections:
            connection.silent = connection.silent or on

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Lines are cut; whoever connects waits for its hello until the block ends."""
        self._open.clear()
        try:
            self.drop()
            yield
        finally:
            self._open.set()

    def _of(self, shard: int | None) -> list[Connection]:
        return [
            connection
            for connection in self.connections
            if shard is None or (connection.session is not None and connection.session.shard == shard)
        ]
