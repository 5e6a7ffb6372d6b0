"""What the workspace asks of the core's door."""

from typing import Protocol

from core.choices import Choices
from core.turns import Person, ThreadKey, Turn, TurnId


class Chosen(Protocol):
    """What is asked of `core.choices.ModelChoices`."""

    async def of_workspace(self, platform: str, workspace: str) -> Choices:
        """The choices of a workspace."""
        ...

    async def change(self, platform: str, workspace: str, choices: Choices) -> None:
        """Put new choices in the place of the old."""
        ...


class Intake(Protocol):
    """What is asked of `core.intake.Intake`."""

    @property
    def choices(self) -> Chosen:
        """The models that workspaces have chosen."""
        ...

    async def renewed(self, choices: Choices) -> Choices:
        """Choices with what has taken the place of models that have ended."""
        ...

    async def usual(self, where: ThreadKey) -> str:
        """The model that draws in a place when nobody names one."""
        ...

    async def estimate(self, turn: Turn) -> int:
        """What would be reserved for a turn, in micro-dollars. Raises `Declined`."""
        ...

    async def accept(self, turn: Turn) -> bool:
        """Take a turn on: True when that is news. Raises `Declined`."""
        ...

    async def cancel(self, turn_id: TurnId, by: Person, *, moderator: bool = False) -> None:
        """Cancel a turn. Raises `Declined`."""
        ...
