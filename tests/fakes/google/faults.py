"""What can go wrong at Google, on request, and how Google says it."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeAlias

RPC = "type.googleapis.com/google.rpc."
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Wire(Enum):
    """A connection that breaks."""

    CUT_BEFORE = auto()
    """Nothing was drawn."""
    CUT_AFTER = auto()
    """It was drawn, and nothing of the answer arrives."""
    CUT_WITHIN = auto()
    """It was drawn, and half of the answer arrives."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Another answer than there should be; `drawn` says that it was drawn all the same."""

    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """An answer without a picture, and what the model says in its place."""

    reason: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A prompt that is not drawn."""

    reason: str


Happening: TypeAlias = Wire | Reply | Finish | Block


class Refusal(Exception):
    """An error, as Google words it."""

    def __init__(self, status: int, message: str, *details: dict[str, Any], name: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = error(status, message, *details, name=name)


def error(status: int, message: str, *details: dict[str, Any], name: str = "") -> dict[str, Any]:
    """The body of an error."""
    found = {"code": status, "message": message, "status": name or STATUSES[status]}
    return {"error": {**found, "details": list(details)} if details else found}


def because(reason: str) -> dict[str, Any]:
    """A detail that names the reason."""
    return {"@type": f"{RPC}ErrorInfo", "reason": reason, "domain": "googleapis.com"}


def later(delay: str) -> dict[str, Any]:
    """A detail that says when to come back, as Google writes a duration."""
    return {"@type": f"{RPC}RetryInfo", "retryDelay": delay}


def rate_limited(quota: str, *, value: str | None = "2", delay: str | None = "29.97s", message: str = "") -> Reply:
    """A quota that is used up."""
    violation = {"quotaId": quota} | ({"quotaValue": value} if value is not None else {})
    details: list[dict[str, Any]] = [{"@type": f"{RPC}QuotaFailure", "violations": [violation]}]
    if delay:
        details.append(later(delay))
    words = message or "You exceeded your current quota, please check your plan and billing details."
    return Reply(429, error(429, words, *details))


PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel"
PER_DAY = "GenerateRequestsPerDayPerProjectPerModel"
OVERLOADED = Reply(503, error(503, "The model is overloaded. Please try again later."))
INTERNAL = Reply(500, error(500, "An internal error has occurred."))
OUT_OF_CREDIT = Reply(402, error(402, "Your prepayment credits are depleted."))
GATEWAY = Reply(502, "<html><body>502 Bad Gateway</body></html>", drawn=True)
GARBAGE = Reply(200, "<<<", drawn=True)
EMPTY = Reply(200, "", drawn=True)
BAD_REQUEST = Reply(400, error(400, "Request contains an invalid argument."))
UNREADABLE = Reply(400, error(400, "Unable to process input image. Please retry or report in the forum."))
