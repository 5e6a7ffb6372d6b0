"""The errors that cross a border of the core.

    ImagineError
    ├── Declined                 a turn that is not taken on: the person is told why, nothing was spent
    ├── ProviderError            the image service
    │   ├── NotSent              nothing of the request reached it, or it said that it made nothing: safe to send again
    │   ├── AnswerLost           sent, and what became of it is unknown: never send again blindly
    │   └── Unavailable          a call that costs nothing came to nothing: safe to make again
    ├── PlatformError            the chat platform
    │   ├── PlatformBusy         try again later
    │   └── PlatformGone         this place will not take it, now or later
    └── NotYet                   a turn gives its slot back and comes again

None carries a text for people: those are in `core.replies`, found by the fields here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.statuses import Failed


class ImagineError(Exception):
    """The root of what the core expects to go wrong."""


@dataclass(eq=False)
class Declined(ImagineError):
    """A turn is not taken on. `reply` names a sentence of `core.replies`, `details` fills it in."""

    reply: str
    details: Mapping[str, str | int] = field(default_factory=dict)


class ProviderError(ImagineError):
    """The image service did not do what it should."""


@dataclass(eq=False)
class NotSent(ProviderError):
    """No request was made, so sending the same again costs nothing; `failure` says why and after how many seconds.

    With `failure.retry_after` None the reason stands until somebody does something about it.
    `limit` is the service's own rate, requests in seconds, where it told.
    """

    failure: Failed
    limit: tuple[int, float] | None = None


class AnswerLost(ProviderError):
    """A request may have been made, and charged, and its answer did not arrive."""


@dataclass(eq=False)
class Unavailable(ProviderError):
    """A call that costs nothing came to nothing; `failure` says why and after how many seconds to try again.

    With `failure.retry_after` None trying again will not help until somebody does something about it.
    """

    failure: Failed


class PlatformError(ImagineError):
    """The chat platform did not do what it should."""


@dataclass(eq=False)
class PlatformBusy(PlatformError):
    """The chat platform cannot take it now. `retry_after` is in seconds."""

    retry_after: float = 1.0


@dataclass(eq=False)
class PlatformGone(PlatformError):
    """The place, the permission or the message has gone.

    `operator` is a line for the log, without secrets. `reason` names the sentence of `picture` that tells a person why
    a picture could not be fetched.
    """

    operator: str = ""
    reason: str = ""


@dataclass(eq=False)
class NotYet(ImagineError):
    """Not an error: a turn cannot go on now, and means to be tried again in so many seconds, or when woken."""

    seconds: float
