"""What a turn looks like: every block passes Slack's own models, whatever people typed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack import forms, render
from adapters.slack.actions import Form
from adapters.slack.forms import Context
from core.ports import Notice, Result, Stage
from core.turns import ImageRef, Options, Person, Reference, ThreadKey, Turn, TurnId
from tests.fakes.slack import message_problems, view_problems

RATIOS = tuple(f"{number}:9" for number in range(1, 200))
TURN = Turn(
    id=TurnId("slack:T:1"),
    thread=ThreadKey("slack", "T", "C"),
    author=Person("slack", "T", "U", "alice"),
    prompt="a fox",
    asked_at=0.0,
)


def problems(body: dict[str, Any]) -> list[str]:
    assert body["text"]
    assert len(body["text"]) <= 4000
    return message_problems(body["blocks"], lambda _: None)


@settings(max_examples=50, deadline=None)
@given(prompt=st.text(), name=st.text(max_size=80), note=st.text())
def test_every_message_is_one_that_slack_takes(prompt: str, name: str, note: str) -> None:
    turn = replace(TURN, prompt=prompt, author=replace(TURN.author, name=name), parent=ImageRef(TURN.id))
    private = replace(turn, options=Options(private=True))
    assert problems(render.root(turn)) == []
    for stage in Stage:
        notice = Notice(stage, 3, 10.0, cause=note, notes=(note,), may_retry=True)
        assert problems(render.announcement(turn, notice)) == []
    assert problems(render.result(private, Result((), note, (note,)), ratios=RATIOS)) == []


def test_long_words_are_cut() -> None:
    turn = replace(TURN, prompt="fox " * 30_000)
    assert problems(render.root(turn)) == []
    assert problems(render.result(turn, Result((), "m1", ("n" * 9000,)), ratios=RATIOS)) == []


def test_a_finished_announcement_has_nothing_to_cancel() -> None:
    assert "cancel" in str(render.announcement(TURN, Notice(Stage.DRAWING))["blocks"])
    assert "cancel" not in str(render.announcement(TURN, Notice(Stage.FAILED))["blocks"])


def test_a_failure_leads_to_what_was_drawn_all_the_same() -> None:
    links = tuple(f"https://store.example/{number}_*.png" for number in range(4))
    body = render.announcement(TURN, Notice(Stage.FAILED, cause="too large", links=links))
    assert problems(body) == []
    assert [link for link in links if f"'url': '{link}'" in str(body["blocks"])] == list(links)


@pytest.mark.parametrize("locale", ["en", "de", "fr", "es", "ja", "pt-BR"])
def test_every_form_is_one_that_slack_takes_in_every_language(locale: str) -> None:
    references = tuple(Reference(f"{'x' * 200}{n}.png", "", "C123", "1.2", f"F{n}") for n in range(60))
    view = forms.modal(
        Form.IMAGINE,
        locale,
        "slack.form_title",
        Context("C", "1.2", "k" * 20, "a" * 20, references),
        forms.prompt_field(locale, "a fox"),
        *forms.given_files(locale, references),
        *forms.which_field(locale, 4),
        forms.files_field(locale),
        forms.ratio_field(locale, RATIOS),
        forms.count_field(locale, 4),
        forms.model_field(locale, {"m1": "m1 ≈ $0.04", "m" * 200: "m" * 200}),
        forms.private_field(locale),
        forms.channel_field(locale),
    )
    assert view_problems(view, lambda _: None, kind="modal") == []
    assert len(view["private_metadata"]) <= 3000


def test_what_a_form_knows_comes_back() -> None:
    context = Context("C", "1.2", "key", "answer", (Reference("cat.png", "", "C", "1.3", "F1"),))
    assert Context.read(context.written()) == context


@pytest.mark.parametrize("text", ["", "{}", "[1]", "null", '["a","b","c",[["x"]]]'])
def test_what_is_no_context_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        Context.read(text)
