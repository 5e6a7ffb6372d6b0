"""The double's time: it runs like the wall clock and can be pushed ahead."""

import asyncio
import contextlib
import time


class Clock:
    """Slack's time, in seconds since 1970: the wall clock plus whatever a test added with `advance`."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._moved = asyncio.Event()
        self._last_ts = 0

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Jump ahead: everything due by then (retries, expiries, file processing) happens now."""
        self._ahead += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Wait until the double's time has moved on by this much."""
        due = self.now() + seconds
        while (left := due - self.now()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left)

    def timestamp(self) -> str:
        """A message or event `ts`: seconds with six decimals, never the same twice, always later."""
        self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"
