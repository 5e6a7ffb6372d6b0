"""Edits, goings back, forks, deletions and crashes in any order: a tree stays a tree, and its current picture is right.

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
from core.line import Line
from core.packing import key
from core.records import Drawing
from core.state import Checkpoint, Hold, Turns
from core.statuses import RefusalReason
from core.tree import Tree, placed
from core.turns import ImageRef, Operation, Reference, ThreadKey, Turn, TurnId
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
                await self._ask(self.house.turn())
            case "edit" if self.nodes:
                thread, node = self._one(self.nodes, which)
                await self._edit(thread, ImageRef(node))
            case "edit current" if self.nodes:
                thread, _ = self._one(self.nodes, which)
                head = await self.house.core.conversations.head(thread)
                assert head is not None
                await self._edit(thread, head)
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
                await self._go_back(what, *self._one(self.nodes, which))
            case "fork" if self.nodes:
                await self._fork(*self._one(self.nodes, which))
            case "delete" if self.nodes:
                thread, node = self._one(self.nodes, which)
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

    async def learn(self) -> None:
        """Take note of the nodes that have come, and look at every tree."""
        for turn in self.asked:
            announcement = self.house.chat.announcements.get(turn.id)
            if announcement and (announcement.thread, turn.id) not in self.nodes:
                if turn.parent is None:
                    self.account.setdefault(announcement.thread, [(turn.id, ImageRef(turn.id))])
                if await self.house.core.conversations.node(announcement.thread, turn.id):
                    self.nodes.append((announcement.thread, turn.id))
        for thread in {thread for thread, _ in self.nodes}:
            await self._look(thread)

    async def _look(self, thread: ThreadKey) -> None:
        conversations = self.house.core.conversations
        places, head = await conversations.places(thread), await conversations.head(thread)
        assert set(places) == {node for where, node in self.nodes if where == thread}
        assert sum(place.parent is None for place in places.values()) == 1
        for place in places.values():
            assert place.parent is None or place.parent in places
            assert len(list(self._upwards(places, place.id))) <= len(places)
        assert head == self._current(thread, places)

    def _current(self, thread: ThreadKey, places: dict[TurnId, Place]) -> ImageRef:
        _, image = [(name, image) for name, image in self.account[thread] if image.node in places][-1]
        standing = (node for node in self._upwards(places, image.node) if (thread, node) not in self.removed)
        return ImageRef(next(standing, image.node))

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

    async def _edit(self, thread: ThreadKey, parent: ImageRef) -> None:
        edit = self.house.turn(f"edit {len(self.asked)}", thread=thread, parent=parent, operation=Operation.EDIT)
        await self._ask(edit)
        self.account[thread].append((edit.id, ImageRef(edit.id)))

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

    async def _go_back(self, what: str, thread: ThreadKey, node: TurnId) -> None:
        self.events += 1
        event = f"press {self.events}"
        try:
            if what == "undo":
                reached = await self.tree.undo(thread, node, event=event)
            else:
                reached = await self.tree.restore(thread, ImageRef(node), event=event)
        except Declined as refusal:
            assert refusal.reply in ("tree.nothing_before", "tree.nothing_before_copy", "tree.picture_gone")  # noqa: PT017 - any other fails
            return
        image = reached.image
        self.moves.append((thread, image, event))
        self.account[thread].append((TurnId(event), image))

    async def _fork(self, thread: ThreadKey, node: TurnId) -> None:
        self.events += 1
        name = TurnId(f"fake:w:fork-{self.events}")
        there = replace(thread, thread=f"fork-{self.events}")
        try:
            copy = await self.tree.fork(thread, ImageRef(node), as_turn=name, shared=True)
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

    def _open(self, which: int) -> Turn:
        """A turn without its pictures yet, while there is one."""
        made = {node for _, node in self.nodes}
        return self._one([turn for turn in self.asked if turn.id not in made] or self.asked, which)

    def _one(self, things: list[T], which: int) -> T:
        return things[which % len(things)]


STEPS = (
    "ask", "edit", "edit", "edit current", "run", "run", "finish", "finish", "run together",
    "undo", "restore", "fork", "delete", "turn again", "move again", "stumble", "refuse history",
)  # fmt: skip
"""What can happen; what happens more often stands there more often."""


@pytest.fixture
async def patient_house(make_house: MakeHouse) -> Callable[[], House]:
    """A core at rest that takes on as much as one person asks for; a call, because its whole text would be told."""
    house = await make_house(settings=replace(SETTINGS, most_waiting=1000, most_running=16)).open(working=False)
    return lambda: house


@settings(
    max_examples=25,
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
