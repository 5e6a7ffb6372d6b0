"""What is sent for an image, and that a history goes back as it came."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ports import Job, Upload
from core.providers.gmi.contents import continued, is_blank, payload_of

HAT = Upload("https://storage.googleapis.com/hat.png", "image/png")
CAT = Upload("https://storage.googleapis.com/cat.jpeg", "image/jpeg")
HAT_PART = {"fileData": {"fileUri": HAT.url, "mimeType": "image/png"}}
CAT_PART = {"fileData": {"fileUri": CAT.url, "mimeType": "image/jpeg"}}
SNAKE_PART = {"file_data": {"file_uri": CAT.url, "mime_type": "image/jpeg"}}
INLINE_PART = {"inlineData": {"data": "eA=="}, "text": ""}
EMPTY_FILE = {"fileData": {"fileUri": "", "mimeType": ""}}

ASKED = {"role": "user", "parts": [{"text": "a fox", "thoughtSignature": "q"}], "turnToken": 2**63}
ANSWERED = {"role": "model", "parts": [{**HAT_PART, "thoughtSignature": "s"}], "x": {"y": [None, 1e-7, "ż\u2028"]}}
PAST: list[dict[str, Any]] = [ASKED, ANSWERED]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.lists(
    st.dictionaries(st.sampled_from(["text", "fileData", "thoughtSignature", "file_data", "z"]), JSON) | JSON,
    max_size=4,
)
TURNS = st.lists(
    st.dictionaries(st.text(max_size=6), JSON, max_size=2)
    | st.fixed_dictionaries({"role": st.sampled_from(["user", "model"]), "parts": PARTS}),
    max_size=5,
)


def test_a_first_turn_is_words_and_links() -> None:
    job = Job("m", "a fox", (HAT,), aspect_ratio="16:9", size="2K")
    assert payload_of(job) == {"prompt": "a fox", "image": [HAT.url], "aspect_ratio": "16:9", "image_size": "2K"}


def test_what_is_not_asked_for_is_not_sent() -> None:
    assert payload_of(Job("m", "a fox")) == {"prompt": "a fox"}


def test_an_edit_is_a_history_without_prompt_and_image_and_keeps_shape_and_size() -> None:
    payload = payload_of(Job("m", "at night", (CAT,), aspect_ratio="1:1", size="1K", history=PAST))
    assert payload == {
        "contents": [*PAST, {"role": "user", "parts": [{"text": "at night"}, CAT_PART]}],
        "aspect_ratio": "1:1",
        "image_size": "1K",
    }


def test_an_empty_history_is_none() -> None:
    assert payload_of(Job("m", "a fox", history=[])) == {"prompt": "a fox"}


@pytest.mark.parametrize(
    ("form", "filled"),
    [
        ([], [{"text": "hi"}, CAT_PART]),
        ([{"text": ""}, EMPTY_FILE], [{"text": "hi"}, CAT_PART]),
        ([{"text": ""}, EMPTY_FILE, EMPTY_FILE], [{"text": "hi"}, CAT_PART]),
        ([{"text": "", "fileData": {"fileUri": ""}}], [{**CAT_PART, "text": ""}, {"text": "hi"}]),
        ([{"text": "", "thoughtSignature": "k"}], [{"text": "hi", "thoughtSignature": "k"}, CAT_PART]),
        ([{"text": "kept"}, {"text": ""}], [{"text": "kept"}, {"text": "hi"}, CAT_PART]),
        ([{"file_data": {"file_uri": ""}}], [SNAKE_PART, {"text": "hi"}]),
        ([INLINE_PART], [INLINE_PART, {"text": "hi"}, CAT_PART]),
        ([{"unknown": 1}, 7, None], [{"unknown": 1}, 7, None, {"text": "hi"}, CAT_PART]),
    ],
)
def test_a_form_is_filled_in_and_what_stays_empty_is_dropped(form: list[Any], filled: list[Any]) -> None:
    [turn] = continued([{"role": "user", "parts": form, "token": 1}], "hi", [CAT])
    assert turn == {"role": "user", "parts": filled, "token": 1}


def test_a_form_without_parts_is_filled_in() -> None:
    assert continued([{"role": "user"}], "hi", []) == [{"role": "user", "parts": [{"text": "hi"}]}]


def test_more_pictures_than_places_are_added() -> None:
    [turn] = continued([{"role": "user", "parts": [EMPTY_FILE, {"text": ""}]}], "hi", [CAT, HAT])
    assert turn["parts"] == [CAT_PART, {"text": "hi"}, HAT_PART]


@pytest.mark.parametrize("last", [ANSWERED, {"role": "tool"}, {}, {"role": "user", "parts": "none"}])
def test_after_anything_but_a_users_turn_one_is_added(last: dict[str, Any]) -> None:
    assert continued([last], "hi", []) == [last, {"role": "user", "parts": [{"text": "hi"}]}]


@pytest.mark.parametrize(
    ("turn", "blank"),
    [
        ({"role": "user", "parts": []}, True),
        ({"role": "user"}, True),
        ({"role": "user", "parts": [{"text": ""}, EMPTY_FILE, {"fileData": {}}]}, True),
        ({"role": "user", "parts": [{"text": ""}], "turnToken": "t"}, False),
        ({"role": "user", "parts": [{"text": "", "thoughtSignature": "t"}]}, False),
        ({"role": "user", "parts": [{"fileData": {"fileUri": "", "token": 1}}]}, False),
        ({"role": "user", "parts": [{"text": "a fox"}]}, False),
        ({"role": "model", "parts": []}, False),
    ],
)
def test_only_a_form_that_says_nothing_at_all_is_blank(turn: dict[str, Any], *, blank: bool) -> None:
    assert is_blank(turn) is blank


@given(TURNS, st.text(max_size=10), st.lists(st.sampled_from([HAT, CAT]), max_size=3))
def test_no_history_is_changed_but_in_its_last_turn(
    history: list[dict[str, Any]], prompt: str, references: list[Upload]
) -> None:
    before = deepcopy(history)
    contents = continued(history, prompt, references)
    assert history == before
    assert len(contents) in (len(history), len(history) + 1)
    assert contents[:-1] == before[: len(contents) - 1]
    assert contents[-1]["role"] == "user"
    said = json.dumps(contents[-1])
    assert all(reference.url in said for reference in references)
    assert not prompt or json.dumps(prompt) in said


@given(TURNS)
def test_branches_of_one_history_share_nothing(history: list[dict[str, Any]]) -> None:
    one, other = continued(history, "one", [HAT]), continued(history, "other", [CAT])
    one[-1]["parts"].clear()
    for turn in one:
        turn["spoilt"] = True
    assert other == continued(history, "other", [CAT])
