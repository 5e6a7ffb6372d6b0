"""What goes wrong on request, so that a test can see what comes of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias


class Operation(StrEnum):
    """The calls of the service."""

    SUBMIT = "submit"
    LOOK = "look"
    LIST = "list"
    MODELS = "models"
    MODEL = "model"
    GRANT = "grant"
    UPLOAD = "upload"
    DOWNLOAD = "download"


class Fate(StrEnum):
    """What becomes of a request."""

    SUCCESS = "success"

    REFUSED = "refused"
    """Moderation. A held submit answers 400 with the id of the failed request."""
    UNREADABLE = "unreadable"
    """A reference cannot be fetched. Answered like moderation, told apart only in the record."""
    BACKEND_ERROR = "backend_error"
    """The submit answers 500 without an id; a failed request is in the list."""
    OVERLOADED = "overloaded"
    """The submit answers 503 with the id of a failed request."""
    RATE_LIMITED = "rate_limited"
    """Accepted, then failed with the words of a rate limit."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    STUCK = "stuck"
    """Queued for ever, never touched."""

    NO_IMAGE = "no_image"
    NO_OUTCOME = "no_outcome"
    """Success, and `outcome` stays null."""
    WORDS_ONLY = "words_only"
    """The model answered in words."""
    INLINE = "inline"
    """The picture is in the answer, in Google's own shape."""
    PLAIN_LINKS = "plain_links"
    """`media_urls` is a list of strings."""
    FLAT_LINK = "flat_link"
    """The link is in `image_url`."""
    LATE_LINK = "late_link"
    """The link answers 404 for the fault's `seconds` after success."""
    DEAD_LINK = "dead_link"
    """The link answers 404 for ever."""
    FOREIGN_LINK = "foreign_link"
    """The link is of a host that nobody may fetch from."""
    REDIRECT = "redirect"
    """The link leads on to such a host."""
    LYING_TYPE = "lying_type"
    """JPEG bytes under a `.png` name and type."""
    NOT_A_PICTURE = "not_a_picture"
    TRUNCATED = "truncated"
    """Half a picture, with the length of a half."""
    CORRUPT = "corrupt"
    """A picture whose middle was overwritten."""
    HUGE = "huge"
    """A result that does not end before 200 MB."""

    NO_HISTORY = "no_history"
    """Success without `next_turn_contents`."""
    HISTORY_OUTSIDE = "history_outside"
    """`next_turn_contents` beside `outcome` rather than in it."""
    STRANGE_STATUS = "strange_status"
    """A word that nobody knows, until the end."""
    SHOUTED_STATUS = "shouted_status"
    """Statuses in capitals."""

    @property
    def fails(self) -> bool:
        """Whether it ends without success, and uncharged."""
        return self in _FAILING


_FAILING = frozenset(
    {
        Fate.REFUSED,
        Fate.UNREADABLE,
        Fate.BACKEND_ERROR,
        Fate.OVERLOADED,
        Fate.RATE_LIMITED,
        Fate.FAILED,
        Fate.CANCELLED,
    }
)


class Wire(StrEnum):
    """What happens to the connection."""

    CUT_BEFORE = "cut_before"
    """Closed before anything was done: no request exists."""
    CUT_AFTER = "cut_after"
    """Done, and closed before a byte of the answer; after the fault's `seconds` if those are over first."""
    CUT_WITHIN = "cut_within"
    """Done, and closed in the middle of the answer's body."""
    DELAY = "delay"
    """Nothing is done for the fault's `seconds`."""
    DRIP = "drip"
    """The answer's body comes bit by bit over the fault's `seconds`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in place of the true one. With `done`, what was asked for was done all the same."""

    status: int
    body: str | Mapping[str, Any] = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    done: bool = False


def gateway(status: int = 502, *, done: bool = False) -> Answer:
    """A gateway's page: whether the request behind it exists is anybody's guess."""
    page = f"<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>"
    return Answer(status, page, content_type="text/html", done=done)


def rate_limited(model: str, *, retry_after_ms: float = 50, requests: int = 2, seconds: float = 60) -> Answer:
    """The documented 429, with any number in it."""
    text = f"Rate limit exceeded for model {model}: {requests} requests per {seconds:g} seconds."
    limit = {"limit_type": "RPM", "limit": requests, "interval_seconds": seconds, "retry_after_ms": retry_after_ms}
    return Answer(429, {"error": f"{text} Retry in {retry_after_ms} ms.", "rate_limit": limit})


NO_CREDIT = Answer(402, {"error": "Insufficient credits. Please add more credits to your account."})
NO_ACCESS = Answer(404, {"error": "you do not have access to this model"})
TOO_LARGE = Answer(413, {"error": "request entity too large"})
INTERNAL = Answer(500, {"error": {"message": "internal error", "details": '{"trace":"none"}'}})
GARBAGE = Answer(200, '{"request_id": "', done=True)
EMPTY = Answer(200, "", done=True)

Happening: TypeAlias = Fate | Wire | Answer


@dataclass(slots=True)
class Fault:
    """One thing to go wrong, `times` times, on calls that match. `prompt` is a part of the prompt's text."""

    what: Happening
    operation: Operation = Operation.SUBMIT
    times: int = 1
    prompt: str = ""
    model: str = ""
    seconds: float | None = None

    def matches(self, operation: Operation, model: str, prompt: str) -> bool:
        """Whether it is meant for this call."""
        return self.operation is operation and self.prompt in prompt and self.model in ("", model)


class Faults:
    """The faults still to come, first added first. A submit can have a fate and a disturbance at once."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []

    def add(
        self,
        what: Happening,
        *,
        operation: Operation = Operation.SUBMIT,
        times: int = 1,
        prompt: str = "",
        model: str = "",
        seconds: float | None = None,
    ) -> Fault:
        """Let the next `times` matching calls go wrong. Fates belong to submits.

        Raises ValueError for a fate on any other call.
        """
        if isinstance(what, Fate) and operation is not Operation.SUBMIT:
            raise ValueError("only a submit has a fate")
        fault = Fault(what, operation, times, prompt, model, seconds)
        self._pending.append(fault)
        return fault

    def disturbance(self, operation: Operation, model: str = "", prompt: str = "") -> Fault | None:
        """What disturbs this call, now used up by one."""
        return self._take(
            fault
            for fault in self._pending
            if not isinstance(fault.what, Fate) and fault.matches(operation, model, prompt)
        )

    def fate(self, model: str, prompt: str) -> Fault | None:
        """What becomes of this submit, now used up by one."""
        return self._take(
            fault
            for fault in self._pending
            if isinstance(fault.what, Fate) and fault.matches(Operation.SUBMIT, model, prompt)
        )

    def _take(self, matching: Iterator[Fault]) -> Fault | None:
        fault = next(matching, None)
        if fault:
            fault.times -= 1
            if not fault.times:
                self._pending.remove(fault)
        return fault

    def clear(self) -> None:
        """Let everything go well from now on."""
        self._pending.clear()

    def __len__(self) -> int:
        return sum(fault.times for fault in self._pending)
