"""Sends jobs to the image service, beside the engine's slots.

Many models hold their answer until the picture is done. A slot that waited for it would stand in the way of everybody
after a short outage of the store, so each sending is a task of its own that keeps saying it is alive, writes down what
came of it and wakes the turn. When its process dies, the line finds a sending that nobody minds and looks for the
request in the service's list.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog
from redis.exceptions import RedisError

from core.background import asked_to_stop, stop
from core.breaker import Breaker
from core.durations import Durations
from core.errors import AnswerLost, NotSent
from core.pace import Pace
from core.ports import Job, Submission
from core.records import Drawing
from core.sends import ALIVE_SECONDS, Sends
from core.services import Services
from core.state import Turns
from core.statuses import Failed, FailureReason, Output, Status, Succeeded
from core.turns import Route, TurnId

WAITED_FOR = frozenset({FailureReason.UNREACHABLE, FailureReason.OVERLOADED})
"""Why a request was certainly not made, where it is tried again for as long as its turn may wait."""
MOST_LIMITED = 20
"""How often one is tried that came too soon for the service's pace."""
LONGEST_BACK_OFF = 60.0
MOST_HISTORY_BYTES = 256_000
"""As JSON. A list of requests tells what each was sent and what is to go back: a page of a hundred of both, at this
size, is as much as is read of an answer. What a model takes in words is less; its signatures may be more."""
STORE_PAUSE = 0.5
PARTING_SECONDS = 2.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Errand:
    """One image to ask for: which, of which turn, in which lane, and with what.

    `until` is when its turn waits no longer for a service that does not take it, in seconds since the epoch.
    """

    turn: TurnId
    index: int
    lane: str
    job: Job
    until: float


class Sender:
    """The sendings of this process."""

    def __init__(
        self,
        services: Services,
        turns: Turns,
        sends: Sends,
        pace: Pace,
        breaker: Breaker,
        durations: Durations,
        wake: Callable[[TurnId], Awaitable[None]],
    ) -> None:
        self.services = services
        self.turns = turns
        self.sends = sends
        self.pace = pace
        self.breaker = breaker
        self.durations = durations
        self.wake = wake
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, errand: Errand, drawing: Drawing) -> None:
        """Send; the drawing's attempt has been written down before."""
        task = asyncio.create_task(self._send(errand, drawing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def under_way(self) -> int:
        """How many sendings wait for their answer in this process."""
        return len(self._tasks)

    async def drain(self, seconds: float) -> None:
        """Wait so long for answers, then leave the rest to be looked for."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            # Asked again only after each has had its time to write down what is to be looked for.
            await stop(*late, again_after=2 * PARTING_SECONDS)

    async def _send(self, errand: Errand, drawing: Drawing) -> None:
        alive = asyncio.create_task(self._keep_alive(errand.lane, drawing.attempt))
        try:
            after, heard = await self._ask(errand, drawing)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(PARTING_SECONDS):
                    await self._record(errand, drawing, replace(drawing, lost_at=time.time()))
            raise
        except Exception:
            # A defect of ours must not look as if nothing had been sent.
            log.exception("a sending broke off", turn=errand.turn)
            after, heard = replace(drawing, lost_at=time.time()), False
        finally:
            alive.cancel()
        await self._record(errand, drawing, after)
        if heard:
            await self._note(errand, drawing, after.status.reason if isinstance(after.status, Failed) else None)

    async def _ask(self, errand: Errand, drawing: Drawing) -> tuple[Drawing, bool]:
        """The image after it was asked for, and whether an answer came, of which the breaker is to learn."""
        provider = self.services.of_lane(errand.lane)
        try:
            submission = await provider.submit(errand.job)
        except NotSent as refusal:
            failure = refusal.failure
            await self._note(errand, drawing, failure.reason)
            log.info("not sent", turn=errand.turn, image=errand.index, reason=failure.reason, after=failure.retry_after)
            pause = tried_again_in(failure, tries=drawing.tries, left=errand.until - time.time())
            if pause is None:
                return failed(drawing, failure.reason, instead=failure.instead), False
            if failure.reason is FailureReason.RATE_LIMITED:
                await self.pace.learn(errand.lane, after=pause, limit=refusal.limit)
            return Drawing(tries=drawing.tries + 1, not_before=time.time() + pause), False
        except AnswerLost:
            log.warning("an answer was lost", turn=errand.turn, image=errand.index)
            await self._note(errand, drawing, FailureReason.UNREACHABLE)
            if not provider.has_list:
                return failed(drawing, FailureReason.LOST), False
            return replace(drawing, lost_at=time.time()), False
        return answered(drawing, submission), submission.sent

    async def _note(self, errand: Errand, drawing: Drawing, failure: FailureReason | None) -> None:
        """Let everybody know how the service fares. What becomes of the image does not hang on it."""
        with suppress(RedisError, OSError):
            if await self.breaker.note(errand.lane, drawing.attempt, failure):
                log.error("the image service does not take our work", lane=errand.lane, reason=failure)

    async def _record(self, errand: Errand, before: Drawing, after: Drawing) -> None:
        while True:
            try:
                if after.request and after.request.id:
                    await self.sends.claim(errand.lane, after.request.id, owner_of(errand.turn, errand.index))
                awaited = await self.turns.answer(errand.turn, errand.index, before, after)
                settle = self.sends.lose if awaited and after.lost_at else self.sends.finish
                await settle(errand.lane, before.digest, before.attempt)
                if awaited:
                    await self.wake(errand.turn)
                elif await self.turns.read(errand.turn) is None:
                    await self.services.let_go(Route.of_lane(errand.lane).provider, after.status)
                if awaited and isinstance(after.status, Succeeded):
                    await self.durations.remember(errand.lane, time.time() - before.sent_at)
                return
            except (RedisError, OSError):
                await asyncio.sleep(STORE_PAUSE)

    async def _keep_alive(self, lane: str, attempt: str) -> None:
        while not asked_to_stop():
            await asyncio.sleep(ALIVE_SECONDS / 4)
            with suppress(RedisError, OSError):
                await self.sends.still(attempt)
                await self.breaker.still(lane, attempt)


def owner_of(turn: TurnId, index: int) -> str:
    """The name of one image of a turn."""
    return f"{index} {turn}"


def tried_again_in(failure: Failed, *, tries: int, left: float) -> float | None:
    """In how many seconds a request is tried again that was certainly not made; None where that is in vain.

    `tries` is how often it was not made before, `left` how many seconds its turn may still wait. An overloaded service
    is asked less and less often, and never before it says.
    """
    pause = failure.retry_after
    if pause is None:
        return None
    if failure.reason is FailureReason.RATE_LIMITED:
        return pause if tries + 1 < MOST_LIMITED else None
    if failure.reason is FailureReason.OVERLOADED:
        pause = max(pause, min(LONGEST_BACK_OFF, pause * 2 ** max(0, tries - 1)))
    return pause if failure.reason in WAITED_FOR and pause <= left else None


def answered(drawing: Drawing, submission: Submission) -> Drawing:
    """The drawing once the service has answered."""
    return replace(drawing, attempt="", request=submission.request, status=keepable(submission.status))


def keepable(status: Status) -> Status:
    """The status as it is written down: without bytes, which are asked for again, and without a history too large."""
    if not isinstance(status, Succeeded):
        return status
    kept = replace(status, outputs=tuple(Output(url=output.url) for output in status.outputs))
    if status.history is None or len(json.dumps(status.history)) <= MOST_HISTORY_BYTES:
        return kept
    return replace(kept, history=None, outgrown=True)


def failed(drawing: Drawing, reason: FailureReason, *, instead: str = "") -> Drawing:
    """The drawing once it is given up."""
    return replace(drawing, attempt="", status=Failed(reason, instead=instead))
