"""The gateway: hello, heartbeats, identify, resume with replay, and everything that goes wrong with them on request."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import discord
from aiohttp import WSMsgType, web
from simcord.backend import serializers

from tests.fakes.discord.cdn import SignedCdn
from tests.fakes.discord.clock import MovableClock
from tests.fakes.discord.disruptions import Disruptions
from tests.fakes.discord.projection import for_session, outgoing, shard_of
from tests.fakes.discord.sessions import Connection, Session
from tests.fakes.discord.world import World

_ALL_INTENTS = discord.Intents.all().value
_CLIENT_ENDS_SESSION = (1000, 1001)


@dataclass(frozen=True, slots=True)
class Identify:
    """One accepted or refused IDENTIFY."""

    shard: int
    shards: int
    intents: discord.Intents
    at: float
    refused_with: int | None = None


@dataclass(frozen=True, slots=True)
class Portal:
    """What the developer portal says about this application."""

    token: str
    privileged: Callable[[], set[str]]
    application_flags: Callable[[], int]


class Gateway(Disruptions):
    """All sessions of all shards; every session of a shard gets every event of it."""

    def __init__(self, world: World, cdn: SignedCdn, clock: MovableClock, portal: Portal) -> None:
        self.url = ""
        super().__init__()
        self.identifies: list[Identify] = []
        self.resumes: list[tuple[str, int, bool]] = []  # session id, sequence, whether it went well
        self.presences: list[dict[str, Any]] = []
        self.heartbeats = 0
        self.heartbeat_interval = 41.25
        self.max_concurrency = 1
        self.identify_window = 0.0
        self.identifies_left = 1000
        self.replay_limit = 10_000
        self.recommended_shards = 1
        self._world, self._cdn, self._clock, self._portal = world, cdn, clock, portal
        self._last_identify: dict[int, float] = {}
        world.subscribers.append(self.publish)

    # -- what Discord does

    def application_flags(self) -> int:
        """The application's flags, which tell what the portal grants."""
        return self._portal.application_flags()

    def bot_info(self) -> dict[str, Any]:
        """GET /gateway/bot."""
        limit = {
            "total": 1000,
            "remaining": self.identifies_left,
            "reset_after": 86_400_000,
            "max_concurrency": self.max_concurrency,
        }
        return {"url": self.url, "shards": self.recommended_shards, "session_start_limit": limit}

    def publish(self, event: str, payload: Mapping[str, Any]) -> None:
        """Send an event to every session that it is for."""
        for session in self.sessions:
            if shard_of(event, payload, session.shards) != session.shard:
                continue
            shaped = for_session(self._world, self._cdn, event, payload, session.intents)
            if shaped is not None:
                session.dispatch(event, shaped)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from hello to its end."""
        socket = web.WebSocketResponse(max_msg_size=4096 * 4, autoping=True)
        await socket.prepare(request)
        await self._open.wait()
        connection = Connection(request, socket)
        connection.silent = self._silent
        self.connections.append(connection)
        connection.send(10, {"heartbeat_interval": int(self.heartbeat_interval * 1000), "_trace": []})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._read(connection, message.data)
        finally:
            self.connections.remove(connection)
            if socket.close_code in _CLIENT_ENDS_SESSION and connection.session in self.sessions:
                self.sessions.remove(connection.session)
            connection.detach()
            await connection.stop()
        return socket

    async def stop(self) -> None:
        """Cut everything."""
        self._open.set()
        for connection in list(self.connections):
            connection.cut()

    def _read(self, connection: Connection, text: str) -> None:
        try:
            frame = json.loads(text)
            self._receive(connection, frame["op"], frame.get("d"))
        except (AttributeError, KeyError, TypeError, ValueError):
            connection.close(4002)

    def _receive(self, connection: Connection, op: int, data: Any) -> None:
        match op:
            case 1:
                self.heartbeats += 1
                connection.send(11)
            case 2 if connection.session is None:
                self._identify(connection, data or {})
            case 6 if connection.session is None:
                self._resume(connection, data or {})
            case 2 | 6:
                connection.close(4005)
            case 3 if connection.session is not None:
                self.presences.append({"shard": connection.session.shard} | (data or {}))
            case 8 if connection.session is not None:
                self._send_members(connection.session, data or {})
            case 3 | 4 | 8:
                connection.close(4003) if connection.session is None else None
            case _:
                connection.close(4001)

    def _identify(self, connection: Connection, data: dict[str, Any]) -> None:
        shard, shards = data.get("shard") or (0, 1)
        declared = discord.Intents.none()
        declared.value = data.get("intents", 0)
        refusal = self._refusal(data, shard, shards, declared)
        self.identifies.append(Identify(shard, shards, declared, time.monotonic(), refusal))
        if refusal is not None:
            connection.close(refusal)
            return
        key = shard % self.max_concurrency
        now = self._clock.timestamp()
        if self.identify_window and now - self._last_identify.get(key, 0) < self.identify_window:
            connection.send(9, False)
            return
        self._last_identify[key] = now
        self.identifies_left -= 1
        if data.get("presence"):
            self.presences.append({"shard": shard} | data["presence"])
        session = Session(shard, shards, declared, self.replay_limit)
        session.connection, connection.session = connection, session
        self.sessions.append(session)
        self._greet(session)

    def _refusal(self, data: dict[str, Any], shard: int, shards: int, declared: discord.Intents) -> int | None:
        if self._refusals:
            return self._refusals.pop(0)
        if data.get("token") != self._portal.token or self.identifies_left <= 0:
            return 4004
        if not 0 <= shard < shards:
            return 4010
        if declared.value & ~_ALL_INTENTS:
            return 4013
        wanted = {name for name in ("members", "presences", "message_content") if getattr(declared, name)}
        return 4014 if wanted - self._portal.privileged() else None

    def _greet(self, session: Session) -> None:
        bot = self._world.bot_user
        mine = [
            guild
            for guild in self._world.guilds.values()
            if bot.id in guild.members and (guild.id >> 22) % session.shards == session.shard
        ]
        ready = {
            "v": 10,
            "user": dict(serializers.user_payload(bot)),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in mine],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": [session.shard, session.shards],
            "application": {"id": str(self._world.application_id), "flags": self.application_flags()},
        }
        session.dispatch("READY", ready)
        for guild in mine:
            payload = self._world.guild_payload(guild)
            shaped = for_session(self._world, self._cdn, "GUILD_CREATE", payload, session.intents)
            if shaped is not None:
                session.dispatch("GUILD_CREATE", shaped)

    def _resume(self, connection: Connection, data: dict[str, Any]) -> None:
        if self._refusals or data.get("token") != self._portal.token:
            connection.close(self._refusals.pop(0) if self._refusals else 4004)
            return
        sequence = data.get("seq") or 0
        session = next((one for one in self.sessions if one.id == data.get("session_id")), None)
        missed = session.missed_since(sequence) if session is not None else None
        self.resumes.append((str(data.get("session_id")), sequence, missed is not None))
        if session is None or missed is None:
            connection.send(9, False)
            return
        if session.connection is not None:
            session.connection.cut()
        session.connection, connection.session = connection, session
        for frame in missed:
            connection.send_text(frame)
        session.dispatch("RESUMED", {"_trace": []})

    def _send_members(self, session: Session, data: dict[str, Any]) -> None:
        guild = self._world.guilds.get(int(data["guild_id"]))
        if guild is None:
            return
        wanted = {int(user_id) for user_id in data.get("user_ids") or []}
        prefix, limit = (data.get("query") or "").lower(), data.get("limit") or None
        chosen = [
            member
            for member in guild.members.values()
            if (not wanted or member.user_id in wanted)
            and self._world.users[member.user_id].name.lower().startswith(prefix)
        ][:limit]
        chunk = {
            "guild_id": str(guild.id),
            "members": [serializers.member_payload(self._world, guild, member) for member in chosen],
            "chunk_index": 0,
            "chunk_count": 1,
            "nonce": data.get("nonce"),
        }
        session.dispatch("GUILD_MEMBERS_CHUNK", outgoing(self._world, self._cdn, chunk))
