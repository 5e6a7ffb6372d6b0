"""The line: everything that happens to a turn, from its place in line to its pictures, read from top to bottom.

`Line.run` is entered once and once more: by the engine, after a crash, after news from the service, by a cancellation.
Each step leaves a checkpoint in the turn's record and is passed over when it was done. A step that has to wait raises
`NotYet`, which gives the slot back.
"""

from dataclasses import dataclass

import structlog

from core.collaborators import Collaborators
from core.endings import Ending
from core.errors import Declined, NotYet, PlatformBusy, PlatformGone, ProviderError, Unavailable
from core.ports import Stage
from core.replies import say
from core.state import Held
from core.steps import Cancelled, Steps
from core.turns import TurnId

HELD_SECONDS = 0.3
BUSY_SECONDS = 5.0
UNSERVED_SECONDS = 2.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Line:
    """Walks turns from where they are to their end."""

    crew: Collaborators

    async def run(self, turn_id: TurnId) -> float | None:
        """One run; gives the seconds until the next, or None once the turn has ended."""
        try:
            async with self.crew.turns.hold(turn_id) as hold:
                if hold is None:
                    await self._clear_away(turn_id)
                    return None
                pause = UNSERVED_SECONDS
                # Another process may serve the platform that this one has no tokens for.
                if hold.record.turn.thread.platform in self.crew.platforms:
                    try:
                        await self._walk(Steps(hold, self.crew))
                    except NotYet as wait:
                        pause = wait.seconds
                    else:
                        return None
                await self.crew.turns.expect(turn_id, pause)
                return pause
        except Held:
            return HELD_SECONDS

    async def _walk(self, turn: Steps) -> None:
        try:
            await turn.end(await self._ending(turn))
        except PlatformBusy as busy:
            raise NotYet(busy.retry_after) from busy
        except ProviderError as error:
            log.warning("the image service does not answer as it should", problem=type(error).__name__)
            raise NotYet(BUSY_SECONDS) from error

    async def _ending(self, turn: Steps) -> Ending:
        try:
            await turn.choose_route()
            await turn.announce()
            await turn.stand_in_line()
            await turn.prepare()
            await turn.draw()
            await turn.deliver()
            await turn.remember()
        except Cancelled:
            return Ending("cancelled", Stage.CANCELLED)
        except Declined as refusal:
            return Ending("failed", Stage.FAILED, say(turn.locale, refusal.reply, **refusal.details))
        except Unavailable as error:
            if not turn.hopeless(error):
                raise
            return Ending("failed", Stage.FAILED, turn.words_for(error.failure.reason))
        except PlatformGone as gone:
            log.error("a turn can be shown nowhere", why=gone.operator)
            return Ending("unshowable", None)
        return Ending("done", Stage.DONE)

    async def _clear_away(self, turn_id: TurnId) -> None:
        """Free what is still held for a turn that is no more: by a run that was overtaken, or by its expiry."""
        await self.crew.turns.forget(turn_id)
        for lane in await self.crew.queue.lanes():
            for admitted in (await self.crew.queue.leave(lane, turn_id)).admitted:
                await self.crew.wake(admitted)
