"""What the contract asks of a chat platform's double: to act as a person there, and to tell what people see."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from redis.asyncio import Redis

from core.ports import ChatPlatform
from core.turns import Reference, ThreadKey
from tests.fakes.intake import FakeIntake


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as somebody sees it who can read but not see: its bytes and its alt text."""

    data: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as people see it: its text as displayed, not as written on the wire, and whom it pings."""

    id: str
    text: str
    pictures: tuple[Picture, ...] = ()
    pinged: tuple[str, ...] = ()


class Harness(Protocol):
    """One chat platform with a person at it, and our bot."""

    @property
    def chat(self) -> ChatPlatform:
        """The adapter under test."""
        ...

    @property
    def intake(self) -> FakeIntake:
        """What its events are given to."""
        ...

    async def imagine(self, text: str, event: str) -> None:
        """The person gives the command with this text; returns once the platform has been answered.

        The same `event` is the same event, told again.
        """
        ...

    async def attach(self, data: bytes, name: str) -> Reference:
        """The person gives the command with a picture; gives the reference that the adapter made of it."""
        ...

    async def seen(self, thread: ThreadKey) -> Sequence[Seen]:
        """Every message that people see in a conversation, with the one that it hangs on, oldest first."""
        ...

    async def echo(self, thread: ThreadKey) -> None:
        """The platform tells the bot of the bot's own latest message there, where it does such a thing."""
        ...


@dataclass(frozen=True, slots=True)
class Platform:
    """How a platform is opened, and what it promises beyond the contract.

    `acknowledges_first`: the platform waits only seconds for an answer, so one has to go out before the turn is taken
    on. Where the page itself waits, it does not.
    """

    open: Callable[[Redis, Path], AbstractAsyncContextManager[Harness]]
    acknowledges_first: bool
