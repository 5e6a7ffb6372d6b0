"""Drives each image of a turn from nothing to an end at the image service.

What may cost money happens here and at most once: an image is sent when its attempt has been written down, and one
whose answer was lost is looked for and never sent again.
"""

import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import structlog

from core import lost
from core.breaker import Breaker
from core.errors import ProviderError
from core.metrics import Metrics
from core.pace import Pace
from core.ports import Job
from core.records import Drawing, Prepared
from core.references import References
from core.sender import Errand, Sender, failed, keepable, owner_of
from core.sends import ALIVE_SECONDS, Sends
from core.services import Services
from core.state import Hold, Turns
from core.statuses import Failed, FailureReason, Queued
from core.watching import Watcher
from core.wording import PARAGRAPH, for_model

EQUAL_PAYLOAD_SECONDS = 3.0
DOWN_SECONDS = 5.0
ANSWER_SECONDS = 1.5
"""A service that puts requests in a line of its own answers sooner; one that does not holds its answer."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of turns. `deadline` is how many seconds a request may take before it counts as stuck."""

    services: Services
    turns: Turns
    references: References
    sends: Sends
    sender: Sender
    pace: Pace
    breaker: Breaker
    watcher: Watcher
    metrics: Metrics
    deadline: float

    async def drive(self, hold: Hold, lane: str) -> float | None:
        """Take every image as far as it goes now; gives the seconds until the next look, None when all have ended."""
        pauses = []
        for index, drawing in enumerate(hold.record.drawings):
            if not drawing.ended:
                pauses.append(await self._advance(hold, lane, index))
        return min(pauses) if pauses else None

    async def abandon(self, hold: Hold, lane: str) -> None:
        """Stop to care for requests of a turn that ends."""
        for index, drawing in enumerate(hold.record.drawings):
            if drawing.request and not drawing.ended:
                await self.watcher.forget(lane, hold.record.turn.id, index)
            # Whoever still sends says so at the end of it.
            if drawing.attempt and not await self.sends.alive(drawing.attempt):
                await self.sends.finish(lane, drawing.digest, drawing.attempt)

    async def _advance(self, hold: Hold, lane: str, index: int) -> float:
        """Take one image as far as it goes now; gives the seconds until the next look."""
        drawing, now = hold.record.drawings[index], time.time()
        if isinstance(drawing.status, Failed):
            # Made nothing, and says that it may be asked again.
            waits = now + (drawing.status.retry_after or 0.0)
            await hold.save_drawing(index, Drawing(tries=drawing.tries + 1, not_before=waits))
            return waits - now
        if drawing.request:
            return await self._mind(hold, lane, index)
        if drawing.lost_at:
            return await self._search(hold, lane, index)
        if drawing.attempt and now > drawing.sent_at + self.deadline:
            return await self._give_up(hold, index, FailureReason.STUCK)
        if drawing.attempt and await self.sends.alive(drawing.attempt):
            return ALIVE_SECONDS
        if drawing.attempt:
            log.warning("a sending has lost its sender", image=index)
            await hold.save_drawing(index, replace(drawing, lost_at=now))
            await self.sends.lose(lane, drawing.digest, drawing.attempt)
            return 0.0
        if drawing.not_before > now:
            return drawing.not_before - now
        return await self._send(hold, lane, index)

    async def _send(self, hold: Hold, lane: str, index: int) -> float:
        wait = await self.pace.take(lane)
        if wait > 0:
            return wait
        record, drawing = hold.record, hold.record.drawings[index]
        job = await self._job(hold)
        attempt, digest = uuid4().hex, digest_of(self.services.of_lane(lane).payload(job))
        if not await self.sends.begin(lane, digest, attempt):
            return EQUAL_PAYLOAD_SECONDS
        wait = await self.breaker.take(lane, attempt)
        if wait > 0:
            await self.sends.finish(lane, digest, attempt)
            begun, down = not all(other.unsent for other in record.drawings), await self.breaker.condition(lane)
            if begun and down.stopped and time.time() > record.preparing + self.deadline:
                # What the turn has already is not kept from people for what may never come.
                return await self._give_up(hold, index, down.reason)
            return min(wait, DOWN_SECONDS)
        sent = Drawing(attempt=attempt, digest=digest, sent_at=time.time(), tries=drawing.tries)
        await hold.save_drawing(index, sent)
        self.sender.start(Errand(record.turn.id, index, lane, job, record.preparing + self.deadline), sent)
        return ANSWER_SECONDS

    async def _mind(self, hold: Hold, lane: str, index: int) -> float:
        """Have a request watched, until its deadline."""
        drawing, turn_id = hold.record.drawings[index], hold.record.turn.id
        left = drawing.sent_at + self.deadline - time.time()
        if left <= 0:
            await self.watcher.forget(lane, turn_id, index)
            return await self._give_up(hold, index, FailureReason.STUCK)
        await self.watcher.follow(lane, turn_id, index, drawing.sent_at)
        return left

    async def _search(self, hold: Hold, lane: str, index: int) -> float:
        """Look for the request whose answer was lost; end honestly when the time for that is over."""
        drawing = hold.record.drawings[index]
        provider = self.services.of_lane(lane)
        over, found = lost.over(drawing, listed=provider.has_list), None
        if not provider.has_list and await self.sends.alive(drawing.attempt):
            # Its sender was only cut off from the store, and still waits for the answer.
            await hold.save_drawing(index, replace(drawing, lost_at=0.0))
            return ALIVE_SECONDS
        # While an equal one is on its way, what is found might be that one.
        mixed = not provider.has_list or await self.sends.others(lane, drawing.digest, drawing.attempt)
        if not mixed:
            owner = owner_of(hold.record.turn.id, index)
            payload = provider.payload(await self._job(hold))
            with suppress(ProviderError):
                found = await lost.find(provider, self.sends, lane, owner, drawing, payload)
        if found is None and not over:
            return lost.PAUSE_SECONDS
        await self.sends.finish(lane, drawing.digest, drawing.attempt)
        if found is None:
            return await self._give_up(hold, index, FailureReason.LOST)
        log.info("a lost answer was found again", image=index)
        status = keepable(found.status) if found.complete else Queued(moved=True)
        await hold.save_drawing(index, replace(drawing, attempt="", lost_at=0.0, request=found.request, status=status))
        return 0.0

    async def _give_up(self, hold: Hold, index: int, reason: FailureReason) -> float:
        log.warning("an image was given up", image=index, reason=reason)
        await hold.save_drawing(index, failed(hold.record.drawings[index], reason))
        return 0.0

    async def _job(self, hold: Hold) -> Job:
        turn, prepared = hold.record.turn, hold.record.prepared or Prepared()
        history = None if prepared.basis else await self.references.history(turn, prepared.moved)
        return Job(
            model=hold.record.route.model,
            prompt=PARAGRAPH.join(filter(None, (for_model(turn, prepared.used), prepared.legend))),
            references=(*((prepared.basis,) if prepared.basis else ()), *prepared.uploads, *prepared.along),
            aspect_ratio=turn.options.aspect_ratio,
            size=turn.options.size,
            history=history,
        )


def digest_of(payload: dict[str, Any]) -> str:
    """A short name for a payload: equal payloads have equal names."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:32]
