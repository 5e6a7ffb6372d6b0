"""A core that takes turns on and does nothing with them."""

import asyncio
from dataclasses import dataclass, field

from core.choices import Choices
from core.errors import Declined
from core.turns import Person, ThreadKey, Turn, TurnId
from core.wording import Wording


class NothingChosen:
    """Workspaces that have chosen nothing about models."""

    async def of_workspace(self, platform: str, workspace: str) -> Choices:
        return Choices()


@dataclass(slots=True)
class FakeIntake:
    """Keeps what was accepted, each turn once. `refusal` is raised instead of the next; `hanging` keeps all waiting."""

    turns: dict[TurnId, Turn] = field(default_factory=dict)
    cancelled: list[tuple[TurnId, Person]] = field(default_factory=list)
    offered: list[Turn] = field(default_factory=list)
    refusal: Exception | None = None
    hanging: asyncio.Event | None = None
    wording: Wording | None = None
    choices: NothingChosen = field(default_factory=NothingChosen)

    async def usual(self, where: ThreadKey) -> str:
        """What draws when nobody names a model."""
        return "m1"

    async def usual_by(self, choices: Choices, channel: str = "") -> str:
        """The same by choices."""
        return choices.usual(channel, "m1")

    async def current(self, model: str) -> str:
        """No model ends here."""
        return model

    async def renewed(self, choices: Choices) -> Choices:
        """So all choices stay as they are."""
        return choices

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
