"""Whatever happens, in whatever order: a turn ends once, is paid and posted at most once, and leaves nothing behind."""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.errors import AnswerLost, Declined, ImagineError, NotSent, PlatformBusy
from core.packing import key, text
from core.statuses import OF_HISTORY, Failed, FailureReason, RefusalReason, Refused
from core.turns import ImageRef, Operation, Options, Turn
from tests.fakes.chat import FakeChat
from tests.fakes.provider import FakeImages
from tests.unit.conftest import SETTINGS, House
from tests.unit.test_promises import left, settle_requests

STEPS = ("ask", "edit", "again", "run", "run", "run", "together", "cancel", "crash", "finish", "refuse")
TROUBLES = (
    "lost",
    "limited",
    "history refused",
    "busy announce",
    "busy announce!",
    "busy deliver",
    "busy deliver!",
    "busy update",
)
LIMITS = replace(SETTINGS, requests_in_flight=3, most_running=2)


@dataclass
class Story:
    """A house that things happen to, one after the other."""

    house: House
    choose: random.Random
    asked: list[Turn] = field(default_factory=list)
    prices: dict[str, int] = field(default_factory=dict)

    async def happen(self, step: str) -> None:  # noqa: C901 - a list of what can happen
        match step:
            case "ask":
                await self._ask(self.house.turn("a fox", user=self._one_of("ada", "bob"), options=self._options()))
            case "edit":
                await self._edit()
            case "again" if self.asked:
                assert not await self.house.core.intake.accept(self._one_of(*self.asked))
            case "run" if self.asked:
                await self.house.core.line.run(self._one_of(*self.asked).id)
            case "together" if self.asked:
                some = [self._one_of(*self.asked) for _ in range(3)]
                await asyncio.gather(*(self.house.core.line.run(turn.id) for turn in some))
            case "cancel" if self.asked:
                turn = self._one_of(*self.asked)
                with contextlib.suppress(Declined):
                    await self.house.core.intake.cancel(turn.id, turn.author)
            case "crash":
                await self.crash()
            case "finish" | "refuse":
                await self._come_to_something(Refused(RefusalReason.MODERATION) if step == "refuse" else None)
            case "lost":
                self.house.images.submits.append(AnswerLost())
            case "history refused":
                self.house.images.refusals.append(self._one_of(*sorted(OF_HISTORY)))
            case "limited":
                self.house.images.submits.append(NotSent(Failed(FailureReason.OVERLOADED, 0.0)))
            case _ if step.startswith("busy"):
                troubles: list[ImagineError] = self.house.chat.troubles.setdefault(step.removeprefix("busy "), [])
                troubles.append(PlatformBusy(0.0))

    async def crash(self) -> None:
        """The process is gone between two steps; what it was sending is answered to nobody."""
        sender: Any = self.house.core.sender

        async def tell_nobody(*_: object) -> None:
            return

        sender._record = tell_nobody  # noqa: SLF001 - a process that dies tells nobody
        await self.house.close()
        await self.house.open(working=False)
        for name in await self.house.core.redis.keys(key("sender", "*")):
            await self.house.core.redis.delete(name)

    async def end(self) -> None:
        """Let everything come to its end."""
        for number in range(60):
            self.house.images.release.set()
            await self._come_to_something(None)
            ended = [await self.house.core.line.run(turn.id) is None for turn in self.asked]
            if all(ended):
                return
            await asyncio.sleep(0.002)
            await self._hurry(patience=number < 20)
        raise AssertionError("a turn does not end")

    async def _ask(self, turn: Turn) -> None:
        try:
            assert await self.house.core.intake.accept(turn)
        except Declined as refusal:
            assert refusal.reply == "declined.parent_gone"  # noqa: PT017 - any other is a failure
        else:
            self.asked.append(turn)

    async def _edit(self) -> None:
        shown = [turn for turn in self.asked if turn.id in self.house.chat.results]
        if shown:
            parent = self._one_of(*shown)
            thread = self.house.chat.announcements[parent.id].thread
            edit = self.house.turn("make it night", thread=thread, parent=ImageRef(parent.id))
            await self._ask(replace(edit, operation=Operation.EDIT))

    async def _come_to_something(self, status: Refused | None) -> None:
        """Requests that the service has in hand end, and their turns hear of it."""
        for request, _ in self.house.images.made:
            if self.house.images.statuses[request.id].kind == "queued":
                self.house.images.finish(status, request.id)
        for turn in self.asked:
            if record := await self.house.core.turns.read(turn.id):
                await settle_requests(self.house, turn, record.drawings)

    async def _hurry(self, *, patience: bool) -> None:
        """Nobody waits for what would only take time; a search is given up once there is nothing to be found."""
        for turn in self.asked:
            if record := await self.house.core.turns.read(turn.id):
                for index, drawing in enumerate(record.drawings):
                    lost_at = drawing.lost_at if patience else min(drawing.lost_at, 1.0)
                    hurried = replace(drawing, not_before=0.0, lost_at=lost_at)
                    if hurried != drawing:
                        await self.house.core.turns.answer(turn.id, index, drawing, hurried)

    def _options(self) -> Options:
        return Options(count=self.choose.randint(1, 2))

    def _one_of(self, *things: Any) -> Any:
        return self.choose.choice(things)


@settings(
    max_examples=settings().max_examples // 10,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(st.sampled_from((*STEPS, *TROUBLES)), min_size=5, max_size=25),
    held=st.booleans(),
    at_once=st.booleans(),
    seed=st.integers(0, 2**16),
)
async def test_whatever_happens_every_turn_ends_once_and_leaves_nothing(
    redis: Redis, redis_url: str, steps: list[str], held: bool, at_once: bool, seed: int
) -> None:
    await redis.flushall()
    images = FakeImages(held=held, finish_at_once=at_once)
    house = await House(redis_url, FakeChat(), images, LIMITS).open(working=False)
    try:
        story = Story(house, random.Random(seed))
        for step in ("ask", *steps):
            await story.happen(step)
        await story.end()
        await kept_their_promises(story)
    finally:
        images.release.set()
        await house.close()


async def kept_their_promises(story: Story) -> None:
    house = story.house
    assert all(count == 1 for count in house.chat.posts.values()), house.chat.posts
    assert len(house.images.made) <= sum(turn.options.count for turn in story.asked)
    costs = 0
    for turn in story.asked:
        how = await house.ended(turn, 1)
        thread = house.chat.announcements[turn.id].thread
        node = await house.core.conversations.node(thread, turn.id)
        assert (how == "done") == (node is not None) == (turn.id in house.chat.results), (how, node)
        costs += node.cost if node else 0
        if node and node.parent:
            assert await house.core.conversations.node(thread, node.parent.node) is not None
        assert house.chat.last(turn.id).stage.final
    spends = [int(await house.core.redis.get(name) or 0) for name in await house.core.redis.keys(key("spend", "*"))]
    assert costs <= sum(spends) <= sum(turn.options.count for turn in story.asked) * 1000
    await house.core.sender.drain(1.0)
    await what_the_dead_were_sending_stands_in_nobodys_way(house)
    assert await house.core.turns.count_open() == 0
    assert await left(house), sorted(await house.core.redis.keys(key("*")))


async def what_the_dead_were_sending_stands_in_nobodys_way(house: House) -> None:
    """A process that died after its turn had ended could not say so: its word expires, and blocks nothing."""
    for name in await house.core.redis.keys(key("sends", "*")):
        assert await house.core.redis.ttl(name) > 0
        if await house.core.redis.type(name) == b"hash":
            assert b"lost" not in await house.core.redis.hvals(text(name))
        await house.core.redis.delete(name)
