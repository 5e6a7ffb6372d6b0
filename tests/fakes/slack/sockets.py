"""Socket Mode: one-time addresses, up to ten connections, each envelope to exactly one of them."""

import asyncio
import json
import random
import secrets
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import WSMsgType, web

from tests.fakes.slack.clock import Clock
from tests.fakes.slack.delivery import Attempt, Delivery
from tests.fakes.slack.model import App
from tests.fakes.slack.tasks import Tasks

MOST_CONNECTIONS = 10

Refresh = Literal["warning", "refresh_requested", "link_disabled"]


@dataclass(slots=True, eq=False)
class Connection:
    """One open WebSocket. `draining` ones were told to go and get nothing new."""

    number: int
    socket: web.WebSocketResponse
    request: web.Request = field(repr=False)
    draining: bool = False
    sent: list[str] = field(default_factory=list)
    pending: dict[str, asyncio.Future[object]] = field(default_factory=dict)


class Sockets:
    """The Socket Mode end of the double."""

    def __init__(self, app: App, clock: Clock, chance: random.Random) -> None:
        self._app = app
        self._clock = clock
        self._chance = chance
        self._tickets: set[str] = set()
        self._numbers = 0
        self._changed = asyncio.Event()
        self._tasks = Tasks()
        self.open: list[Connection] = []
        self.ever_opened = 0

    def ticket(self) -> str:
        """A one-time ticket for the next WebSocket."""
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket endpoint behind the address of `apps.connections.open`."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404, text="unknown or used ticket")
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self.open) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            await socket.close()
            return socket
        self._numbers += 1
        self.ever_opened += 1
        connection = Connection(self._numbers, socket, request)
        await socket.send_json(self._hello())
        self.open.append(connection)
        self._announce()
        try:
            await self._listen(connection)
        finally:
            self._forget(connection)
        return socket

    def _hello(self) -> dict[str, object]:
        info = {"host": "applink-fake", "build_number": 1, "approximate_connection_time": 3600}
        connections = len(self.open) + 1
        app = {"app_id": self._app.app_id}
        return {"type": "hello", "num_connections": connections, "debug_info": info, "connection_info": app}

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.socket:
            if message.type != WSMsgType.TEXT:
                continue
            answer = json.loads(message.data)
            waiting = connection.pending.pop(answer.get("envelope_id", ""), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer.get("payload"))

    def _forget(self, connection: Connection) -> None:
        if connection in self.open:
            self.open.remove(connection)
        for waiting in connection.pending.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("the connection closed before the acknowledgement"))
        self._announce()

    def _announce(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _pick(self) -> Connection:
        while True:
            ready = [c for c in self.open if not c.draining and not c.socket.closed]
            if ready:
                return self._chance.choice(ready)
            await self._changed.wait()

    async def attempt(self, delivery: Delivery, attempt: Attempt, timeout: float) -> None:
        """Send one envelope to one connection and wait for its acknowledgement."""
        try:
            async with asyncio.timeout(timeout):
                connection = await self._pick()
                attempt.via = f"socket {connection.number}"
                payload = await self._send(connection, delivery, attempt)
        except TimeoutError:
            attempt.failure = "timeout"
        except ConnectionError:
            attempt.failure = "connection_failed"
        else:
            attempt.acknowledged()
            attempt.answer = payload if isinstance(payload, dict) else None

    async def _send(self, connection: Connection, delivery: Delivery, attempt: Attempt) -> object:
        envelope_id = f"{secrets.token_hex(4)}-{secrets.token_hex(8)}"
        envelope: dict[str, object] = {
            "envelope_id": envelope_id,
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != "events_api",
        }
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": attempt.number, "retry_reason": attempt.reason or ""}
        answered = asyncio.get_running_loop().create_future()
        connection.pending[envelope_id] = answered
        connection.sent.append(delivery.id)
        try:
            await connection.socket.send_json(envelope)
            return await answered
        finally:
            connection.pending.pop(envelope_id, None)

    async def refresh(self, reason: Refresh = "warning", *, close_after: float = 10.0) -> None:
        """Tell every open connection to go; they get nothing new and close `close_after` seconds later."""
        for connection in list(self.open):
            connection.draining = True
            info = {"host": "wss-fake"}
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": info})
            self._tasks.start(self._close_later(connection, close_after))

    async def _close_later(self, connection: Connection, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await connection.socket.close()

    async def cut(self, *, number: int | None = None) -> None:
        """Break connections (all, or the one with this number) without a word, as a network does."""
        for connection in [c for c in self.open if number is None or c.number == number]:
            if connection.request.transport is not None:
                connection.request.transport.abort()
            self._forget(connection)

    async def close(self) -> None:
        """End every connection: the double stops."""
        for connection in list(self.open):
            await connection.socket.close()
        await self._tasks.close()
