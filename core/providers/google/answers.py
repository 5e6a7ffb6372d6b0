"""What an HTTP answer of Google's means: whether something was drawn, whether to send it again, and when.

Google does not charge for a request that it answers with an error ("if your request fails with a 400 or 500 error",
billing page of the Gemini API), so an error in Google's own form is certain to have made nothing. An error page of
somebody in between is not. Texts of errors are for sorting alone: they name keys and projects, and no person or log is
shown them.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
import structlog

from core.errors import AnswerLost, NotSent, Unavailable
from core.providers.google.models import successor
from core.providers.http import Answer
from core.statuses import Failed, FailureReason, RefusalReason, Refused

RETRY_SECONDS = 15.0
BACK_OFF_SECONDS = 20.0
LEAST_RETRY, MOST_RETRY = 1.0, 300.0
MINUTE = 60.0

_FILE = r"\b(image|file|url|uri|media)s?\b"
_UNREADABLE = re.compile(
    rf"\b(process|fetch|read|decode|download|access|load|retrieve)\b.{{0,60}}{_FILE}"
    rf"|{_FILE}.{{0,60}}\b(invalid|unsupported|expired|not (valid|exist|found|accessible|in an active))"
    rf"|{_FILE}.{{0,60}}\btoo (large|big)\b"
    r"|\bunsupported (mime|file)",
    re.IGNORECASE,
)
_BILLING = re.compile(r"billing|prepay|credits?\b|spend(ing)? (cap|limit)|payment", re.IGNORECASE)
_KEY = re.compile(r"api.?key|credential|unauthenticated", re.IGNORECASE)
_REGION = re.compile(r"location is not supported", re.IGNORECASE)
_NOTHING_GRANTED = re.compile(r"\blimit: 0\b")
_RETRY_IN = re.compile(r"retry in (\d{1,6}(?:\.\d{1,12})?)\s*(ms|s)", re.IGNORECASE)
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,12})?)s")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as Google tells it."""

    status: str
    message: str
    reasons: frozenset[str]
    quotas: tuple[tuple[str, float | None], ...]
    """The quotas that were exceeded: the name, and how much it grants."""
    retry_delay: float | None

    @classmethod
    def of(cls, body: Any) -> "Trouble | None":
        """The error that a body holds; None where it is none of Google's."""
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, dict):
            return None
        details = [detail for detail in _list(error.get("details")) if isinstance(detail, dict)]
        return cls(
            status=_text(error.get("status")),
            message=_text(error.get("message")),
            reasons=frozenset(_text(detail.get("reason")) for detail in details),
            quotas=tuple(_quotas(details)),
            retry_delay=next(filter(None, (_duration(detail.get("retryDelay")) for detail in details)), None),
        )


def refusal_of(answer: Answer, model: str) -> Refused:
    """Why Google drew nothing for what it was sent.

    Raises:
        NotSent: the reason is not in what was sent; it may be sent again as the failure says.
        AnswerLost: something may have been drawn.
    """
    trouble = Trouble.of(answer.body)
    if trouble is None and not (httpx.codes.is_client_error(answer.status) or httpx.codes.is_redirect(answer.status)):
        log.warning("an answer does not say what became of a request", status=answer.status)
        raise AnswerLost
    if trouble is not None and answer.status == HTTPStatus.GATEWAY_TIMEOUT:
        raise AnswerLost
    failure = _failure(answer, trouble, model)
    if failure is not None:
        limit = _limit(trouble) if failure.reason is FailureReason.RATE_LIMITED else None
        raise NotSent(failure, limit=limit)
    return Refused(_refusal(answer.status, trouble))


def require(answer: Answer) -> Any:
    """The JSON of a call that costs nothing. Raises `Unavailable` where it did not bring any."""
    if answer.ok and isinstance(answer.body, dict | list):
        return answer.body
    failure = _failure(answer, Trouble.of(answer.body), "")
    raise Unavailable(failure or Failed(FailureReason.INTERNAL, retry_after=RETRY_SECONDS))


def is_missing(answer: Answer) -> bool:
    """Whether a file is not there, or not ours: Google makes no difference."""
    trouble = Trouble.of(answer.body)
    return trouble is not None and (
        answer.status == HTTPStatus.NOT_FOUND
        or (answer.status == HTTPStatus.FORBIDDEN and bool(_UNREADABLE.search(trouble.message)))
    )


def _failure(answer: Answer, trouble: Trouble | None, model: str) -> Failed | None:
    """What is wrong on our side or Google's; None where it is with what was sent."""
    match answer.status:
        case HTTPStatus.BAD_REQUEST | HTTPStatus.FORBIDDEN:
            return _at_the_door(answer.status, trouble)
        case HTTPStatus.UNAUTHORIZED:
            return Failed(FailureReason.BAD_KEY)
        case HTTPStatus.PAYMENT_REQUIRED:
            return Failed(FailureReason.NO_CREDIT)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return _too_much(answer, trouble)
        # Timeouts, ABORTED and CANCELLED: nothing was wrong with what was sent.
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.CONFLICT | 499:
            return _overloaded(answer, trouble)
        case HTTPStatus.NOT_FOUND if trouble is not None:
            return Failed(FailureReason.MODEL_GONE, instead=successor(model))
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            return Failed(FailureReason.WRONG_HOST)
        case status if httpx.codes.is_redirect(status):
            return Failed(FailureReason.WRONG_HOST)
        case status if httpx.codes.is_server_error(status):
            return _overloaded(answer, trouble)
        case _:
            return None


def _at_the_door(status: int, trouble: Trouble | None) -> Failed | None:
    """Whether a 400 or 403 is about our key or account. A file that is not ours is a 403 too."""
    message, reasons = (trouble.message, trouble.reasons) if trouble else ("", frozenset[str]())
    if "BILLING_DISABLED" in reasons or _is_unpaid(trouble):
        return Failed(FailureReason.NO_CREDIT)
    if _REGION.search(message):
        return Failed(FailureReason.WRONG_REGION)
    if status == HTTPStatus.FORBIDDEN:
        return None if _UNREADABLE.search(message) else Failed(FailureReason.BAD_KEY)
    return Failed(FailureReason.BAD_KEY) if "API_KEY_INVALID" in reasons or _KEY.search(message) else None


def _overloaded(answer: Answer, trouble: Trouble | None) -> Failed:
    return Failed(FailureReason.OVERLOADED, retry_after=_retry_after(answer, trouble, otherwise=BACK_OFF_SECONDS))


def _too_much(answer: Answer, trouble: Trouble | None) -> Failed:
    """A limit of a minute passes by itself, that of a day does not, and some accounts are granted nothing at all."""
    if trouble and (_NOTHING_GRANTED.search(trouble.message) or any(granted == 0 for _, granted in trouble.quotas)):
        return Failed(FailureReason.NO_CREDIT)
    if trouble and any("perday" in name.lower() for name, _ in trouble.quotas):
        return Failed(FailureReason.DAILY_LIMIT)
    if trouble and not trouble.quotas and "per day" in trouble.message.lower():
        return Failed(FailureReason.DAILY_LIMIT)
    if trouble and not trouble.quotas and re.search(r"prepay|depleted|spend(ing)? cap", trouble.message, re.IGNORECASE):
        return Failed(FailureReason.NO_CREDIT)
    return Failed(FailureReason.RATE_LIMITED, retry_after=_retry_after(answer, trouble))


def _refusal(status: int, trouble: Trouble | None) -> RefusalReason:
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return RefusalReason.TOO_LONG
    message = trouble.message.lower() if trouble else ""
    if "thought" in message and "signature" in message:
        return RefusalReason.HISTORY
    if "token" in message and any(word in message for word in ("exceed", "maximum", "too long", "too many")):
        return RefusalReason.TOO_LONG
    if "payload size" in message or "request size" in message:
        return RefusalReason.TOO_LONG
    return RefusalReason.REFERENCE_UNREADABLE if _UNREADABLE.search(message) else RefusalReason.INVALID


def _is_unpaid(trouble: Trouble | None) -> bool:
    refuses = trouble is not None and trouble.status in ("FAILED_PRECONDITION", "PERMISSION_DENIED")
    return refuses and trouble is not None and bool(_BILLING.search(trouble.message))


def _limit(trouble: Trouble | None) -> tuple[int, float] | None:
    """How many requests in how many seconds Google grants, where it told."""
    for name, granted in trouble.quotas if trouble else ():
        if granted is not None and granted >= 1 and "RequestsPerMinute" in name:
            return int(granted), MINUTE
    return None


def _retry_after(answer: Answer, trouble: Trouble | None, *, otherwise: float = RETRY_SECONDS) -> float:
    """In how many seconds to ask again: as Google says, within bounds; `otherwise` where it does not."""
    told = trouble.retry_delay if trouble else None
    if told is None:
        told = _number(answer.headers.get("Retry-After"))
    if told is None and trouble and (found := _RETRY_IN.search(trouble.message)):
        told = float(found[1]) * (0.001 if found[2].lower() == "ms" else 1.0)
    return min(MOST_RETRY, max(LEAST_RETRY, otherwise if told is None else told))


def _quotas(details: Sequence[dict[str, Any]]) -> Iterator[tuple[str, float | None]]:
    for detail in details:
        for violation in _list(detail.get("violations")):
            if isinstance(violation, dict):
                yield (
                    _text(violation.get("quotaId")) or _text(violation.get("subject")),
                    _number(violation.get("quotaValue")),
                )
        metadata = detail.get("metadata")
        if isinstance(metadata, dict) and "quota_limit" in metadata:
            yield _text(metadata.get("quota_limit")), _number(metadata.get("quota_limit_value"))


def _duration(value: Any) -> float | None:
    """Seconds of a duration as Google writes it: `3.3s`."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return float(found[1]) if found else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
