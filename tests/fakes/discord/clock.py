"""The fake's time: the wall clock, moved forward by tests."""

from datetime import UTC, datetime, timedelta

from simcord import _clock


class MovableClock(_clock.Clock):
    """Wall-clock time plus `elapsed` seconds; simcord's own clock stands still."""

    def now(self) -> datetime:
        """Aware UTC time as the fake sees it."""
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)

    def timestamp(self) -> float:
        """Seconds since the Unix epoch as the fake sees them."""
        return self.now().timestamp()
