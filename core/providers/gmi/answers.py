"""What an answer of the service means: whether a request was made, whether it may be made again, and when."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx
import structlog

from core.errors import AnswerLost, NotSent, Unavailable
from core.providers.gmi.complaints import ending_of, is_capacity, seconds_in, spaced, words_of
from core.providers.gmi.shapes import Record
from core.providers.gmi.statuses import has_ended, status_of
from core.providers.http import Answer
from core.statuses import Failed, FailureReason, RefusalReason, Refused

RETRY_SECONDS = 15.0
LEAST_RETRY, MOST_RETRY = 1.0, 300.0
MOST_REQUESTS = 1_000_000
LONGEST_INTERVAL = 86_400.0

_BACKEND = re.compile(r"backend error\D{0,10}(4\d\d)", re.IGNORECASE)
_LIMIT = re.compile(r"(\d{1,7}) requests? per (\d{1,6}(?:\.\d{1,6})?) seconds?", re.IGNORECASE)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rejection:
    """The service will not draw this.

    `request_id` is of the record that it keeps of that, where it named one; `unnamed` says that it keeps one without
    having named it.
    """

    refused: Refused
    request_id: str = ""
    unnamed: bool = False


def read_submit(answer: Answer) -> Record | Rejection:
    """The request that a submit made, or why it made none that could come to something.

    Raises:
        NotSent: no request is running, and the same may be sent again as the failure says.
        AnswerLost: one may be running.
    """
    if answer.ok:
        return _accepted(answer)
    words = words_of(answer.body)
    match answer.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise NotSent(Failed(FailureReason.BAD_KEY))
        case HTTPStatus.PAYMENT_REQUIRED:
            raise NotSent(Failed(FailureReason.NO_CREDIT))
        case HTTPStatus.NOT_FOUND:
            raise NotSent(Failed(_missing(answer)))
        case HTTPStatus.TOO_MANY_REQUESTS:
            failure = Failed(FailureReason.RATE_LIMITED, retry_after=retry_after(answer))
            raise NotSent(failure, limit=rate_limit(answer))
        case HTTPStatus.INTERNAL_SERVER_ERROR if found := _BACKEND.search(words):
            return _wrapped(words, int(found[1]))
        case HTTPStatus.SERVICE_UNAVAILABLE if is_capacity(words):
            raise NotSent(Failed(FailureReason.OVERLOADED, retry_after=max(spaced(None), retry_after(answer))))
        case status if status == HTTPStatus.METHOD_NOT_ALLOWED or httpx.codes.is_redirect(status):
            raise NotSent(Failed(FailureReason.WRONG_HOST))
        case status if httpx.codes.is_client_error(status) and status != HTTPStatus.REQUEST_TIMEOUT:
            return _rejection(words, RefusalReason.INVALID, Record.of(answer.body).request_id)
        case _:
            raise _lost(answer)


def require(answer: Answer) -> Any:
    """The JSON of a call that costs nothing. Raises `Unavailable` where it did not bring any."""
    if answer.ok and isinstance(answer.body, dict | list):
        return answer.body
    raise Unavailable(_failure_of(answer))


def retry_after(answer: Answer) -> float:
    """Seconds to wait, as told by the header, the body or the text, in this order."""
    told = next((seconds for seconds in _told(answer) if seconds is not None), RETRY_SECONDS)
    return min(MOST_RETRY, max(LEAST_RETRY, told))


def rate_limit(answer: Answer) -> tuple[int, float] | None:
    """How many requests in how many seconds the service takes, where it told."""
    limit = _rate(answer)
    found = _LIMIT.search(words_of(answer.body))
    for requests, seconds in ((limit.get("limit"), limit.get("interval_seconds")), found.groups() if found else (0, 0)):
        count, interval = _number(requests), _number(seconds)
        if count and interval and 1 <= count <= MOST_REQUESTS and 0 < interval <= LONGEST_INTERVAL:
            return int(count), interval
    return None


def _accepted(answer: Answer) -> Record:
    record = Record.of(answer.body)
    if record.request_id or (has_ended(status_of(record)) and record.outcome is not None):
        return record
    raise _lost(answer)


def _rejection(words: str, otherwise: RefusalReason, request_id: str = "") -> Rejection:
    ending = ending_of(words)
    if isinstance(ending, Refused):
        return Rejection(ending, request_id)
    if ending.reason is FailureReason.INTERNAL:
        return Rejection(Refused(otherwise), request_id)
    raise NotSent(ending)


def _wrapped(words: str, status: int) -> Rejection:
    """A client error of the service behind the service: nothing runs, although a failed record is kept."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise NotSent(Failed(FailureReason.RATE_LIMITED, retry_after=spaced(seconds_in(words))))
    is_form = status in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)
    return replace(_rejection(words, RefusalReason.INVALID if is_form else RefusalReason.REJECTED), unnamed=True)


def _failure_of(answer: Answer) -> Failed:
    match answer.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return Failed(FailureReason.BAD_KEY)
        case HTTPStatus.PAYMENT_REQUIRED:
            return Failed(FailureReason.NO_CREDIT)
        case HTTPStatus.NOT_FOUND:
            return Failed(_missing(answer))
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Failed(FailureReason.RATE_LIMITED, retry_after=retry_after(answer))
        case status if status == HTTPStatus.METHOD_NOT_ALLOWED or httpx.codes.is_redirect(status):
            return Failed(FailureReason.WRONG_HOST)
        case status if httpx.codes.is_server_error(status):
            return Failed(FailureReason.OVERLOADED, retry_after=retry_after(answer))
        case _:
            return Failed(FailureReason.INTERNAL, retry_after=RETRY_SECONDS)


def _missing(answer: Answer) -> FailureReason:
    """A service that knows its models says so in JSON; any other 404 is of somebody else's server."""
    return FailureReason.MODEL_GONE if isinstance(answer.body, dict) else FailureReason.WRONG_HOST


def _lost(answer: Answer) -> AnswerLost:
    log.warning("an answer does not say what became of a request", status=answer.status)
    return AnswerLost()


def _rate(answer: Answer) -> dict[str, Any]:
    rate = answer.body.get("rate_limit") if isinstance(answer.body, dict) else None
    return rate if isinstance(rate, dict) else {}


def _told(answer: Answer) -> Iterator[float | None]:
    yield _header_seconds(answer.headers.get("Retry-After", ""))
    milliseconds = _number(_rate(answer).get("retry_after_ms"))
    yield None if milliseconds is None else milliseconds / 1000
    yield seconds_in(words_of(answer.body))


def _header_seconds(text: str) -> float | None:
    if (seconds := _number(text)) is not None:
        return seconds
    try:
        return (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


def _number(value: Any) -> float | None:
    """A number, also one in a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number
