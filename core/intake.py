"""The door: a turn is checked against everything that a person can be told now, claimed, recorded, and set going.

Nothing is spent here, and a refusal loses nothing: it is said before any of it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log as logarithm

import structlog

from core.breaker import Condition
from core.choices import Choices, ModelChoices
from core.commands import check
from core.conversation import Conversations
from core.engine import Engine
from core.errors import Declined, ProviderError
from core.metrics import Metrics
from core.numbering import in_order
from core.pointing import links_in
from core.ports import Capabilities
from core.queue import Queue
from core.replies import cost_estimate, money, say
from core.routing import Routing
from core.services import Services
from core.state import Entry, Turns
from core.statuses import STANDING, FailureReason
from core.turns import ImageRef, Node, Operation, Person, Route, ThreadKey, Turn, TurnId
from core.wording import Wording, for_model

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """What nobody may go past. `daily_cap` is in micro-dollars, per workspace and day (UTC)."""

    most_waiting: int
    most_images: int
    daily_cap: int
    default_model: str


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn that has not ended, for the person who asked.

    `position` is 0 once it was let in; `price` is what is reserved for it, in micro-dollars.
    """

    turn: Turn
    position: int
    price: int

    def where(self, locale: str) -> str:
        """Where it stands, and what it is expected to cost."""
        standing = say(locale, "status.waiting" if self.position else "status.drawing", position=self.position)
        return f"{standing} · {cost_estimate(self.price)}"


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes turns on, cancels them, and tells a person of theirs."""

    turns: Turns
    queue: Queue
    conversations: Conversations
    services: Services
    routing: Routing
    engine: Engine
    metrics: Metrics
    limits: Limits
    wording: Wording

    @property
    def choices(self) -> ModelChoices:
        """The models that workspaces have chosen."""
        return self.routing.choices

    async def accept(self, turn: Turn) -> bool:
        """Take a turn on: True when it is recorded now, False when this event was taken on before.

        Raises `Declined` with the sentence to say. Once this returns, the turn survives everything.
        """
        try:
            turn, route, price = await self._checked(turn)
        except Declined:
            # What was taken on is not to be declined when its event comes again and things have changed since.
            if await self.turns.known(turn.id):
                return False
            raise
        limits = self.limits
        entry, amount = await self.turns.accept(
            turn, route=route, price=price, most=limits.most_waiting, cap=limits.daily_cap
        )
        match entry:
            case Entry.TOO_MANY_WAITING:
                raise Declined("declined.too_many_waiting", {"count": amount, "limit": limits.most_waiting})
            case Entry.OVER_BUDGET:
                raise Declined("declined.over_budget", {"limit": money(limits.daily_cap)})
            case Entry.NEW:
                self.metrics.turns.labels(platform=turn.thread.platform, state="accepted").inc()
                log.info("a turn is taken on", turn=turn.id, operation=turn.operation, images=turn.options.count)
                self.engine.wake_soon(turn.id)
            case Entry.AGAIN:
                log.info("an event came again", turn=turn.id)
        return entry is Entry.NEW

    async def _checked(self, turn: Turn) -> tuple[Turn, Route, int]:
        """The completed turn, who draws it and its price, in micro-dollars. Raises `Declined`."""
        turn, route, able = await self._complete(turn)
        self._check(turn, able)
        condition = await self.routing.breaker.condition(route.lane)
        hopeless = condition.stopped and condition.reason in STANDING
        if hopeless and await self.routing.instead(turn, route, condition) is None:
            raise await self._refusal(route, condition)
        return turn, route, able.price_of(turn.options.size) * turn.options.count

    async def _refusal(self, route: Route, condition: Condition) -> Declined:
        """What to say where a lane will take nothing, and nobody stands in."""
        if condition.reason is not FailureReason.MODEL_GONE:
            return Declined("declined.service_stopped")
        known = self.services.known(route.model)
        if known and known.successor and await self.services.is_offered(known.successor):
            return Declined("failed.model_replaced", {"model": route.model, "instead": known.successor})
        return Declined("failed.model_gone", {"model": route.model})

    async def estimate(self, turn: Turn) -> int:
        """What would be reserved for a turn, in micro-dollars. Raises `Declined` where it would not be taken on."""
        _, _, price = await self._checked(turn)
        return price

    async def revise(self, turn: Turn) -> bool:
        """Take the new wording of a turn that still waits: its prompt, shape and references, at the same price.

        It may go on from another picture too, where one of the two led to the other. Where neither did, the turn stays
        as it was: such words were not written for its picture.
        False for that, when it is too late, or there is no such turn. Raises `Declined` for a wording that would not
        have been taken on.
        """
        record = await self.turns.read(turn.id)
        if record is None:
            return False
        before = record.turn
        # What the price hangs on stays: nothing more is reserved for a new wording.
        fixed = before.options
        asked = replace(turn.options, count=fixed.count, model=fixed.model, size=fixed.size)
        parent = before.parent
        if before.parent and turn.parent:
            if not await self._in_one_line(before.thread, before.parent, turn.parent):
                return False
            parent = turn.parent
        revised = replace(before, prompt=turn.prompt, references=turn.references, options=asked, parent=parent)
        revised, _, able = await self._complete(revised)
        self._check(revised, able)
        return await self.turns.revise(revised)

    async def _in_one_line(self, thread: ThreadKey, one: ImageRef, other: ImageRef) -> bool:
        """Whether of two pictures one led to the other, or is of the same message."""
        for younger, older in ((one, other), (other, one)):
            async for node in self.conversations.ancestors(thread, younger.node):
                if node.id == older.node:
                    return True
        return False

    async def cancel(self, turn_id: TurnId, by: Person, *, moderator: bool = False) -> None:
        """Cancel a turn that has not ended. Raises `Declined` where it is somebody else's, or over."""
        record = await self.turns.read(turn_id)
        if record is None:
            raise Declined("declined.already_over")
        author = record.turn.author
        if author != by and not moderator:
            raise Declined("declined.not_yours", {"name": author.name})
        if not await self.turns.cancel(turn_id):
            raise Declined("declined.already_over")
        self.engine.wake_soon(turn_id)

    async def open_turns(self, person: Person) -> Sequence[OpenTurn]:
        """The person's turns that have not ended, oldest first."""
        records = [await self.turns.read(turn_id) for turn_id in await self.turns.open_of(person)]
        return [
            OpenTurn(record.turn, await self.queue.position(record.route.lane, record.turn.id), record.reserved)
            for record in records
            if record
        ]

    def _check(self, turn: Turn, able: Capabilities) -> None:
        check(turn.prompt, turn.options, able, most_images=self.limits.most_images, length=len(for_model(turn)))

    async def _complete(self, turn: Turn) -> tuple[Turn, Route, Capabilities]:
        """The turn with its model, shape, style and names settled, and who draws it.

        What was not asked for is as the edited picture has it.
        """
        turn = await self.wording.settle(turn)
        options, parent = turn.options, await self._parent(turn)
        model = await self._model(turn, parent)
        try:
            route, able = await self.services.offer(model)
        except ProviderError as error:
            raise Declined("declined.service_silent") from error
        ratio = options.aspect_ratio
        if ratio is None and parent is not None and turn.parent is not None:
            ratio = _shape_of(parent, turn.parent.index, able)
        size = options.size
        if size is None and parent is not None and parent.options.size in able.sizes:
            size = parent.options.size
        options = replace(options, model=model, aspect_ratio=ratio, size=size)
        references = (*turn.references, *links_in(turn.prompt, turn.references))
        among = len(parent.images) if parent else 0
        return replace(turn, options=options, references=in_order(references), among=among), route, able

    async def _model(self, turn: Turn, parent: Node | None) -> str:
        """Who draws: as named, as before, or as is usual here. Raises `Declined` for a name that is not to be had here.

        What was only carried over from an earlier turn, or is only usual, gives way to what may be used now.
        """
        choices = await self.routing.choices.of(turn.thread)
        named = turn.options.model or ""
        if named and turn.operation in (Operation.IMAGINE, Operation.EDIT):
            if not await self._may_be_used(named, choices):
                known = ", ".join((await self.renewed(choices)).allowed)
                raise Declined("declined.model_not_allowed", {"model": named, "known": known})
            successor = await self.services.current(named)
            if successor != named:
                raise Declined("declined.model_ended", {"model": named, "successor": successor})
            return named
        # What was asked for, not who stood in: once the one is back, a thread goes on with it.
        before = named or (parent.options.model or parent.model if parent else "")
        carried = [before] if before and await self._may_be_used(before, choices) else []
        return await self.services.first([*carried, *self._wishes(choices, turn.thread.channel)])

    async def _may_be_used(self, model: str, choices: Choices) -> bool:
        """Whether a workspace allows a model, or one whose place it has taken."""
        return choices.allows(model) or model in [await self.current(one) for one in choices.allowed]

    async def usual(self, where: ThreadKey) -> str:
        """The model that draws in a place when nobody names one."""
        return await self.usual_by(await self.choices.of(where), where.channel)

    async def usual_by(self, choices: Choices, channel: str = "") -> str:
        """The same by choices that need not be made yet."""
        return await self.services.first(self._wishes(choices, channel))

    def _wishes(self, choices: Choices, channel: str) -> Sequence[str]:
        return choices.wishes(channel, self.limits.default_model)

    async def renewed(self, choices: Choices) -> Choices:
        """Choices as they come to now: each model that has ended replaced by what has taken its place."""
        named = dict.fromkeys((*choices.allowed, *filter(None, (choices.model, *choices.channels.values()))))
        return choices.renamed(dict(zip(named, await asyncio.gather(*map(self.current, named)), strict=True)))

    async def current(self, model: str) -> str:
        """A model that is usual to somebody, or what has taken its place."""
        return await self.services.current(model)

    async def _parent(self, turn: Turn) -> Node | None:
        if turn.parent is None:
            return None
        node = await self.conversations.node(turn.thread, turn.parent.node)
        if node is None or turn.parent.index >= len(node.images):
            raise Declined("declined.parent_gone")
        if turn.operation is Operation.IMAGINE:
            return None
        return node


def _shape_of(node: Node, index: int, able: Capabilities) -> str | None:
    """The ratio of a picture, among those that the model draws: an edit keeps its shape."""
    if node.options.aspect_ratio in able.aspect_ratios:
        return node.options.aspect_ratio
    image = node.images[index]
    if not (image.width and image.height and able.aspect_ratios):
        return None

    def distance(ratio: str) -> float:
        # By factors, so that a picture on its side gets the shape on its side.
        width, height = (int(part) for part in ratio.split(":"))
        return abs(logarithm(width / height) - logarithm(image.width / image.height))

    return min(able.aspect_ratios, key=distance)
