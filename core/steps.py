"""The steps of the line, in their order. Each is safe to repeat: what it did is in the turn's record."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from core import notices
from core.breaker import Condition
from core.collaborators import Collaborators
from core.durations import Usual
from core.endings import Ending, cause, cost, failure
from core.errors import Declined, NotYet, PlatformError, PlatformGone, ProviderError, Unavailable
from core.ports import Notice
from core.records import Prepared
from core.replies import say
from core.state import Hold
from core.statuses import OUTAGES, STANDING, Failed, FailureReason
from core.turns import Route, ThreadKey, Turn, TurnId

LONGEST_PAUSE = 30.0
GUESS_SECONDS = 12.0

log = structlog.get_logger()


class Cancelled(Exception):
    """The turn is to end without its pictures."""


class Steps:
    """The steps of one turn that is held in hand."""

    def __init__(self, hold: Hold, crew: Collaborators) -> None:
        self.hold = hold
        self.crew = crew
        self.platform = crew.platforms[self.turn.thread.platform]
        self.position = 0
        self.down: Condition | None = None

    @property
    def turn(self) -> Turn:
        """As it is worded now: it may be revised while it waits."""
        return self.hold.record.turn

    @property
    def locale(self) -> str:
        """The person's language, as it is known now."""
        return self.turn.locale

    @property
    def model(self) -> str:
        """Who draws it."""
        return self.hold.record.route.model

    @property
    def lane(self) -> str:
        """Where it stands in line."""
        return self.hold.record.route.lane

    async def choose_route(self) -> None:
        """Settle who draws it, for this and every later step, here and on any other worker."""
        route = self.hold.record.route
        if not route.provider:
            # Taken on before that was written down, when there was one service.
            await self.hold.save(route=Route(self.crew.services.names[0], route.model))
        record = self.hold.record
        if record.cancelled or record.node or not all(drawing.unsent for drawing in record.drawings):
            return
        condition = await self.crew.routing.breaker.condition(self.lane)
        if condition.stopped and not await self._step_aside(condition):
            self.down = condition

    async def _step_aside(self, condition: Condition) -> bool:
        """Leave a lane that is down for another, where there is one: with its price, its place and its preparations."""
        record, routing = self.hold.record, self.crew.routing
        found = await routing.instead(self.turn, record.route, condition)
        if found is None:
            return False
        route, price = found
        # A turn that cannot move keeps its place. One that dies here has both places: its end leaves both.
        if not await self.hold.move(route, price=price, cap=self.crew.daily_cap):
            return False
        await self._leave(record.route.lane)
        log.info("somebody else draws a turn", instead_of=record.route.lane, lane=route.lane, reason=condition.reason)
        self.crew.metrics.moved.labels(origin=record.route.lane, lane=route.lane).inc()
        return True

    async def announce(self) -> None:
        """Show that the turn is taken on, and where it stands; from here on it has a thread."""
        record = self.hold.record
        if record.prepared is None and not record.cancelled:
            self.position = await self._take_place()
        if record.announcement is None:
            with self._timed("announce"):
                notice = await self._notice()
                if not record.announcing:
                    await self.hold.save(announcing=True)
                announcement = await self.platform.announce(self.turn, notice, repeated=record.announcing)
                await self.hold.save(announcement=announcement, shown=notices.gist(self.hold.record, notice))
                await self.hold.refresh()
        self._unless_cancelled()

    async def stand_in_line(self) -> None:
        """Wait for a place. Whoever is let in is woken; the others look again to show how far they have come."""
        if self.down and self._waited_enough(self.down):
            raise Unavailable(Failed(self.down.reason))
        if self.position:
            await self._show(await self._notice())
            raise NotYet(min(LONGEST_PAUSE, 2.0 + self.position * 0.2))

    def _waited_enough(self, down: Condition) -> bool:
        """Whether a turn waits no longer for a lane that is down: never for another day, for all else its time."""
        patience = 0.0 if down.reason is FailureReason.DAILY_LIMIT else self.crew.requests.deadline
        return time.time() > max(down.since, self.turn.asked_at) + patience

    async def prepare(self) -> None:
        """Fetch, verify, convert and upload what the turn goes on from."""
        if self.hold.record.prepared is not None:
            return
        if not self.hold.record.preparing:
            await self.hold.save(preparing=time.time())
            await self.hold.refresh()
        if self.turn.references:
            await self._show(notices.preparing(self.hold.record))
        with self._timed("prepare"):
            try:
                prepared = await self._prepared()
            except Unavailable as error:
                breaker = self.crew.routing.breaker
                if error.failure.reason in OUTAGES | STANDING:
                    await breaker.fail(self.lane, "", error.failure.reason)
                condition = await breaker.condition(self.lane)
                if condition.stopped and await self._step_aside(condition):
                    raise NotYet(0.0) from error
                raise
        await self.hold.save(prepared=prepared)
        # Preparing takes its time, and from here on it costs money.
        await self.hold.refresh()
        self._unless_cancelled()

    async def _prepared(self) -> Prepared:
        provider = self.crew.services.of_lane(self.lane)
        able = await provider.capabilities(self.model)
        refused = self.hold.record.anew
        return await self.crew.references.prepare(self.turn, self._thread, self.platform, provider, able, refused)

    def hopeless(self, error: Unavailable) -> bool:
        """Whether waiting for the service would be in vain."""
        began = self.hold.record.preparing or time.time()
        return error.failure.retry_after is None or time.time() > began + self.crew.requests.deadline

    def words_for(self, reason: FailureReason) -> str:
        """Why there is no picture, where nothing was sent for one."""
        return failure(reason, locale=self.locale, model=self.model, deadline=self.crew.requests.deadline)

    async def draw(self) -> None:
        """Ask for each image, once, and wait until each has come to an end."""
        if self.hold.record.node is not None:
            return
        pause = await self.crew.requests.drive(self.hold, self.lane)
        await self.hold.refresh()
        self._unless_cancelled()
        if pause is not None:
            await self._show(await self._notice())
            raise NotYet(min(LONGEST_PAUSE, pause))
        if (reason := self.hold.record.refused_history) is not None:
            log.info("a history was refused; the conversation is begun anew", reason=reason)
            await self.hold.begin_anew(reason)
            raise NotYet(0.0)
        await self._give_place_free()

    async def deliver(self) -> None:
        """Fetch the pictures and post them, once, as one message."""
        if self.hold.record.node is not None:
            return
        delivery = self.crew.delivery
        async with delivery.gate:
            with self._timed("collect"):
                pictures = await delivery.collect(self.hold)
            notes = list(notices.notes(self.hold.record))
            if len(pictures) < self.turn.options.count:
                deadline = self.crew.requests.deadline
                why = cause(self.hold.record.drawings, locale=self.locale, model=self.model, deadline=deadline)
                if not pictures:
                    raise Declined("note.cause", {"cause": why})
                asked = self.turn.options.count
                notes.append(say(self.locale, "note.partial", got=len(pictures), asked=asked, cause=why))
            repeated = await self._begin_delivery()
            with self._timed("deliver"):
                delivered = await delivery.deliver(self.hold, self.platform, pictures, notes, repeated=repeated)
        await self.hold.save(node=await delivery.node(self.hold.record, pictures, delivered, self._spent))

    async def remember(self) -> None:
        """Make the pictures a node of the thread, so that they can be replied to."""
        node, announcement = self.hold.record.node, self.hold.record.announcement
        if node and announcement:
            messages = (announcement.message, node.message)
            order = self.hold.record.order
            await self.crew.conversations.remember(self._thread, node, messages=messages, order=order)

    async def end(self, ending: Ending) -> None:
        """Show the end, free the place, settle what was reserved."""
        spent, announcement = self._spent, self.hold.record.announcement
        if announcement and ending.stage:
            try:
                notice = notices.last(self.hold.record, ending.stage, ending.cause, spent)
                await self.platform.update(self.turn, announcement, notice)
            except PlatformGone as gone:
                log.warning("an announcement has gone", why=gone.operator)
        await self._give_place_free()
        await self.crew.requests.abandon(self.hold, self.lane)
        record = self.hold.record
        await self.crew.turns.end(self.hold, how=ending.how, spent=spent)
        for drawing in record.drawings:
            await self.crew.services.let_go(record.route.provider, drawing.status)
        self._count(ending, spent)
        log.info("a turn has ended", how=ending.how, seconds=round(time.time() - self.turn.asked_at, 1))

    def _count(self, ending: Ending, spent: int) -> None:
        metrics, platform = self.crew.metrics, self.turn.thread.platform
        metrics.turns.labels(platform=platform, state=ending.how).inc()
        metrics.spend.labels(platform=platform).inc(spent)
        for drawing in self.hold.record.drawings:
            metrics.images.labels(end=drawing.status.kind if drawing.status else "unasked").inc()

    @property
    def _thread(self) -> ThreadKey:
        announcement = self.hold.record.announcement
        return announcement.thread if announcement else self.turn.thread

    @property
    def _spent(self) -> int:
        # By the price of the day it was taken on: the end of a turn needs no service that answers.
        return cost(self.hold.record.drawings, self.hold.record.reserved // self.turn.options.count)

    async def _usual(self) -> Usual:
        try:
            guess = (await self.crew.services.able(self.hold.record.route)).seconds
        except (Declined, ProviderError):
            guess = GUESS_SECONDS
        return await self.crew.durations.usual(self.lane, guess)

    async def _notice(self) -> Notice:
        capacity, usual = self.crew.queue.capacity, await self._usual()
        return notices.under_way(self.hold.record, usual, self.position, capacity, down=bool(self.down))

    async def _take_place(self) -> int:
        place = await self.crew.queue.place(self.lane, self.turn.id, self.turn.author, images=self.turn.options.count)
        await self._wake_others(place.admitted)
        return place.position

    async def _give_place_free(self) -> None:
        await self._leave(self.lane)
        if self.hold.record.route.instead_of:
            for lane in await self.crew.queue.lanes():
                await self._leave(lane)

    async def _leave(self, lane: str) -> None:
        place = await self.crew.queue.leave(lane, self.turn.id)
        await self._wake_others(place.admitted)

    async def _wake_others(self, admitted: tuple[TurnId, ...]) -> None:
        for turn_id in admitted:
            if turn_id != self.turn.id:
                await self.crew.wake(turn_id)

    async def _show(self, notice: Notice) -> None:
        """Show the notice where it says something new. A platform that does not take it now holds nothing up."""
        announcement = self.hold.record.announcement
        gist = notices.gist(self.hold.record, notice)
        if announcement and gist != self.hold.record.shown:
            try:
                await self.platform.update(self.turn, announcement, notice)
            except PlatformError as error:
                log.info("progress could not be shown", problem=type(error).__name__)
            else:
                await self.hold.save(shown=gist)

    async def _begin_delivery(self) -> bool:
        """Write down that the pictures are about to be posted; gives whether that was written before.

        From here on a cancellation is refused, so one that is found was promised before anything was posted.
        """
        repeated = self.hold.record.delivering
        if not repeated:
            await self.hold.save(delivering=True)
        await self.hold.refresh()
        self._unless_cancelled()
        return repeated

    def _unless_cancelled(self) -> None:
        if self.hold.record.cancelled:
            raise Cancelled

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        with self.crew.metrics.steps.labels(step=step).time():
            yield
