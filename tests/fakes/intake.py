"""A core that takes turns on and does nothing with them."""

import asyncio
from dataclasses import dataclass, field

from core.choices import Choices
from core.errors import Declined
from core.turns import Person, ThreadKey, Turn, TurnId
from core.wording import Wording


@dataclass(slots=True)
class FakeChoices:
    """What workspaces have chosen about models: nothing at first."""

    made: dict[tuple[str, str], Choices] = field(default_factory=dict)

    async def of_workspace(self, platform: str, workspace: str) -> Choices:
        return self.made.get((platform, workspace), Choices())

    async def change(self, platform: str, workspace: str, choices: Choices) -> None:
        self.made[platform, workspace] = choices


@dataclass(slots=True)
class FakeIntake:
    """Keeps what was accepted, each turn once. `refusal` is raised instead of the next; `hanging` keeps all waiting."""

    turns: dict[TurnId, Turn] = field(default_factory=dict)
    cancelled: list[tuple[TurnId, Person]] = field(default_factory=list)
    offered: list[Turn] = field(default_factory=list)
    estimated: list[Turn] = field(default_factory=list)
    refusal: Exception | None = None
    hanging: asyncio.Event | None = None
    wording: Wording | None = None
    choices: FakeChoices = field(default_factory=FakeChoices)
    successors: dict[str, str] = field(default_factory=dict)

    async def usual(self, where: ThreadKey) -> str:
        """What draws when nobody names a model."""
        return await self.usual_by(await self.choices.of_workspace(where.platform, where.workspace), where.channel)

    async def usual_by(self, choices: Choices, channel: str = "") -> str:
        """The same by choices."""
        return await self.current(choices.wishes(channel, "m1")[0])

    async def estimate(self, turn: Turn) -> int:
        """Four cents for each picture."""
        self.estimated.append(turn)
        if self.refusal:
            raise self.refusal
        return 40_000 * turn.options.count

    async def current(self, model: str) -> str:
        """The model, or what has taken its place."""
        return self.successors.get(model, model)

    async def renewed(self, choices: Choices) -> Choices:
        """Choices with what has taken the place of models that have ended."""
        return choices.renamed(self.successors)

    @property
    def only(self) -> Turn:
        """The one turn that was accepted."""
        (turn,) = self.turns.values()
        return turn

    async def accept(self, turn: Turn) -> bool:
        self.offered.append(turn)
        if self.hanging:
            await self.hanging.wait()
        if self.refusal:
            refusal, self.refusal = self.refusal, None
            raise refusal
        return self.turns.setdefault(turn.id, turn) is turn

    async def cancel(self, turn_id: TurnId, by: Person, *, moderator: bool = False) -> None:
        if self.turns[turn_id].author != by:
            raise Declined("declined.not_yours", {"name": self.turns[turn_id].author.name})
        self.cancelled.append((turn_id, by))
