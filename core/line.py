"""The line: everything that happens to a turn, from its place in line to its pictures, read from top to bottom.

`Line.run` is entered once and once more: by the engine, after a crash, after news from the service, by a cancellation.
Each step leaves a checkpoint in the turn's record and is passed over when it was done. A step that has to wait raises
`NotYet`, which gives the slot back.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from core.conversation import Conversations
from core.delivery import Delivery
from core.durations import Durations
from core.errors import Declined, NotYet, PlatformBusy, PlatformGone, ProviderError
from core.metrics import Metrics
from core.ports import ChatPlatform, ImageProvider, Stage
from core.queue import Queue
from core.references import References
from core.replies import say
from core.requests import Requests
from core.state import Held, Turns
from core.steps import Cancelled, Steps
from core.turns import TurnId

HELD_SECONDS = 0.3
BUSY_SECONDS = 5.0
UNSERVED_SECONDS = 2.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Line:
    """Walks turns from where they are to their end. Wired once, and the same on every worker."""

    turns: Turns
    queue: Queue
    conversations: Conversations
    durations: Durations
    references: References
    requests: Requests
    delivery: Delivery
    provider: ImageProvider
    platforms: Mapping[str, ChatPlatform]
    wake: Callable[[TurnId], Awaitable[None]]
    metrics: Metrics

    async def run(self, turn_id: TurnId) -> float | None:
        """One run; gives the seconds until the next, or None once the turn has ended."""
        try:
            async with self.turns.hold(turn_id) as hold:
                if hold is None:
                    return None
                if hold.record.turn.thread.platform not in self.platforms:
                    # Another process serves that platform; this one has no tokens for it.
                    return UNSERVED_SECONDS
                try:
                    await self._walk(Steps(hold, self))
                except NotYet as pause:
                    await self.turns.expect(turn_id, pause.seconds)
                    return pause.seconds
                return None
        except Held:
            return HELD_SECONDS

    async def _walk(self, turn: Steps) -> None:
        try:
            await turn.announce()
            await turn.stand_in_line()
            await turn.prepare()
            await turn.draw()
            await turn.deliver()
            await turn.remember()
            await turn.end("done", Stage.DONE)
        except Cancelled:
            await turn.end("cancelled", Stage.CANCELLED)
        except Declined as refusal:
            await turn.end("failed", Stage.FAILED, cause=say(turn.locale, refusal.reply, **refusal.details))
        except PlatformGone as gone:
            log.error("a turn can be shown nowhere", why=gone.operator)
            await turn.end("unshowable", None)
        except PlatformBusy as busy:
            raise NotYet(busy.retry_after) from busy
        except ProviderError as error:
            log.warning("the image service does not answer as it should", problem=type(error).__name__)
            raise NotYet(BUSY_SECONDS) from error
