"""What each answer to a submit means: the table that decides about money."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from core.errors import AnswerLost, NotSent, Unavailable
from core.providers.gmi.answers import Rejection, rate_limit, read_submit, require, retry_after
from core.providers.gmi.shapes import Record
from core.providers.http import Answer
from core.statuses import Failed, FailureReason, RefusalReason, Refused

REJECTED = "Generation rejected; please review the prompt and parameters then retry"
SLOW_DOWN = {
    "error": "Rate limit exceeded for model X: 2 requests per 60 seconds. Retry in 29970 ms.",
    "rate_limit": {"limit_type": "RPM", "limit": 2, "interval_seconds": 60, "retry_after_ms": 29970},
}
CAPACITY = {"error": "Upstream capacity temporarily exhausted; please retry later", "request_id": "r-1"}
PAGE = None
"""A gateway's page: no JSON."""


def answer(status: int, body: Any = PAGE, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, body, httpx.Headers(headers))


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (401, {"error": "invalid"}, Failed(FailureReason.BAD_KEY)),
        (403, PAGE, Failed(FailureReason.BAD_KEY)),
        (402, {"error": "Insufficient credits. Please add more credits."}, Failed(FailureReason.NO_CREDIT)),
        (404, {"error": "model foo does not exist"}, Failed(FailureReason.MODEL_GONE)),
        (404, {"error": "you do not have access"}, Failed(FailureReason.MODEL_GONE)),
        (404, PAGE, Failed(FailureReason.WRONG_HOST)),
        (405, PAGE, Failed(FailureReason.WRONG_HOST)),
        (302, PAGE, Failed(FailureReason.WRONG_HOST)),
        (429, SLOW_DOWN, Failed(FailureReason.RATE_LIMITED, 29.97)),
        (429, PAGE, Failed(FailureReason.RATE_LIMITED, 15.0)),
        (503, CAPACITY, Failed(FailureReason.OVERLOADED, 20.0)),
        (500, {"error": "Backend error (429): slow down"}, Failed(FailureReason.RATE_LIMITED, 20.0)),
        (400, {"error": "model foo has been retired"}, Failed(FailureReason.MODEL_GONE)),
        (400, {"error": "too many requests"}, Failed(FailureReason.RATE_LIMITED, 20.0)),
    ],
)
def test_an_answer_that_made_nothing_may_be_asked_for_again(status: int, body: Any, failure: Failed) -> None:
    with pytest.raises(NotSent) as refusal:
        read_submit(answer(status, body))
    assert refusal.value.failure == failure


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, PAGE),
        (200, {}),
        (200, []),
        (200, "ok"),
        (200, {"error": "what?"}),
        (200, {"request_id": "../models", "status": "queued"}),
        (200, {"status": "success"}),
        (204, PAGE),
        (408, PAGE),
        (500, PAGE),
        (500, {"error": "internal error"}),
        (500, {"error": "Backend error (502): bad gateway"}),
        (502, PAGE),
        (503, PAGE),
        (503, {"error": "?"}),
        (504, {"error": "timeout"}),
        (520, PAGE),
        (600, PAGE),
    ],
)
def test_an_answer_that_says_nothing_certain_counts_as_lost(status: int, body: Any) -> None:
    with pytest.raises(AnswerLost):
        read_submit(answer(status, body))


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error": REJECTED, "request_id": "r-1"}, RefusalReason.REJECTED),
        (400, {"error": REJECTED + " (content policy)", "request_id": "r-1"}, RefusalReason.MODERATION),
        (400, {"error": "failed to fetch image", "request_id": "r-1"}, RefusalReason.REFERENCE_UNREADABLE),
        (400, {"error": "size dimensions must be multiples of 16", "request_id": "r-1"}, RefusalReason.INVALID),
        (400, {"request_id": "r-1"}, RefusalReason.INVALID),
        (422, {"detail": [{"msg": "x"}], "request_id": "r-1"}, RefusalReason.INVALID),
    ],
)
def test_a_refusal_with_a_record_keeps_its_id(status: int, body: Any, reason: RefusalReason) -> None:
    assert read_submit(answer(status, body)) == Rejection(Refused(reason), "r-1")


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, PAGE, RefusalReason.INVALID),
        (413, PAGE, RefusalReason.INVALID),
        (422, PAGE, RefusalReason.INVALID),
        (418, PAGE, RefusalReason.INVALID),
        (400, {"error": {"message": "no", "details": '{"reason": "unsafe: blocked"}'}}, RefusalReason.MODERATION),
        (400, {"message": "prompt is required"}, RefusalReason.INVALID),
        (500, {"error": "Backend error (400): upstream did not like it"}, RefusalReason.INVALID),
        (500, {"error": "Backend error (400): could not download the image"}, RefusalReason.REFERENCE_UNREADABLE),
        (500, {"error": {"message": "Backend error (403)"}}, RefusalReason.REJECTED),
        (500, {"error": "Backend error (403): prohibited content"}, RefusalReason.MODERATION),
    ],
)
def test_a_refusal_without_a_record_is_one_all_the_same(status: int, body: Any, reason: RefusalReason) -> None:
    assert read_submit(answer(status, body)) == Rejection(Refused(reason), unnamed=status == 500)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_request_that_was_made_is_read(status: int) -> None:
    made = read_submit(answer(status, {"request_id": "r-1", "status": "dispatched"}))
    assert isinstance(made, Record)
    assert made.request_id == "r-1"


def test_a_picture_without_a_request_id_is_not_thrown_away() -> None:
    made = read_submit(answer(200, {"status": "success", "outcome": {"media_urls": ["https://x/y.png"]}}))
    assert isinstance(made, Record)
    assert not made.request_id


@pytest.mark.parametrize(
    ("body", "header", "seconds"),
    [
        (SLOW_DOWN, "", 29.97),
        (SLOW_DOWN, "7", 7.0),
        (SLOW_DOWN, "soon", 29.97),
        ({"error": "Retry in 4500 ms."}, "", 4.5),
        ({"error": "please wait 12 seconds"}, "", 12.0),
        ({"error": "try again in 2.5s"}, "", 2.5),
        ({"error": "Rate limit exceeded"}, "", 15.0),
        (PAGE, "", 15.0),
        ([], "", 15.0),
        ({"rate_limit": 5}, "", 15.0),
        ({"rate_limit": {"retry_after_ms": "3000"}}, "", 3.0),
        ({"rate_limit": {"retry_after_ms": None}}, "", 15.0),
        ({"rate_limit": {"retry_after_ms": True}}, "", 15.0),
        ({"rate_limit": {"retry_after_ms": "NaN"}}, "", 15.0),
        ({"rate_limit": {"retry_after_ms": -5}}, "", 1.0),
        ({"rate_limit": {"retry_after_ms": 0}}, "", 1.0),
        ({"rate_limit": {"retry_after_ms": 10**300}}, "", 300.0),
        ({"rate_limit": {"retry_after_ms": 10**400}}, "", 15.0),
        ({"rate_limit": {"retry_after_ms": "inf"}}, "", 300.0),
        (PAGE, "-3", 1.0),
        (PAGE, "99999999999999999999", 300.0),
        (PAGE, "Wed, 21 Oct 2015 07:28:00 GMT", 1.0),
        (PAGE, "Wed, 21 Oct 9999999 07:28:00 GMT", 15.0),
    ],
)
def test_how_long_to_wait_is_read_from_anywhere_and_is_never_absurd(body: Any, header: str, seconds: float) -> None:
    assert retry_after(answer(429, body, {"Retry-After": header} if header else None)) == seconds


def test_a_date_to_wait_for_is_understood() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert retry_after(answer(429, PAGE, {"Retry-After": date})) == pytest.approx(90, abs=2)


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (SLOW_DOWN, (2, 60.0)),
        ({"error": "Rate limit exceeded: 5 requests per 30 seconds."}, (5, 30.0)),
        ({"rate_limit": {"limit": "10", "interval_seconds": "1"}}, (10, 1.0)),
        ({"rate_limit": {"limit": 0, "interval_seconds": 60}}, None),
        ({"rate_limit": {"limit": 2, "interval_seconds": -1}}, None),
        ({"rate_limit": {"limit": 2}}, None),
        ({"rate_limit": {"limit": "inf", "interval_seconds": 60}}, None),
        ({"rate_limit": []}, None),
        (PAGE, None),
    ],
)
def test_the_services_rate_is_learnt_where_it_makes_sense(body: Any, limit: tuple[int, float] | None) -> None:
    assert rate_limit(answer(429, body)) == limit


def test_a_429_carries_what_it_taught() -> None:
    with pytest.raises(NotSent) as refusal:
        read_submit(answer(429, SLOW_DOWN))
    assert refusal.value.limit == (2, 60.0)


@pytest.mark.parametrize(("seconds", "told"), [("1", 20.0), ("45", 45.0), ("100000", 300.0)])
def test_an_overloaded_service_gets_twenty_seconds_at_least(seconds: str, told: float) -> None:
    with pytest.raises(NotSent) as refusal:
        read_submit(answer(503, CAPACITY, {"Retry-After": seconds}))
    assert refusal.value.failure.retry_after == told


@pytest.mark.parametrize(
    ("status", "body", "reason", "again"),
    [
        (401, {"error": "no"}, FailureReason.BAD_KEY, False),
        (402, {"error": "no"}, FailureReason.NO_CREDIT, False),
        (404, {"error": "no"}, FailureReason.MODEL_GONE, False),
        (404, PAGE, FailureReason.WRONG_HOST, False),
        (405, PAGE, FailureReason.WRONG_HOST, False),
        (301, PAGE, FailureReason.WRONG_HOST, False),
        (429, SLOW_DOWN, FailureReason.RATE_LIMITED, True),
        (500, PAGE, FailureReason.OVERLOADED, True),
        (503, {"error": "no"}, FailureReason.OVERLOADED, True),
        (400, {"error": "no"}, FailureReason.INTERNAL, True),
        (200, PAGE, FailureReason.INTERNAL, True),
        (200, "text", FailureReason.INTERNAL, True),
    ],
)
def test_a_free_call_that_came_to_nothing_says_why(
    status: int, body: Any, reason: FailureReason, *, again: bool
) -> None:
    with pytest.raises(Unavailable) as refusal:
        require(answer(status, body))
    assert refusal.value.failure.reason is reason
    assert (refusal.value.failure.retry_after is not None) is again
