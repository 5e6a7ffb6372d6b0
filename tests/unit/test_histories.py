"""What is known of a history that is opaque, and what stays of one that cannot go back."""

from typing import Any

import pytest

from core.histories import extras, fits, pictures, relinked, tokens
from core.ports import Capabilities, Upload
from core.restart import LAST_REQUESTS, retold, story_of
from core.statuses import History
from core.turns import ImageRef, Node, NodeImage, Operation, Options, Person, Reference, TurnId

ABLE = Capabilities("m1", ("1:1",), max_references=3)


def history() -> History:
    return [
        {
            "role": "user",
            "parts": [{"text": "https://words kept:words"}, {"fileData": {"fileUri": "https://a", "x": 1}}],
        },
        {"role": "model", "parts": [{"inlineData": {"mimeType": "image/png", "data": "kept:b"}, "sign": "kept:s"}]},
        {"role": "user", "parts": [{"file_data": {"file_uri": "https://c", "mime_type": "image/png"}}], "note": [None]},
        {"role": "user", "parts": [{"text": ""}, {"fileData": {"fileUri": "", "mimeType": ""}}]},
    ]


def test_every_picture_of_a_history_is_found_and_what_is_kept_beside_it() -> None:
    assert pictures(history()) == ["https://a", "kept:b", "https://c"]
    assert extras(history()) == ["kept:s"]
    assert pictures([{"parts": [{"fileData": {"fileUri": "gs://not/ours"}}]}]) == []


def test_a_picture_that_has_moved_is_pointed_at_where_it_is_and_all_else_is_untouched() -> None:
    before, moved = history(), {"https://a": Upload("https://new", "image/jpeg")}
    after = relinked(before, moved)
    assert after[0]["parts"][1] == {"fileData": {"fileUri": "https://new", "x": 1, "mimeType": "image/jpeg"}}
    assert (after[0]["parts"][0], after[1:]) == (before[0]["parts"][0], before[1:])
    assert before == history(), "the history itself is not changed"


@pytest.mark.parametrize(
    ("link", "place", "turn", "part"),
    [
        ("kept:b", "kept:n", 1, {"inlineData": {"mimeType": "image/png", "data": "kept:n"}, "sign": "kept:s"}),
        ("kept:b", "https://n", 1, {"fileData": {"fileUri": "https://n", "mimeType": "image/png"}, "sign": "kept:s"}),
        ("https://c", "https://n", 2, {"file_data": {"file_uri": "https://n", "mime_type": "image/png"}}),
        ("https://c", "kept:n", 2, {"inlineData": {"data": "kept:n", "mimeType": "image/png"}}),
    ],
)
def test_a_picture_may_move_between_a_file_and_what_is_kept(link: str, place: str, turn: int, part: Any) -> None:
    assert relinked(history(), {link: Upload(place, "image/png")})[turn]["parts"][0] == part


def test_a_picture_counts_as_the_model_says_and_words_by_their_bytes() -> None:
    assert tokens([{"parts": [{"text": "abcdef"}, {"text": "狐"}]}], ABLE) == 3
    assert tokens([{"parts": [{"text": "", "sign": "x" * 99_999}]}], ABLE) == 0
    assert tokens(history(), ABLE) == 3 * 1_290 + 8


def test_a_history_fits_up_to_the_last_token() -> None:
    told = [{"parts": [{"fileData": {"fileUri": "https://a"}}] * 24}]
    assert fits(told, "x" * 3 * (32_768 - 24 * 1_290), 0, ABLE)
    assert not fits(told, "x" * 3 * (32_768 - 24 * 1_290 + 1), 0, ABLE)
    assert not fits(told, "make it night", 2, ABLE)


def test_the_first_request_and_the_last_ones_are_retold_as_far_as_there_is_room() -> None:
    requests = [f"request {number}" for number in range(20)]
    told = retold(requests, 10_000)
    assert told.count("request") == 1 + 1 + LAST_REQUESTS
    assert "“request 0”; “request 14”" in told
    short = retold(requests, 110)
    assert len(short) <= 110
    assert "“request 0”; “request 18”; “request 19”." in short
    assert retold(requests, 20) == ""
    assert retold([], 20) == ""
    assert len(retold(["x" * 100_000], 10_000)) < 600


def node(name: str, parent: str = "", *references: Reference) -> Node:
    shown = NodeImage(Reference(name, channel="c", message=name))
    above = ImageRef(TurnId(parent)) if parent else None
    ada = Person("fake", "w", "ada")
    return Node(
        TurnId(name), ada, name, 1.0, Operation.EDIT, Options(), "fake", "m1", (shown,), references, parent=above
    )


def test_the_story_of_a_picture_has_each_reference_once_the_latest_first() -> None:
    logo, hat = Reference("logo", channel="c", message="1", attachment="1"), Reference("hat", url="https://hat")
    again = Reference("the same logo", channel="c", message="1", attachment="1")
    ancestors = [node("c", "b", again), node("b", "a", hat), node("a", "", logo)]
    story = story_of(ImageRef(TurnId("c")), ancestors)
    assert story.requests == ("a", "b", "c")
    assert story.first == ancestors[-1].images[0].shown
    assert story.references == (again, hat)
    assert [reference for reference, _ in story.pictures([hat])] == [story.first, again]


def test_the_first_picture_does_not_go_along_twice() -> None:
    assert story_of(ImageRef(TurnId("a")), [node("a")]).first is None
