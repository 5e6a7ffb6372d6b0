"""Every sentence a person reads is there, and says what it has to."""

import string
from itertools import chain

import pytest

from core.endings import cause, cost, failure
from core.fetching import FetchProblem
from core.pictures import PictureProblem
from core.ports import Notice, Stage
from core.records import Drawing
from core.replies import cost_estimate, language_for, languages, money, notice_text, say, sentences
from core.statuses import Failed, FailureReason, Output, Queued, RefusalReason, Refused, Request, Succeeded
from core.uploads import _REASONS

NEEDED = [
    *(f"stage.{stage}" for stage in Stage),
    *(f"refused.{reason}" for reason in RefusalReason),
    *(f"failed.{reason}" for reason in FailureReason),
    *(f"picture.{_REASONS.get(problem, problem.value)}" for problem in PictureProblem),
    *(f"picture.{_REASONS.get(problem, 'unreachable')}" for problem in FetchProblem),
]
FOX = Request("fake", "m1", "r1", 1.0)


@pytest.mark.parametrize("name", dict.fromkeys(NEEDED))
def test_there_is_a_sentence_for_it(name: str) -> None:
    assert sentences("en")[name]


@pytest.mark.parametrize("language", sorted(set(languages()) - {"en"}))
def test_a_translation_has_no_blank_that_would_stay_empty(language: str) -> None:
    for name, sentence in sentences(language).items():
        if name in sentences("en"):
            assert _blanks(sentence) <= _blanks(sentences("en")[name]), name


def _blanks(sentence: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}


@pytest.mark.parametrize(("locale", "language"), [("en-GB", "en"), ("xx", "en"), ("", "en"), ("en_US", "en")])
def test_an_unknown_language_is_answered_in_english(locale: str, language: str) -> None:
    assert language_for(locale) == language


def test_braces_that_people_type_are_words() -> None:
    assert "{limit}" in say("en", "refused.words_only", words="{limit} {0} {")


@pytest.mark.parametrize("stage", [stage for stage in Stage if not stage.final])
def test_a_notice_says_where_the_turn_is_and_what_was_noted(stage: Stage) -> None:
    text = notice_text(Notice(stage, position=3, usual=7.4, model="m1", notes=("one", "two")), "en")
    first, *notes = text.splitlines()
    assert first
    assert notes == ["one", "two"]


def test_a_place_in_line_comes_with_its_time_where_that_is_known() -> None:
    assert notice_text(Notice(Stage.WAITING, 2, 40.2), "en") == "In line: number 2, about 40 s to go."
    assert notice_text(Notice(Stage.WAITING, 2), "en") == "In line: number 2."


def test_what_a_turn_is_expected_to_cost_is_said_while_it_is_on_its_way() -> None:
    assert (
        notice_text(Notice(Stage.WAITING, 2, price=134_000, notes=("one",)), "en") == "In line: number 2. ≈ $0.13\none"
    )
    assert notice_text(Notice(Stage.DONE, price=134_000), "en") == "Done."


@pytest.mark.parametrize(("price", "said"), [(302_000, "≈ $0.30"), (5_000, "≈ $0.01"), (4_999, "≤ $0.01")])
def test_an_estimate_never_says_that_something_is_free(price: int, said: str) -> None:
    assert cost_estimate(price) == said


def test_a_cancellation_says_what_it_may_cost() -> None:
    assert notice_text(Notice(Stage.CANCELLED), "en") == "Cancelled."
    assert notice_text(Notice(Stage.CANCELLED, cause="May cost."), "en") == "May cost."


def test_each_reason_is_said_once() -> None:
    refused, failed = Drawing(status=Refused(RefusalReason.MODERATION)), Drawing(status=Failed(FailureReason.STUCK))
    text = cause([refused, refused, failed, Drawing()], locale="en", model="m1", deadline=90)
    assert text.count("declined this") == 1
    assert "2 minutes" in text
    assert failure(FailureReason.MODEL_GONE, locale="en", model="m1", deadline=1).startswith("The model m1")


def test_what_may_have_been_charged_counts_as_spent() -> None:
    free = [
        Drawing(),
        Drawing(status=Refused(RefusalReason.MODERATION)),
        Drawing(status=Failed(FailureReason.OVERLOADED)),
    ]
    paid = [
        Drawing(request=FOX, status=Succeeded((Output("x"),))),
        Drawing(status=Failed(FailureReason.LOST)),
        Drawing(attempt="a"),
        Drawing(request=FOX, status=Queued()),
    ]
    assert cost(list(chain(free, paid)), 10) == 40


def test_money_is_for_the_eye() -> None:
    assert money(1_234_567) == "$1.23"
