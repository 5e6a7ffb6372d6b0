"""Words on their way to Slack and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.text import escaped, fallback, fitting, mentions, one_line, typed
from tests.fakes.slack.text import escape, is_escaped, pings


@given(st.text())
def test_no_text_pings_anybody_once_it_is_escaped(text: str) -> None:
    assert pings(escaped(text), []) == []
    assert is_escaped(escaped(text))


@given(st.text(alphabet="&<> ab@!C|", min_size=1), st.integers(2, 40))
def test_a_text_that_is_cut_stays_escaped_and_within_its_limit(text: str, limit: int) -> None:
    cut = fitting(escaped(text), limit)
    assert len(cut) <= limit
    assert is_escaped(cut)


@given(st.text(alphabet=st.characters(exclude_characters="<>|", exclude_categories=["Cc", "Zs", "Cs"])))
def test_what_a_person_types_comes_back_as_typed(text: str) -> None:
    assert typed(escape(text)) == text.strip()


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("<@U1> a fox", "a fox"),
        ("<@U1|imagine>  a fox", "a fox"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("see <https://a.example/x?a=1&amp;b=2|this page>", "see this page"),
        ("see <https://a.example/x?a=1&amp;b=2>", "see https://a.example/x?a=1&b=2"),
        ("like <@U2> in <#C1|general>", "like <@U2> in <#C1|general>"),
    ],
)
def test_slacks_markup_is_read_as_it_was_meant(sent: str, meant: str) -> None:
    assert typed(sent, bot="U1") == meant


def test_only_we_ourselves_are_called_by_a_mention() -> None:
    assert mentions("hello <@U1|imagine>", "U1")
    assert not mentions("hello <@U12> &lt;@U1&gt;", "U1")


def test_a_fallback_is_never_empty_nor_too_long() -> None:
    assert fallback("  ") == "…"
    assert len(fallback("&" * 10_000)) <= 3000
    assert one_line("a\n b\t c", 100) == "a b c"
