"""Whatever a person types, what we post of it pings nobody, hides no link and fits."""

import re

from hypothesis import given
from hypothesis import strategies as st

from adapters.discord import render
from adapters.discord.words import fitting, one_line, plain, thread_name
from core.ports import Notice, Result, Stage
from core.turns import Operation, Person, ThreadKey, Turn, TurnId

LIVE = re.compile(r"(?<!\\)(?:\\\\)*([*_~|`<>\[\]#])")
"""A sign of markup that no backslash takes the meaning from."""
MASS = re.compile(r"@(everyone|here)", re.IGNORECASE)
NASTY = st.sampled_from(
    [
        *("@everyone", "@HERE", "<@1>", "<@!1>", "<@&2>", "<#3>", "</a:4>", "<:a:5>", "<t:0:R>", "<id:guide>"),
        *("[free](https://evil.example)", "[a](<https://evil.example>)", "<https://evil.example>", "](", "\\", "\\\\"),
        *("||", "```", "\n# ", "\n> ", "\u202e", "\u200b", "🦊‍❄️", "مرحبا", "\x00", "@", "everyone", "\\<", "\\["),
    ]
)
WILD = st.one_of(
    st.text(),
    st.lists(st.one_of(NASTY, st.text(max_size=5)), max_size=30).map("".join),
    st.text(alphabet="\\[]()<>@&!#*_`|~ehrevyon", max_size=60),
    st.builds(lambda piece, times: piece * times, NASTY, st.integers(1, 2500)),
)
OURS = "<@42>"


def turn(prompt: str, operation: Operation = Operation.IMAGINE) -> Turn:
    author = Person("discord", "1", "42", prompt[:30])
    return Turn(
        TurnId("discord:1:7"), ThreadKey("discord", "1", "2"), author, prompt, asked_at=0.0, operation=operation
    )


def harmless(content: str) -> None:
    """Nothing in it is markup but our own: the author's name, and the small line of the model."""
    assert len(content) <= 2000
    assert not MASS.search(content)
    assert content.startswith(OURS)
    rest = content.removeprefix(OURS).replace("\n-# ", "\n", 1)
    found = LIVE.search(rest)
    assert not found, (found, rest)


@given(WILD)
def test_no_sign_of_markup_is_left_alive(text: str) -> None:
    shown = plain(text)
    assert not LIVE.search(shown)
    assert not MASS.search(shown)


@given(WILD)
def test_plain_text_reads_as_it_was_typed(text: str) -> None:
    unescaped = re.sub(r"\\([\\*_~|`<>\[\]#])", r"\1", plain(text))
    assert unescaped.replace("@\u200b", "@") == text.replace("@\u200b", "@")


@given(WILD, st.lists(WILD, max_size=4), WILD)
def test_a_result_calls_nobody_hides_no_link_and_fits(prompt: str, notes: list[str], model: str) -> None:
    body = render.result(turn(prompt), Result((), one_line(model, 100), tuple(notes)), ratios=(), links=())
    harmless(body["content"])
    assert body["allowed_mentions"] == {"parse": [], "replied_user": False}


@given(WILD, WILD, st.sampled_from([Stage.FAILED, Stage.DRAWING, Stage.CANCELLED]))
def test_an_announcement_calls_nobody_hides_no_link_and_fits(prompt: str, cause: str, stage: Stage) -> None:
    body = render.announcement(turn(prompt), Notice(stage, model=cause[:50], cause=cause))
    harmless(body["content"])
    assert body["allowed_mentions"] == {"parse": [], "replied_user": False}


def test_a_failure_leads_to_what_was_drawn_all_the_same() -> None:
    links = tuple(f"https://store.example/{number}_*.png" for number in range(4))
    body = render.announcement(turn("a fox"), Notice(Stage.FAILED, cause="too large", links=links, may_retry=True))
    buttons, originals = body["components"]
    assert len(buttons["components"]) == 1
    assert tuple(button["url"] for button in originals["components"]) == links


@given(WILD)
def test_what_is_cut_is_never_cut_within_an_escape(text: str) -> None:
    cut = fitting(plain(text))
    assert len(cut) <= 2000
    assert not LIVE.search(cut)
    assert not re.search(r"(?<!\\)(?:\\\\)*\\…$", cut) or len(plain(text)) <= 2000


@given(WILD)
def test_a_thread_has_a_name_of_one_line(prompt: str) -> None:
    name = thread_name(prompt)
    assert 1 <= len(name) <= 100
    assert "\n" not in name
