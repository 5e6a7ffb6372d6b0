"""What an image service says of a request: how far it is, what came of it, and why it came to nothing."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Request:
    """What the image service accepted. `submitted_at` is in seconds since the epoch, by the service's clock."""

    provider: str
    model: str
    id: str
    submitted_at: float


KEPT = "kept:"
"""What the links begin with that only the provider itself can follow: to bytes that it keeps for a while."""


@dataclass(frozen=True, slots=True)
class Output:
    """One picture of an answer: a link to it, or its bytes where the service answers in bytes.

    A link that begins with `KEPT` is shown to nobody.
    """

    url: str = ""
    data: bytes = field(default=b"", repr=False)


History: TypeAlias = list[dict[str, Any]]
"""A provider's own record of a conversation, oldest first: opaque JSON whose unknown keys go back untouched."""


@dataclass(frozen=True, slots=True)
class Queued:
    """The service has it in its line. `moved` is false while it has not touched the request since it was made."""

    moved: bool = False
    kind: Literal["queued"] = "queued"


@dataclass(frozen=True, slots=True)
class Running:
    """The service is drawing."""

    kind: Literal["running"] = "running"


@dataclass(frozen=True, slots=True)
class Succeeded:
    """Drawn. `history` is what the next turn has to send back, None where there is none.

    `outgrown` says that there is none because it has grown larger than can be kept or sent.
    """

    outputs: tuple[Output, ...]
    history: History | None = None
    outgrown: bool = False
    kind: Literal["succeeded"] = "succeeded"


class RefusalReason(StrEnum):
    """Why a service will not draw this; each has a sentence of its own in `core.replies`."""

    MODERATION = "moderation"
    RECITATION = "recitation"
    """It would have come too close to something that exists."""
    PERSONAL_DATA = "personal_data"
    HOUSE_RULE = "house_rule"
    """By a rule that whoever runs the bot has set at the service."""
    LANGUAGE = "language"
    """The model does not speak the language of the prompt."""
    REJECTED = "rejected"
    """Refused without saying whether for its content or its form."""
    INVALID = "invalid"
    REFERENCE_UNREADABLE = "reference_unreadable"
    TOO_LONG = "too_long"
    """More words and pictures, with all that came before, than the model takes in."""
    HISTORY = "history"
    """The service does not go on from the history that it gave."""
    WORDS_ONLY = "words_only"
    """The model answered in words; they are in `words`."""


OF_HISTORY = frozenset({RefusalReason.HISTORY, RefusalReason.REFERENCE_UNREADABLE, RefusalReason.TOO_LONG})
"""What may be wrong with what came before a turn, and not with the turn."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The service will not draw this; sending it again would not help."""

    reason: RefusalReason
    words: str = ""
    kind: Literal["refused"] = "refused"


class FailureReason(StrEnum):
    """Why a request came to nothing although nothing was wrong with it."""

    RATE_LIMITED = "rate_limited"
    DAILY_LIMIT = "daily_limit"
    """What the service grants in a day is used up."""
    OVERLOADED = "overloaded"
    UNREACHABLE = "unreachable"
    MODEL_GONE = "model_gone"
    NO_IMAGE = "no_image"
    CANCELLED = "cancelled"
    STUCK = "stuck"
    """Past its deadline without an end."""
    LOST = "lost"
    """Sent, never answered and not to be found: it may have been charged."""
    NO_CREDIT = "no_credit"
    BAD_KEY = "bad_key"
    WRONG_HOST = "wrong_host"
    WRONG_REGION = "wrong_region"
    """The service does not serve the country that we call from."""
    DAMAGED = "damaged"
    """The picture that came is not one, or could not be fetched."""
    INTERNAL = "internal"


OUTAGES = frozenset({FailureReason.UNREACHABLE, FailureReason.OVERLOADED, FailureReason.INTERNAL})
"""What passes by itself."""
ACCOUNT = frozenset(
    {FailureReason.NO_CREDIT, FailureReason.BAD_KEY, FailureReason.WRONG_HOST, FailureReason.WRONG_REGION}
)
"""What an operator has to see to, whatever the model."""
STANDING = ACCOUNT | {FailureReason.DAILY_LIMIT, FailureReason.MODEL_GONE}
"""What the next request would meet as well."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Came to nothing. `retry_after` seconds, where trying the same again later is safe and free.

    `instead` is the model to take in place of one that has gone, where one is known.
    """

    reason: FailureReason
    retry_after: float | None = None
    instead: str = ""
    kind: Literal["failed"] = "failed"


Status: TypeAlias = Queued | Running | Succeeded | Refused | Failed
Ended: TypeAlias = Succeeded | Refused | Failed
