"""Whatever comes from Google, it is read as something and nothing breaks."""

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.errors import AnswerLost, NotSent
from core.providers.google.answers import refusal_of
from core.providers.google.contents import Drawn, filled, kept_links, read, remembered
from core.providers.http import Answer
from core.statuses import KEPT, Failed, Refused

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "text": JSON,
        "thought": JSON,
        "thoughtSignature": st.text(st.characters(exclude_categories=()), max_size=3_000) | JSON,
        "inlineData": st.fixed_dictionaries({"data": st.sampled_from(["aGk=", "aGk", "_-", "!", ""]) | JSON}) | JSON,
        "somethingNew": JSON,
    },
)
CANDIDATES = st.fixed_dictionaries(
    {}, optional={"content": st.fixed_dictionaries({"parts": st.lists(PARTS | JSON, max_size=4) | JSON}) | JSON}
)
BODIES = (
    st.fixed_dictionaries(
        {}, optional={"candidates": st.lists(CANDIDATES | JSON, max_size=3) | JSON, "promptFeedback": JSON}
    )
    | JSON
)
ERRORS = st.fixed_dictionaries({"error": st.fixed_dictionaries({"message": JSON, "details": st.lists(JSON)}) | JSON})


@given(BODIES)
def test_every_answer_is_pictures_a_reason_or_nothing(body: Any) -> None:
    came = read(body)
    assert came is None or isinstance(came, Drawn | Refused | Failed)
    assert not isinstance(came, Drawn) or all(came.pictures)


@given(st.lists(PARTS, min_size=1, max_size=4))
def test_what_is_kept_of_a_turn_is_whole_again_when_it_is_sent(parts: list[dict[str, Any]]) -> None:
    stash: dict[str, bytes] = {}

    async def keep(data: bytes, _: str) -> str:
        stash[f"{KEPT}{len(stash)}"] = data
        return f"{KEPT}{len(stash) - 1}"

    content = {"role": "model", "parts": parts}
    if any(link for _, link in kept_links(content)):
        return
    small = asyncio.run(remembered(content, keep))
    assert {link for _, link in kept_links(small)} == set(stash)
    whole = filled(small, stash)
    sent_back = [part for part in parts if not part.get("thought") or part.get("thoughtSignature") is not None]
    for before, after in zip(sent_back, whole["parts"], strict=True):
        assert {name: before[name] for name in before if name != "inlineData"} == {
            name: after[name] for name in after if name != "inlineData"
        }
        assert json.dumps(after)


@given(st.integers(300, 599), ERRORS | JSON)
def test_every_error_is_a_refusal_not_sent_or_lost(status: int, body: Any) -> None:
    meaning: Refused | NotSent | AnswerLost
    try:
        meaning = refusal_of(Answer(status, body), "gemini-3-pro-image")
    except (NotSent, AnswerLost) as problem:
        meaning = problem
    assert not isinstance(meaning, AnswerLost) or status >= 500
    if isinstance(meaning, NotSent) and meaning.failure.retry_after is not None:
        assert 1 <= meaning.failure.retry_after <= 300
