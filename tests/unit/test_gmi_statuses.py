"""The service's records as statuses, in every shape that was seen and some that were not."""

import base64
from typing import Any

import pytest

from core.providers.gmi.shapes import Record
from core.providers.gmi.statuses import is_complete, status_of
from core.statuses import Failed, FailureReason, Output, Queued, RefusalReason, Refused, Running, Status, Succeeded

LINK = "https://storage.googleapis.com/bucket/x.png"
OTHER = "https://storage.googleapis.com/bucket/y.png"
PNG = b"\x89PNG\r\n\x1a\n?>" * 3
HISTORY = [{"role": "user", "parts": [{"text": "a fox"}]}, {"role": "model", "parts": [{"x": {"deep": [1]}}]}]
DONE = {"media_urls": [{"id": "0", "url": LINK}], "next_turn_contents": HISTORY}


def status(word: str, outcome: Any = None, **more: Any) -> Status:
    return status_of(Record.of({"request_id": "r", "status": word, "outcome": outcome, **more}))


def inline(**part: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}


@pytest.mark.parametrize("word", ["created", "queued", "dispatched", "QUEUED", " Queued "])
def test_a_request_in_line_has_moved_once_the_service_has_touched_it(word: str) -> None:
    assert status(word, created_at=10, updated_at=10) == Queued(moved=False)
    assert status(word, created_at=10, updated_at=11) == Queued(moved=True)
    assert status(word) == Queued(moved=False)


@pytest.mark.parametrize("word", ["processing", "running", "Processing"])
def test_a_request_that_is_drawn_is_running(word: str) -> None:
    assert status(word) == Running()


@pytest.mark.parametrize("word", ["", "rehearsing", "succeeded?", "fail", "\u017f"])
def test_a_word_that_nobody_knows_is_not_an_end(word: str) -> None:
    assert status(word, DONE) == Queued(moved=True)


@pytest.mark.parametrize("word", ["cancelled", "canceled", "CANCELLED"])
def test_cancelled_has_two_spellings(word: str) -> None:
    assert status(word, "by operator") == Failed(FailureReason.CANCELLED)


@pytest.mark.parametrize("word", ["success", "SUCCESS", "Success"])
def test_success_is_its_pictures_and_its_history(word: str) -> None:
    assert status(word, DONE) == Succeeded((Output(LINK),), HISTORY)


@pytest.mark.parametrize(
    ("outcome", "outputs"),
    [
        ({"media_urls": [LINK, OTHER]}, [Output(LINK), Output(OTHER)]),
        ({"media_urls": [{"id": "0", "url": LINK, "width": 1}, {"url": None}, 7, {}]}, [Output(LINK)]),
        ({"media_urls": LINK}, [Output(LINK)]),
        ({"media_urls": {"url": LINK}}, [Output(LINK)]),
        ({"image_url": LINK}, [Output(LINK)]),
        ({"url": LINK}, [Output(LINK)]),
        ({"media_urls": [], "url": LINK, "thumbnail_image_url": OTHER}, [Output(LINK)]),
        ({"media_urls": [], "thumbnail_image_url": OTHER}, [Output(OTHER)]),
        ({"media_urls": ["ftp://x", "/x", "javascript:x"], "image_url": LINK}, [Output(LINK)]),
        ({"media_urls": [LINK] * 99}, [Output(LINK)] * 10),
    ],
)
def test_pictures_are_found_by_name_in_every_shape(outcome: Any, outputs: list[Output]) -> None:
    assert status("success", outcome) == Succeeded(tuple(outputs))


@pytest.mark.parametrize(("outer", "mime"), [("inlineData", "mimeType"), ("inline_data", "mime_type")])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padded", [True, False])
def test_pictures_in_the_answer_itself_are_taken(outer: str, mime: str, encode: Any, *, padded: bool) -> None:
    text = encode(PNG).decode()
    outcome = inline(**{outer: {mime: "image/png", "data": text if padded else text.rstrip("=")}})
    assert status("success", outcome) == Succeeded((Output(data=PNG),))


def test_what_the_model_only_thought_is_not_the_picture() -> None:
    data = base64.b64encode(PNG).decode()
    assert status("success", inline(thought=True, inlineData={"data": data})) == Failed(FailureReason.NO_IMAGE)


@pytest.mark.parametrize(
    "outcome",
    [
        None,
        {},
        [],
        "done",
        {"media_urls": []},
        {"media_urls": None},
        inline(inlineData={"data": "!"}),
        inline(inlineData={"data": "a"}),
        inline(),
    ],
)
def test_success_without_a_picture_is_a_failure(outcome: Any) -> None:
    assert status("success", outcome) == Failed(FailureReason.NO_IMAGE)


def test_an_answer_in_words_is_passed_on_and_cut_short() -> None:
    assert status("success", inline(text="I cannot draw that.")) == Refused(
        RefusalReason.WORDS_ONLY, "I cannot draw that."
    )
    assert status("success", inline(text="x" * 9999)) == Refused(RefusalReason.WORDS_ONLY, "x" * 500)


def test_an_answer_that_was_stopped_for_its_content_is_moderation() -> None:
    outcome = {"candidates": [{"finishReason": "IMAGE_SAFETY", "content": None}]}
    assert status("success", outcome) == Refused(RefusalReason.MODERATION)


def test_a_history_beside_the_outcome_counts_too() -> None:
    assert status("success", {"url": LINK}, next_turn_contents=HISTORY) == Succeeded((Output(LINK),), HISTORY)


def test_a_form_at_the_end_of_a_history_is_left_out_and_one_that_says_something_is_not() -> None:
    form: dict[str, Any] = {"role": "user", "parts": [{"text": ""}, {"fileData": {"fileUri": "", "mimeType": ""}}]}
    telling = {**form, "turnToken": "t"}
    assert status("success", {"url": LINK, "next_turn_contents": [*HISTORY, form]}) == Succeeded(
        (Output(LINK),), HISTORY
    )
    assert status("success", {"url": LINK, "next_turn_contents": [*HISTORY, telling]}) == Succeeded(
        (Output(LINK),), [*HISTORY, telling]
    )


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = {"inner": [value]}
    return value


@pytest.mark.parametrize("contents", [None, [], {}, "text", [1], [HISTORY[0], None], [{"x": nested(400)}]])
def test_a_history_that_could_not_go_back_is_none(contents: Any) -> None:
    assert status("success", {"url": LINK, "next_turn_contents": contents}) == Succeeded((Output(LINK),))


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        ({"error": "Upstream rate limit exceeded(RPM)"}, Failed(FailureReason.RATE_LIMITED, 20.0)),
        ({"error": "Too many requests, retry in 45 s"}, Failed(FailureReason.RATE_LIMITED, 45.0)),
        ({"error": "quota exceeded, retry in 9000 s"}, Failed(FailureReason.RATE_LIMITED, 60.0)),
        ({"error": {"status": "RESOURCE_EXHAUSTED"}}, Failed(FailureReason.RATE_LIMITED, 20.0)),
        ({"error": {"code": 400, "message": "Generation rejected; please review", "status": "INVALID_INPUT"}},
         Refused(RefusalReason.REJECTED)),
        ({"error": {"code": 400, "message": "Generation rejected", "status": "PROHIBITED_CONTENT"}},
         Refused(RefusalReason.MODERATION)),
        ({"error": {"code": 400, "message": "failed to fetch image", "status": "INVALID_INPUT"}},
         Refused(RefusalReason.REFERENCE_UNREADABLE)),
        ({"error": "could not download file from url"}, Refused(RefusalReason.REFERENCE_UNREADABLE)),
        ({"error": "image url is unreachable"}, Refused(RefusalReason.REFERENCE_UNREADABLE)),
        ({"error": {"code": 400, "message": "", "status": "INVALID_INPUT"}}, Refused(RefusalReason.INVALID)),
        ({"message": "aspect_ratio must be one of 1:1"}, Refused(RefusalReason.INVALID)),
        ({"status": "IMAGE_SAFETY"}, Refused(RefusalReason.MODERATION)),
        ({"error_message": "flagged as sensitive"}, Refused(RefusalReason.MODERATION)),
        ({"fail_reason": "nsfw"}, Refused(RefusalReason.MODERATION)),
        ({"error": '{"error": {"message": "blocked"}}'}, Refused(RefusalReason.MODERATION)),
        ({"error": "{blocked, and no JSON"}, Refused(RefusalReason.MODERATION)),
        ({"error": "model foo does not exist"}, Failed(FailureReason.MODEL_GONE)),
        ({"error": "Upstream capacity temporarily exhausted"}, Failed(FailureReason.OVERLOADED)),
        ({"error": "read timeout while generating the image"}, Failed(FailureReason.INTERNAL)),
        ({"error": "the image could not be generated"}, Failed(FailureReason.INTERNAL)),
        ({"error": "internal generation failure"}, Failed(FailureReason.INTERNAL)),
        ("blocked by policy", Refused(RefusalReason.MODERATION)),
        ({}, Failed(FailureReason.INTERNAL)),
        (None, Failed(FailureReason.INTERNAL)),
        ([[[[[[[[[["nsfw"]]]]]]]]]], Failed(FailureReason.INTERNAL)),
    ],
)  # fmt: skip
def test_a_failure_is_told_by_its_words(outcome: Any, end: Status) -> None:
    assert status("failed", outcome) == end


@pytest.mark.parametrize("place", ["error", "error_message", "reason"])
def test_words_beside_the_outcome_count_too(place: str) -> None:
    assert status("failed", None, **{place: "prohibited"}) == Refused(RefusalReason.MODERATION)


@pytest.mark.parametrize(
    ("word", "outcome", "complete"),
    [
        ("success", DONE, True),
        ("success", {"url": LINK}, False),
        ("success", None, False),
        ("failed", {"error": "x"}, True),
        ("failed", None, False),
        ("cancelled", None, False),
        ("queued", None, True),
        ("processing", None, True),
    ],
)
def test_an_end_is_complete_with_all_that_a_look_would_tell(word: str, outcome: Any, *, complete: bool) -> None:
    record = Record.of({"status": word, "outcome": outcome})
    assert is_complete(record, status_of(record)) is complete


@pytest.mark.parametrize("moment", ["1788584785", 1788584785, 1788584785.0], ids=repr)
def test_a_moment_is_a_number_of_seconds(moment: Any) -> None:
    assert Record.of({"created_at": moment}).created_at == 1_788_584_785


@pytest.mark.parametrize("moment", [None, -1, 0, 10**400, 1e12, "soon", [], {}, "NaN"])
def test_a_moment_that_is_none_counts_as_missing(moment: Any) -> None:
    assert Record.of({"created_at": moment}).created_at is None


@pytest.mark.parametrize("given", ["", ".", "..", "a/b", "a b", "x" * 300, None, [], {"a": 1}, "\ud800", "é"])
def test_an_id_that_could_not_be_asked_for_counts_as_missing(given: Any) -> None:
    assert Record.of({"request_id": given}).request_id == ""
