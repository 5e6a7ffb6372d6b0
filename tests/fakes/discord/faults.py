"""Faults on request: the next calls fail, wait, or lose their connection before or after their effect."""

import asyncio
import fnmatch
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.discord.wire import json_answer


class Dropped(Exception):
    """The connection is to be cut without an answer."""


@dataclass
class Hold:
    """Requests stand still here until they are released."""

    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    async def arrived(self, timeout: float = 10) -> None:
        """Wait for the first request to stand here."""
        await asyncio.wait_for(self._arrived.wait(), timeout)

    def release(self) -> None:
        """Let them all go on."""
        self._released.set()

    async def stand(self) -> None:
        """Called by the server with a matching request."""
        self._arrived.set()
        await self._released.wait()


@dataclass
class Fault:
    """One order, and how often it still holds."""

    method: str
    path: str
    times: int | None
    after_effect: bool = False
    status: int | None = None
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    delay: float = 0
    hold: Hold | None = None

    def matches(self, method: str, template: str, path: str) -> bool:
        """Whether it is meant for this request."""
        same_method = self.method in ("*", method)
        return same_method and (self.path == template or fnmatch.fnmatch(path, self.path))

    async def strike(self) -> web.Response | None:
        """Do it; an answer replaces Discord's own."""
        if self.hold is not None:
            await self.hold.stand()
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.drop:
            raise Dropped
        if self.status is None:
            return None
        return json_answer(self.status, self.body, self.headers)


class Faults:
    """The faults waiting for their requests."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def fail(
        self, method: str, path: str, status: int, *, times: int | None = 1, code: int = 0, after_effect: bool = False
    ) -> None:
        """Answer `status` with Discord's error body; with `after_effect` the request is carried out first."""
        body = {"message": f"{status}: fault on request", "code": code}
        self._waiting.append(Fault(method, path, times, after_effect, status=status, body=body))

    def rate_limit(
        self,
        method: str,
        path: str,
        retry_after: float,
        *,
        times: int | None = 1,
        scope: str = "user",
        via: bool = True,
    ) -> None:
        """Answer 429; without `via` it looks like a ban by the proxy in front of Discord."""
        body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": scope == "global"}
        headers = {"Retry-After": str(retry_after), "X-RateLimit-Scope": scope} | ({} if via else {"Via": ""})
        self._waiting.append(Fault(method, path, times, status=429, body=body, headers=headers))

    def drop(self, method: str, path: str, *, times: int | None = 1, after_effect: bool = False) -> None:
        """Cut the connection without an answer, before or after the request is carried out."""
        self._waiting.append(Fault(method, path, times, after_effect, drop=True))

    def delay(self, method: str, path: str, seconds: float, *, times: int | None = 1) -> None:
        """Carry the request out `seconds` later."""
        self._waiting.append(Fault(method, path, times, delay=seconds))

    def hold(self, method: str, path: str, *, times: int | None = 1, after_effect: bool = False) -> Hold:
        """Let matching requests stand still until the returned `Hold` is released."""
        hold = Hold()
        self._waiting.append(Fault(method, path, times, after_effect, hold=hold))
        return hold

    def clear(self) -> None:
        """Forget all faults that have not struck; what is held goes on."""
        for fault in self._waiting:
            if fault.hold is not None:
                fault.hold.release()
        self._waiting.clear()

    def claim(self, method: str, template: str, path: str) -> Fault | None:
        """The first matching fault, counted as used."""
        for fault in self._waiting:
            if not fault.matches(method, template, path):
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
            return fault
        return None
