"""Whatever Google says, it is known whether something was drawn, whether to try again, and what to tell people."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.errors import AnswerLost, NotSent, Unavailable
from core.ports import Job
from core.providers.google import GoogleImages
from core.providers.google.endings import ending_of_answer, ending_of_prompt
from core.statuses import Failed, FailureReason, RefusalReason, Refused, Succeeded
from tests.fakes.google import Block, Finish, GoogleDouble, Reply, faults
from tests.fakes.google.calls import MODEL, google
from tests.fakes.google.faults import PER_DAY, PER_MINUTE, because, error, later, rate_limited

JOB = Job(MODEL, "a fox")

FINISHES = {
    "IMAGE_SAFETY": RefusalReason.MODERATION,
    "IMAGE_PROHIBITED_CONTENT": RefusalReason.MODERATION,
    "SAFETY": RefusalReason.MODERATION,
    "PROHIBITED_CONTENT": RefusalReason.MODERATION,
    "BLOCKLIST": RefusalReason.MODERATION,
    "ESCALATION": RefusalReason.MODERATION,
    "PUP_LIMITED_DISABLED": RefusalReason.MODERATION,
    "MODEL_ARMOR": RefusalReason.HOUSE_RULE,
    "IMAGE_RECITATION": RefusalReason.RECITATION,
    "RECITATION": RefusalReason.RECITATION,
    "SPII": RefusalReason.PERSONAL_DATA,
    "LANGUAGE": RefusalReason.LANGUAGE,
    "IMAGE_OTHER": RefusalReason.REJECTED,
    "OTHER": RefusalReason.REJECTED,
    "MAX_TOKENS": FailureReason.NO_IMAGE,
    "MISSING_THOUGHT_SIGNATURE": RefusalReason.HISTORY,
    "NO_IMAGE": FailureReason.NO_IMAGE,
    "STOP": FailureReason.NO_IMAGE,
    "MALFORMED_FUNCTION_CALL": FailureReason.NO_IMAGE,
    # Words that there are not, yet.
    "VIDEO_SAFETY_2": RefusalReason.MODERATION,
    "IMAGE_COPYRIGHT": RefusalReason.RECITATION,
    "MAX_OUTPUT_TOKENS": FailureReason.NO_IMAGE,
    "BAD_MOOD": RefusalReason.REJECTED,
}
BLOCKS = {
    "SAFETY": RefusalReason.MODERATION,
    "BLOCKLIST": RefusalReason.MODERATION,
    "PROHIBITED_CONTENT": RefusalReason.MODERATION,
    "IMAGE_SAFETY": RefusalReason.MODERATION,
    "JAILBREAK": RefusalReason.MODERATION,
    "MODEL_ARMOR": RefusalReason.HOUSE_RULE,
    "OTHER": RefusalReason.REJECTED,
    "SOMETHING_NEW": RefusalReason.REJECTED,
}


@pytest.fixture
async def double() -> AsyncIterator[GoogleDouble]:
    async with GoogleDouble() as double:
        yield double


@pytest.fixture
async def images(double: GoogleDouble, redis_url: str) -> AsyncIterator[GoogleImages]:
    async with google(double, redis_url) as images:
        yield images


def reason_of(ending: Refused | Failed) -> RefusalReason | FailureReason:
    return ending.reason


@pytest.mark.parametrize("word", FINISHES)
def test_every_reason_to_finish_without_a_picture_has_its_own_meaning(word: str) -> None:
    assert reason_of(ending_of_answer(word, "")) is FINISHES[word]


@pytest.mark.parametrize("word", BLOCKS)
def test_every_reason_to_block_a_prompt_has_its_own_meaning(word: str) -> None:
    assert reason_of(ending_of_prompt(word)) is BLOCKS[word]


async def test_a_blocked_prompt_and_a_blocked_picture_are_refusals(double: GoogleDouble, images: GoogleImages) -> None:
    double.faults += [Block("PROHIBITED_CONTENT"), Finish("IMAGE_RECITATION")]
    assert (await images.submit(JOB)).status == Refused(RefusalReason.MODERATION)
    assert (await images.submit(JOB)).status == Refused(RefusalReason.RECITATION)


@pytest.mark.parametrize("reason", ["STOP", "NO_IMAGE"])
async def test_what_the_model_says_in_place_of_a_picture_is_passed_on(
    double: GoogleDouble, images: GoogleImages, reason: str
) -> None:
    double.faults.append(Finish(reason, "Which fox?"))
    assert (await images.submit(JOB)).status == Refused(RefusalReason.WORDS_ONLY, "Which fox?")


@pytest.mark.parametrize("reason", ["OTHER", "IMAGE_OTHER", "MAX_TOKENS", "BAD_MOOD"])
async def test_what_the_model_says_to_no_reason_that_helps_is_passed_on_too(
    double: GoogleDouble, images: GoogleImages, reason: str
) -> None:
    double.faults.append(Finish(reason, "I would rather draw a hen."))
    assert (await images.submit(JOB)).status == Refused(RefusalReason.WORDS_ONLY, "I would rather draw a hen.")


async def test_what_is_said_beside_a_blocked_picture_is_not(double: GoogleDouble, images: GoogleImages) -> None:
    double.faults.append(Finish("IMAGE_SAFETY", "Here it is:"))
    assert (await images.submit(JOB)).status == Refused(RefusalReason.MODERATION)


DAILY = rate_limited(PER_DAY, delay="3600s")
VERTEX_BUSY = Reply(429, error(429, "Resource exhausted. Please try again later."))
OLD_STYLE = Reply(
    429,
    error(429, "Quota exceeded.", {**because("RATE_LIMIT_EXCEEDED"), "metadata": {"quota_limit": PER_DAY}}),
)
NOT_SENT = [
    (rate_limited(PER_MINUTE), Failed(FailureReason.RATE_LIMITED, 29.97), (2, 60.0)),
    (rate_limited(PER_MINUTE, value=None), Failed(FailureReason.RATE_LIMITED, 29.97), None),
    (rate_limited("GenerateContentInputTokensPerModelPerMinute"), Failed(FailureReason.RATE_LIMITED, 29.97), None),
    (
        rate_limited(PER_MINUTE, delay=None, message="Please retry in 3.5s."),
        Failed(FailureReason.RATE_LIMITED, 3.5),
        (2, 60.0),
    ),
    (rate_limited(PER_MINUTE, delay="99999s"), Failed(FailureReason.RATE_LIMITED, 300.0), (2, 60.0)),
    (VERTEX_BUSY, Failed(FailureReason.RATE_LIMITED, 15.0), None),
    (Reply(429, VERTEX_BUSY.body, {"Retry-After": "7"}), Failed(FailureReason.RATE_LIMITED, 7.0), None),
    (DAILY, Failed(FailureReason.DAILY_LIMIT), None),
    (OLD_STYLE, Failed(FailureReason.DAILY_LIMIT), None),
    (
        rate_limited(PER_DAY, value=None, message="Quota exceeded: limit: 0, model: x"),
        Failed(FailureReason.NO_CREDIT),
        None,
    ),
    (rate_limited(PER_MINUTE, value="0"), Failed(FailureReason.NO_CREDIT), None),
    (faults.OUT_OF_CREDIT, Failed(FailureReason.NO_CREDIT), None),
    (
        Reply(400, error(400, "Please enable billing on project 1.", name="FAILED_PRECONDITION")),
        Failed(FailureReason.NO_CREDIT),
        None,
    ),
    (
        Reply(403, error(403, "This API needs billing.", because("BILLING_DISABLED"))),
        Failed(FailureReason.NO_CREDIT),
        None,
    ),
    (
        Reply(400, error(400, "API key expired. Please renew the API key.", because("API_KEY_INVALID"))),
        Failed(FailureReason.BAD_KEY),
        None,
    ),
    (Reply(401, error(401, "Request had invalid authentication credentials.")), Failed(FailureReason.BAD_KEY), None),
    (Reply(403, error(403, "Permission 'x' denied on resource.")), Failed(FailureReason.BAD_KEY), None),
    (faults.OVERLOADED, Failed(FailureReason.OVERLOADED, 20.0), None),
    (faults.INTERNAL, Failed(FailureReason.OVERLOADED, 20.0), None),
    (Reply(408, "<html>request timeout</html>"), Failed(FailureReason.OVERLOADED, 20.0), None),
    (Reply(409, error(409, "Aborted.", name="ABORTED")), Failed(FailureReason.OVERLOADED, 20.0), None),
    (Reply(499, error(499, "Cancelled.", name="CANCELLED")), Failed(FailureReason.OVERLOADED, 20.0), None),
    (Reply(503, error(503, "Overloaded.", later("3.5s"))), Failed(FailureReason.OVERLOADED, 3.5), None),
    (Reply(503, faults.OVERLOADED.body, {"Retry-After": "45"}), Failed(FailureReason.OVERLOADED, 45.0), None),
    (
        Reply(400, error(400, "User location is not supported for the API use.", name="FAILED_PRECONDITION")),
        Failed(FailureReason.WRONG_REGION),
        None,
    ),
    (Reply(404, error(404, "models/x is not found.")), Failed(FailureReason.MODEL_GONE), None),
    (Reply(404, "<html>not found</html>"), Failed(FailureReason.WRONG_HOST), None),
    (Reply(307, "", {"Location": "https://elsewhere.example/"}), Failed(FailureReason.WRONG_HOST), None),
]


@pytest.mark.parametrize(("reply", "failure", "limit"), NOT_SENT)
async def test_what_google_made_nothing_of_is_not_sent(
    double: GoogleDouble, images: GoogleImages, reply: Reply, failure: Failed, limit: tuple[int, float] | None
) -> None:
    double.faults.append(reply)
    with pytest.raises(NotSent) as refusal:
        await images.submit(JOB)
    assert (refusal.value.failure, refusal.value.limit) == (failure, limit)
    assert double.posts == 1


REFUSED = [
    ("Unable to process input image. Please retry or report in x", 400, RefusalReason.REFERENCE_UNREADABLE),
    ("You do not have permission to access the File x or it may not exist.", 403, RefusalReason.REFERENCE_UNREADABLE),
    ("Unsupported MIME type: image/gif", 400, RefusalReason.REFERENCE_UNREADABLE),
    ("The File x is not in an ACTIVE state and usage is not allowed.", 400, RefusalReason.REFERENCE_UNREADABLE),
    ("The input token count exceeds the maximum number of tokens allowed (32768).", 400, RefusalReason.TOO_LONG),
    ("Request payload size exceeds the limit: 20971520 bytes.", 400, RefusalReason.TOO_LONG),
    ("", 413, RefusalReason.TOO_LONG),
    ("The input image is too large.", 400, RefusalReason.REFERENCE_UNREADABLE),
    ("Image part is missing a thought_signature in content position 2", 400, RefusalReason.HISTORY),
    (
        "Invalid JSON payload received. Unknown name \"x\" at 'generation_config.image_config'",
        400,
        RefusalReason.INVALID,
    ),
    ("Request contains an invalid argument.", 400, RefusalReason.INVALID),
]


@pytest.mark.parametrize(("words", "status", "reason"), REFUSED)
async def test_what_is_wrong_with_what_was_sent_is_a_refusal(
    double: GoogleDouble, images: GoogleImages, words: str, status: int, reason: RefusalReason
) -> None:
    double.faults.append(Reply(status, error(status, words, name="INVALID_ARGUMENT")))
    assert (await images.submit(JOB)).status == Refused(reason)


@pytest.mark.parametrize(
    "reply",
    [
        faults.GATEWAY,
        faults.GARBAGE,
        faults.EMPTY,
        Reply(200, {"hello": 1}),
        Reply(200, {}),
        Reply(504, error(504, "Deadline expired.")),
    ],
)
async def test_an_answer_that_does_not_say_is_lost(double: GoogleDouble, images: GoogleImages, reply: Reply) -> None:
    double.faults.append(reply)
    with pytest.raises(AnswerLost):
        await images.submit(JOB)


async def test_a_model_that_has_gone_is_named_with_its_replacement(double: GoogleDouble, images: GoogleImages) -> None:
    double.gone.add("gemini-2.5-flash-image")
    with pytest.raises(NotSent) as refusal:
        await images.submit(Job("gemini-2.5-flash-image", "a fox"))
    assert refusal.value.failure == Failed(FailureReason.MODEL_GONE, instead="gemini-3.1-flash-image")


ODD: list[Any] = [
    {"candidates": [{"content": None, "finishReason": "STOP"}]},
    {"candidates": [{"content": {"parts": None}}]},
    {"candidates": ["x", {"finish_reason": "NO_IMAGE"}]},
    {"candidates": [{"content": {"parts": [{"inlineData": {"data": "!!!"}}, {"inlineData": 7}, "x"]}}]},
    {"candidates": [], "usageMetadata": {}},
]


@pytest.mark.parametrize("body", ODD)
async def test_an_answer_of_an_odd_shape_is_no_picture(double: GoogleDouble, images: GoogleImages, body: Any) -> None:
    double.faults.append(Reply(200, body))
    assert (await images.submit(JOB)).status == Failed(FailureReason.NO_IMAGE)


async def test_the_other_spelling_and_the_other_alphabet_are_read_too(
    double: GoogleDouble, images: GoogleImages
) -> None:
    double.snake = True
    first = await images.submit(JOB)
    assert isinstance(first.status, Succeeded)
    assert (await images.download(first.status.outputs[0])).startswith(b"\x89PNG")
    second = await images.submit(Job(MODEL, "at night", history=first.status.history))
    assert isinstance(second.status, Succeeded), double.refused


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(400, error(400, "API key not valid.", because("API_KEY_INVALID"))), FailureReason.BAD_KEY),
        (Reply(404, "<html>"), FailureReason.WRONG_HOST),
    ],
)
async def test_a_free_call_says_what_is_wrong_too(
    double: GoogleDouble, images: GoogleImages, reply: Reply, reason: FailureReason
) -> None:
    double.free_faults.append(reply)
    with pytest.raises(Unavailable) as refusal:
        await images.models()
    assert refusal.value.failure.reason is reason
