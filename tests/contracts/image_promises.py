"""What an image service under contract shows of itself, and what can go wrong with it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any, Protocol

from core.ports import ImageProvider

DAY = 86_400.0
LIFETIME = 3_600.0


class Trouble(Enum):
    """What can go wrong with the next submit, or with what comes of it."""

    REFUSED = auto()
    """For its content."""
    UNREADABLE = auto()
    """A reference cannot be read."""
    BAD_REQUEST = auto()
    """The service behind the service does not take it."""
    RATE_LIMITED = auto()
    """Two a minute, the next in 29.97 seconds."""
    DAILY_LIMIT = auto()
    """What the account may have in a day is used up."""
    LATE_RATE_LIMIT = auto()
    """Accepted, and failed for the rate."""
    OVERLOADED = auto()
    NO_CREDIT = auto()
    FAILED = auto()
    CANCELLED = auto()
    CUT_BEFORE = auto()
    """The connection breaks and no request was made."""
    CUT_AFTER = auto()
    """The connection breaks and the request was made; so with the next four."""
    CUT_WITHIN = auto()
    GATEWAY_PAGE = auto()
    GARBAGE = auto()
    EMPTY_ANSWER = auto()
    INTERNAL_ERROR = auto()
    NO_IMAGE = auto()
    WORDS_ONLY = auto()
    NO_HISTORY = auto()
    LATE_LINK = auto()
    DEAD_LINK = auto()
    FOREIGN_LINK = auto()
    REDIRECT = auto()
    """The link leads to a host that nobody may fetch from."""
    HUGE = auto()
    STRANGE_STATUS = auto()


LOST_AND_MADE = (
    Trouble.CUT_AFTER,
    Trouble.CUT_WITHIN,
    Trouble.GATEWAY_PAGE,
    Trouble.GARBAGE,
    Trouble.EMPTY_ANSWER,
)
"""A request is there, and its answer is not."""


class Ability(StrEnum):
    """What not every service has."""

    LIST = "a list of its requests"
    STORAGE = "a storage of its own"
    OPEN_STORAGE = "a storage that everybody with a link can read"
    TELLS_HISTORY = "a history that it tells, or does not"
    SIGNS = "thought signatures that have to come back"


class ImageService(Protocol):
    """A double and the provider under test that talks to it."""

    abilities: frozenset[Ability]
    troubles: frozenset[Trouble]
    """What can go wrong with it."""

    @property
    def images(self) -> ImageProvider: ...

    @property
    def model(self) -> str:
        """A model that draws."""
        ...

    @property
    def posts(self) -> int:
        """How many submits were sent, whether or not they arrived."""
        ...

    @property
    def made(self) -> int:
        """How many requests were made, and maybe charged."""
        ...

    @property
    def keys_at_storage(self) -> int:
        """How often the storage was shown a key."""
        ...

    def next_submit(self, trouble: Trouble) -> None:
        """Let the next submit go wrong."""
        ...

    def next_grant_expires(self) -> None:
        """Let the next upload come too late for its grant."""
        ...

    def pictures_read(self, prompt: str) -> int:
        """How many references the service has read for the latest request with this prompt."""
        ...

    def turns_read(self, prompt: str) -> Sequence[dict[str, Any]]:
        """The conversation as the service has read it with the latest request with this prompt."""
        ...

    async def time_passes(self, seconds: float) -> None:
        """Let links die of age."""
        ...


@dataclass(slots=True)
class Clock:
    """The time, and what has been added to it."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead
