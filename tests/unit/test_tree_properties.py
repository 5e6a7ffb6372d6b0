"""Edits, variations, goings back, forks, deletions, crashes in any order: a tree stays one, its current picture right.

The story keeps its own account of what was asked for in which order, and nothing else: what should be current follows
from that, from which turns have ended, and from what was deleted.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.conversation import Place
from core.errors import Declined, PlatformBusy
from core.histories import pictures
from core.line import Line
from core.packing import key
from core.records import Drawing
from core.state import Checkpoint, Hold, Turns
from core.statuses import RefusalReason
from core.tree import Tree, placed
from core.turns import ImageRef, Operation, Options, Reference, ThreadKey, Turn, TurnId
from tests.unit.conftest import SETTINGS, House, MakeHouse

ROUNDS = 80
T = TypeVar("T")


class Cut(Exception):
    """The run ends here, as if its process had died."""


@dataclass
class Scissors:
    """Cuts a run at the checkpoint where `left` reaches zero: before it, after it, or by losing the lease at it."""

    left: int = 0
    how: str = ""

    def due(self) -> str:
        self.left -= 1
        return self.how if self.left == 0 else ""


@dataclass(slots=True)
class CutHold(Hold):
    """A hold whose run may be cut at any of its checkpoints."""

    scissors: Scissors = field(default_factory=Scissors)

    async def save(self, **checkpoints: Checkpoint) -> None:
        await self._cut_around(Hold.save(self, **checkpoints))

    async def save_drawing(self, index: int, drawing: Drawing) -> None:
        await self._cut_around(Hold.save_drawing(self, index, drawing))

    async def begin_anew(self, reason: RefusalReason) -> None:
        await self._cut_around(Hold.begin_anew(self, reason))

    async def _cut_around(self, write: Coroutine[object, object, None]) -> None:
        due = self.scissors.due()
        if due == "before":
            write.close()
            raise Cut
        if due == "lost":
            await self.redis.delete(key("lease", self.record.turn.id))
        await write
        if due == "after":
            raise Cut


class CutTurns(Turns):
    """Turns whose holds may be cut, also right before and after their end."""

    scissors = Scissors()

    @asynccontextmanager
    async def hold(self, turn_id: TurnId) -> AsyncIterator[Hold | None]:
        async with super().hold(turn_id) as hold:
            yield CutHold(hold.record, hold.token, hold.redis, self.scissors) if hold else None

    async def end(self, hold: Hold, *, how: str, spent: int) -> None:
        due = self.scissors.due()
        if due == "before":
            raise Cut
        await super().end(hold, how=how, spent=spent)
        if due == "after":
            raise Cut


@dataclass
class Story:
    """A house that things happen to, and the account of what was asked for: turns and goings back, in their order."""

    house: House
    asked: list[Turn] = field(default_factory=list)
    account: dict[ThreadKey, list[tuple[TurnId, ImageRef]]] = field(default_factory=dict)
    nodes: list[tuple[ThreadKey, TurnId]] = field(default_factory=list)
    parents: dict[tuple[ThreadKey, TurnId], ImageRef | None] = field(default_factory=dict)
    moves: list[tuple[ThreadKey, ImageRef, str]] = field(default_factory=list)
    removed: set[tuple[ThreadKey, TurnId]] = field(default_factory=set)
    events: int = 0

    def __post_init__(self) -> None:
        core = self.house.core
        self.turns = CutTurns(core.redis, ttl=SETTINGS.conversation_ttl)
        self.line = Line(replace(core.line.crew, turns=self.turns))
        self.tree = Tree(core.conversations, core.workshop)

    async def happen(self, what: str, which: int, how: int) -> None:  # noqa: C901, PLR0912 - a list of what can happen
        match what:
            case "ask":
                await self._ask(self.house.turn(options=Options(count=1 + how % 2)))
            case "edit" | "vary" if self.nodes:
                await self._go_on(what, *await self._picture(which, how))
            case "again" if self.nodes:
                await self._again(*self._one(self.nodes, which))
            case "edit current" if self.nodes:
                thread, _ = self._one(self.nodes, which)
                head = await self.house.core.conversations.head(thread)
                assert head is not None
                await self._go_on("edit", thread, head)
            case "run" if self.asked:
                await self._run(self._open(which), Scissors(how // 3, ("before", "after", "lost")[how % 3]))
            case "finish" if self.asked:
                turn = self._open(which)
                for _ in range(ROUNDS):
                    await self._run(turn, Scissors())
                    if not await self.turns.read(turn.id):
                        break
                    await asyncio.sleep(0.001)
            case "run together" if self.asked:
                some = {self._one(self.asked, which + more).id for more in range(3)}
                self.turns.scissors = Scissors()
                await asyncio.gather(*(self.line.run(turn) for turn in some))
            case "undo" | "restore" if self.nodes:
                await self._go_back(what, *await self._picture(which, how))
            case "fork" if self.nodes:
                await self._fork(*await self._picture(which, how))
            case "delete" if self.nodes:
                thread, node = self._one(self.nodes, which)
                head = await self.house.core.conversations.head(thread)
                node = head.node if head and how % 2 else node
                await self.house.core.conversations.mark_removed(thread, node)
                self.removed.add((thread, node))
            case "turn again" if self.asked:
                assert not await self.house.core.intake.accept(self._one(self.asked, which))
            case "move again" if self.moves:
                thread, image, event = self._one(self.moves, which)
                assert not await self.house.core.conversations.make_current(thread, image, event=event)
            case "stumble":
                verb = ("announce", "announce!", "deliver", "deliver!", "update")[how % 5]
                self.house.chat.troubles.setdefault(verb, []).append(PlatformBusy(0.0))
            case "refuse history":
                self.house.images.refusals.append(RefusalReason.HISTORY)
        await self.learn()

    async def end(self) -> None:
        """Let everything come to its end, and see that it did once."""
        for number in range(ROUNDS):
            for turn in self.asked:
                await self._run(turn, Scissors())
                await self._hurry(turn, patience=number < ROUNDS // 2)
            await asyncio.sleep(0.001)
            if not await self.house.core.turns.count_open():
                break
        await self.learn()
        chat = self.house.chat
        for turn in self.asked:
            how = await self.house.core.redis.hget(key("turn", turn.id), "ended")
            thread = chat.announcements[turn.id].thread
            node = await self.house.core.conversations.node(thread, turn.id)
            # Whoever died between noting a sending and making it leaves one that is never found.
            assert how in (b"done", b"failed")
            assert (how == b"done") == (node is not None)
            assert (chat.posts[f"announce {turn.id}"], chat.posts[f"deliver {turn.id}"]) == (1, how == b"done")
            if node is None:
                continue
            assert (node.prompt, node.parent, node.message) == (turn.prompt, turn.parent, f"p-{turn.id}")
            assert await self.house.core.conversations.find(thread, node.message) == ImageRef(turn.id)
            assert 1 <= len(node.images) <= turn.options.count
            assert len({image.url for image in node.images}) == len(node.images), "one picture stands for two"
        for thread, made in self.nodes:
            await self._goes_on_from_every_picture(thread, made)

    async def _goes_on_from_every_picture(self, thread: ThreadKey, made: TurnId) -> None:
        """What the service is told of a picture ends with that picture, and no turn before it is missing."""
        node = await self.house.core.conversations.node(thread, made)
        assert node is not None
        for index, image in enumerate(node.images):
            history = await self.house.core.conversations.history(thread, ImageRef(made, index)) or []
            assert [turn["role"] for turn in history] == ["user", "model"] * (len(history) // 2)
            assert pictures(history)[-1:] == [image.url]

    async def learn(self) -> None:
        """Take note of the nodes that have come, and look at every tree."""
        for turn in self.asked:
            announcement = self.house.chat.announcements.get(turn.id)
            if announcement and (announcement.thread, turn.id) not in self.nodes:
                if turn.parent is None:
                    self.account.setdefault(announcement.thread, [(turn.id, ImageRef(turn.id))])
                    self.parents[announcement.thread, turn.id] = None
                if await self.house.core.conversations.node(announcement.thread, turn.id):
                    self.nodes.append((announcement.thread, turn.id))
        for thread in {thread for thread, _ in self.nodes}:
            await self._look(thread)

    async def _look(self, thread: ThreadKey) -> None:
        conversations = self.house.core.conversations
        places, head = await conversations.places(thread), await conversations.head(thread)
        assert set(places) == {node for where, node in self.nodes if where == thread}
        for place in places.values():
            before = self.parents[thread, place.id]
            assert place.parent == (before.node if before else None)
            assert place.parent is None or place.parent in places
            assert len(list(self._upwards(places, place.id))) <= len(places)
        assert head == self._current(thread, places)

    def _current(self, thread: ThreadKey, places: dict[TurnId, Place]) -> ImageRef:
        _, image = [(name, image) for name, image in self.account[thread] if image.node in places][-1]
        here: ImageRef | None = image
        while here and (thread, here.node) in self.removed:
            here = self.parents[thread, here.node]
        return here or image

    def _upwards(self, places: dict[TurnId, Place], node: TurnId | None) -> list[TurnId]:
        found: list[TurnId] = []
        while node is not None:
            assert node not in found, "a circle"
            found.append(node)
            node = places[node].parent
        return found

    async def _ask(self, turn: Turn) -> None:
        assert await self.house.core.intake.accept(turn)
        self.asked.append(turn)

    async def _ask_in(self, thread: ThreadKey, turn: Turn) -> None:
        await self._ask(turn)
        self.account[thread].append((turn.id, ImageRef(turn.id)))
        self.parents[thread, turn.id] = turn.parent

    async def _go_on(self, what: str, thread: ThreadKey, parent: ImageRef) -> None:
        varies = what == "vary"
        turn = self.house.turn(
            f"{what} {len(self.asked)}",
            thread=thread,
            parent=parent,
            operation=Operation.VARIATIONS if varies else Operation.EDIT,
            options=Options(count=3 if varies else 1),
        )
        await self._ask_in(thread, turn)

    async def _again(self, thread: ThreadKey, node: TurnId) -> None:
        """The same turn anew, as the button asks for it; a copy in another thread has nothing to be made from."""
        for turn in self.asked:
            if turn.id == node:
                operation = turn.operation if turn.operation is Operation.VARIATIONS else Operation.AGAIN
                anew = self.house.turn(turn.prompt, thread=thread, parent=turn.parent, options=turn.options)
                await self._ask_in(thread, replace(anew, operation=operation))
                return

    async def _picture(self, which: int, how: int) -> tuple[ThreadKey, ImageRef]:
        """One of the pictures of a node."""
        thread, made = self._one(self.nodes, which)
        node = await self.house.core.conversations.node(thread, made)
        assert node is not None
        return thread, ImageRef(made, how % len(node.images))

    async def _run(self, turn: Turn, scissors: Scissors) -> None:
        self.turns.scissors = scissors
        try:
            await self.line.run(turn.id)
        except Cut:
            # The mark of a process that answers are awaited in runs out with it.
            for name in await self.house.core.redis.keys(key("sender", "*")):
                await self.house.core.redis.delete(name)

    async def _hurry(self, turn: Turn, *, patience: bool) -> None:
        """Nobody waits for what would only take time; a search is given up once there is nothing to be found."""
        record = await self.turns.read(turn.id)
        for index, drawing in enumerate(record.drawings if record else ()):
            lost_at = drawing.lost_at if patience else min(drawing.lost_at, 1.0)
            hurried = replace(drawing, not_before=0.0, lost_at=lost_at)
            if hurried != drawing:
                await self.turns.answer(turn.id, index, drawing, hurried)

    async def _go_back(self, what: str, thread: ThreadKey, image: ImageRef) -> None:
        self.events += 1
        event = f"press {self.events}"
        try:
            if what == "undo":
                reached = await self.tree.undo(thread, image.node, event=event)
            else:
                reached = await self.tree.restore(thread, image, event=event)
        except Declined as refusal:
            assert refusal.reply in ("tree.nothing_before", "tree.nothing_before_copy", "tree.picture_gone")  # noqa: PT017 - any other fails
            return
        self.moves.append((thread, reached.image, event))
        self.account[thread].append((TurnId(event), reached.image))

    async def _fork(self, thread: ThreadKey, image: ImageRef) -> None:
        self.events += 1
        name = TurnId(f"fake:w:fork-{self.events}")
        there = replace(thread, thread=f"fork-{self.events}")
        try:
            copy = await self.tree.fork(thread, image, as_turn=name, shared=True)
        except Declined as refusal:
            assert refusal.reply == "tree.picture_gone"  # noqa: PT017 - any other fails
            return
        shown = Reference("fork.png", channel="c", message=f"f-{self.events}", attachment="0")
        self.house.chat.files[f"f-{self.events}/0"] = b""
        for _ in range(2):  # the event comes twice
            await self.house.core.conversations.remember(
                there, placed(copy, [shown], shown.message), messages=[shown.message]
            )
        self.nodes.append((there, name))
        self.account[there] = [(name, ImageRef(name))]
        self.parents[there, name] = None

    def _open(self, which: int) -> Turn:
        """A turn without its pictures yet, while there is one."""
        made = {node for _, node in self.nodes}
        return self._one([turn for turn in self.asked if turn.id not in made] or self.asked, which)

    def _one(self, things: list[T], which: int) -> T:
        return things[which % len(things)]


STEPS = (
    "ask", "edit", "edit", "edit current", "vary", "again", "run", "run", "finish", "finish", "run together",
    "undo", "restore", "fork", "delete", "delete", "turn again", "move again", "stumble", "refuse history",
)  # fmt: skip
"""What can happen; what happens more often stands there more often."""


@pytest.fixture
async def patient_house(make_house: MakeHouse) -> Callable[[], House]:
    """A core at rest that takes on as much as one person asks for; a call, because its whole text would be told."""
    house = await make_house(settings=replace(SETTINGS, most_waiting=1000, most_running=16)).open(working=False)
    return lambda: house


@settings(
    max_examples=settings().max_examples // 4,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 30), st.integers(0, 17)), min_size=20, max_size=40))
async def test_the_tree_stays_a_tree_and_current_is_what_was_asked_for_last(
    patient_house: Callable[[], House], steps: list[tuple[str, int, int]]
) -> None:
    house = patient_house()
    await house.core.redis.flushall()
    house.chat.troubles.clear()
    house.images.refusals.clear()
    story = Story(house)
    await story.happen("ask", 0, 0)
    await story.happen("run", 0, 0)
    for step in steps:
        await story.happen(*step)
    await story.end()
