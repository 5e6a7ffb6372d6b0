"""Rate limits: buckets per route and major parameter with Discord's headers, and the bot's global limit."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fakes.discord.clock import MovableClock

_MAJOR = ("channel_id", "guild_id", "webhook_id", "webhook_token")
_UNCOUNTED = ("/interactions/", "/webhooks/")  # outside the bot's global limit


@dataclass
class _Window:
    ends: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a request's bucket says: headers for the answer, and seconds to wait when it is refused."""

    headers: dict[str, str]
    retry_after: float | None = None
    scope: str = "user"


class RateLimits:
    """No limits until asked for, so that tests of other things run at full speed."""

    def __init__(self, clock: MovableClock) -> None:
        self.refused = 0
        self._clock = clock
        self._limits: dict[tuple[str, str], tuple[int, float]] = {}
        self._windows: dict[str, _Window] = {}
        self._per_second: int | None = None

    def limit(self, method: str, template: str, count: int, per: float) -> None:
        """Allow `count` requests in `per` seconds for each channel, guild or webhook."""
        self._limits[method, template] = (count, per)

    def realistic(self) -> None:
        """The limits that bots meet in practice (they are not documented, only the global one is)."""
        self._per_second = 50
        self.limit("POST", "/channels/{channel_id}/messages", 5, 5)
        self.limit("PATCH", "/channels/{channel_id}/messages/{message_id}", 5, 5)
        self.limit("DELETE", "/channels/{channel_id}/messages/{message_id}", 5, 1)
        self.limit("POST", "/channels/{channel_id}/messages/{message_id}/threads", 50, 300)
        self.limit("POST", "/webhooks/{webhook_id}/{webhook_token}", 5, 2)
        self.limit("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/@original", 5, 2)

    def check(self, method: str, template: str, ids: Mapping[str, str]) -> Verdict:
        """Count one request."""
        if self._per_second is not None and not template.startswith(_UNCOUNTED):
            used, wait = self._use("global", 1.0)
            if used > self._per_second:
                self.refused += 1
                return Verdict({"X-RateLimit-Global": "true"}, wait, "global")
        if (method, template) not in self._limits:
            return Verdict({})
        count, per = self._limits[method, template]
        major = ":".join(ids.get(name, "") for name in _MAJOR)
        used, wait = self._use(f"{method} {template} {major}", per)
        headers = {
            "X-RateLimit-Limit": str(count),
            "X-RateLimit-Remaining": str(max(count - used, 0)),
            "X-RateLimit-Reset": f"{self._clock.timestamp() + wait:.3f}",
            "X-RateLimit-Reset-After": f"{wait:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(f"{method} {template}".encode()).hexdigest()[:32],
        }
        if used <= count:
            return Verdict(headers)
        self.refused += 1
        return Verdict(headers, wait)

    def _use(self, key: str, per: float) -> tuple[int, float]:
        now = self._clock.timestamp()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            window = self._windows[key] = _Window(now + per)
        window.used += 1
        return window.used, window.ends - now
